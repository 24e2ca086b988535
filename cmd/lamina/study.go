package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lamina/crash/figures"
	"lamina/crash/study"
	"lamina/crash/sweep"
	"lamina/internal/files"
	"lamina/internal/interrupt"
)

// studyCommand runs a study file.
type studyCommand struct {
	File      string        `arg:"" placeholder:"FILE.yaml" help:"The study: models, tasks, rows, rates, seeds and settings; recipes has some."`
	Out       string        `placeholder:"DIR" help:"Directory of the table; a study that was begun there is gone on with."`
	Cells     string        `placeholder:"DIR" help:"Directory of the cells, which several studies may share: what one has computed the others find there. Default: cells in --out."`
	Check     bool          `help:"Say what the study would take (cells, memory, time) and which files are missing. No weights are read; exit status 1 where something is missing or does not fit."`
	Worker    bool          `help:"Compute cells that nobody else does, until all are there; any number of workers on machines that share the directories. The table is made by --merge."`
	Merge     bool          `help:"Make the table from the cells alone, without models and data."`
	Emit      string        `placeholder:"ENGINE" help:"Print what runs the study's workers on a cluster: slurm (the script of a job array) or k8s (the manifest of an Indexed Job)."`
	Workers   int           `placeholder:"N" help:"Of --emit: so many workers. Default: one a cell, 16 at most."`
	Image     string        `placeholder:"NAME" help:"Of --emit k8s: the container image that holds lamina."`
	Volume    string        `placeholder:"CLAIM" help:"Of --emit k8s: the persistent volume claim with study, models, data and results, mounted at /study."`
	Lease     time.Duration `default:"10m" placeholder:"T" help:"A worker that has not been heard for so long is taken for dead, and its cell is computed by another (default 10m). Heard four times as often."`
	Overwrite bool          `help:"Begin another study in --out. Cells stay, and are found again where they are the same."`
}

// leastLease is what file systems and clocks can tell apart; mostWorkers is far above any
// cluster.
const (
	leastLease  = time.Second
	mostWorkers = 100_000
)

// Run reads the file and does what is asked.
func (c *studyCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	st, err := sweep.Read(c.File, s.recipes)
	if err != nil {
		return err
	}
	if st.Precision != "" {
		s.Precision = st.Precision
	}
	switch {
	case c.Check:
		return s.checkStudy(st)
	case c.Emit != "":
		return s.emitStudy(st, c.Emit, sweep.Job{File: c.File, Out: c.Out, Cells: c.Cells, Workers: c.Workers, Lease: c.Lease, Image: c.Image, Volume: c.Volume})
	}
	w := c.worker(s, st)
	defer w.Close()
	if c.Merge {
		return c.table(s, w)
	}
	show := s.watcher()
	defer show.Close()
	w.Watch = show.Watch
	w.Note = func(text string) { show.Watch(study.Event{Phase: "note", Note: text}) }
	w.Done = func(cell sweep.Cell, done, total int, r study.Row) {
		show.Watch(study.Event{Phase: "note", Note: fmt.Sprintf("cell %d of %d: %s: %s", done, total, cell, r)})
	}
	defer interrupt.Saving("the step under way is finished and saved")()
	err = w.Plan(s.ctx, c.Overwrite)
	if err == nil {
		err = w.Run(s.ctx)
	}
	if errors.Is(err, context.Canceled) {
		return interrupted{fmt.Sprintf("interrupted; finished cells and the last checkpoint are in %s: the same command goes on there", w.Cells.Dir)}
	}
	if err != nil || c.Worker {
		return err
	}
	show.Close()
	return c.table(s, w)
}

// check tests flags that depend on each other.
func (c *studyCommand) check() error {
	asked := 0
	for _, is := range []bool{c.Check, c.Worker, c.Merge, c.Emit != ""} {
		if is {
			asked++
		}
	}
	switch {
	case asked > 1:
		return usagef("--check, --worker, --merge, --emit: want one of them at most")
	case c.Emit != "" && c.Emit != "slurm" && c.Emit != "k8s":
		return usagef("--emit %.32q: want slurm or k8s", c.Emit)
	case c.Out == "" && !c.Check:
		return usagef("missing flags: --out=DIR")
	case c.Lease < leastLease:
		return usagef("--lease %v: want %v or more", c.Lease, leastLease)
	case c.Workers < 0 || c.Workers > mostWorkers || c.Workers > 0 && c.Emit == "":
		return usagef("--workers %d: is of --emit: want 1 to %d", c.Workers, mostWorkers)
	case c.Emit == "k8s" && (c.Image == "" || c.Volume == ""):
		return usagef("--emit k8s: want --image and --volume")
	case c.Emit != "k8s" && c.Image+c.Volume != "":
		return usagef("--image and --volume are of --emit k8s")
	case c.Overwrite && (c.Merge || c.Worker || c.Check || c.Emit != ""):
		return usagef("--overwrite begins a study, which --worker, --merge, --check and --emit do not")
	}
	if c.Cells == "" {
		c.Cells = filepath.Join(c.Out, "cells")
	}
	return nil
}

// worker is one of this process.
func (c *studyCommand) worker(s *session, st *sweep.Study) *sweep.Worker {
	host, _ := os.Hostname()
	w := &sweep.Worker{
		Study: st, Cells: sweep.Cells{Dir: c.Cells}, Out: c.Out, Precision: s.Precision, Host: sweep.HostName(host), Lease: c.Lease, Pause: min(c.Lease/4, 15*time.Second),
		First: sweep.FirstCell(os.Getenv),
	}
	w.Open = func(path string) (*sweep.Opened, error) {
		_, err := s.backend() // which is for all models
		closers := len(s.closers)
		w.Available = s.room()
		var m *model
		if err == nil {
			m, err = s.openModel(path)
		}
		if err == nil {
			err = m.Full("study")
		}
		if err != nil {
			return nil, err
		}
		return &sweep.Opened{Model: &m.Model.Model, Locate: s.dataPath, Close: func() {
			for i := len(s.closers) - 1; i >= closers; i-- {
				s.closers[i]()
			}
			s.closers = s.closers[:closers]
		}}, nil
	}
	return w
}

// table merges the cells, writes the table into --out and shows it.
func (c *studyCommand) table(s *session, w *sweep.Worker) error {
	t, err := w.Merge()
	if err != nil {
		return err
	}
	data, err := figures.Encode("study", s.command, t)
	if err != nil {
		return err
	}
	text := t.Text()
	for _, f := range []struct {
		name string
		data []byte
	}{{"study.json", data}, {"table.md", []byte(t.Markdown())}, {"table.csv", []byte(t.CSV())}, {"table.txt", []byte(text)}} {
		if err := files.WriteBytes(filepath.Join(c.Out, f.name), f.data); err != nil {
			return err
		}
	}
	page, err := figures.Dir(c.Out)
	if err != nil {
		return err
	}
	if err := page.Write(); err != nil {
		return err
	}
	s.printf("%s\nreport: %s\n", strings.TrimRight(text, "\n"), filepath.Join(c.Out, figures.PageFile))
	return s.writeResult("study", t)
}
