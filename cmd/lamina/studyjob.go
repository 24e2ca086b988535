package main

import (
	"fmt"
	"os"

	"lamina/crash/sweep"
	"lamina/hub"
)

// checkStudy says what a study would take; the exit status is that of an error where something
// is missing.
func (s *session) checkStudy(st *sweep.Study) error {
	be, err := s.backend()
	if err != nil {
		return err
	}
	bar := s.waiting("measuring the calls of steps")
	found, err := st.Check(s.ctx, sweep.Place{
		Model:   func(name string) (string, error) { return s.here(name, hub.Model, hub.ModelFiles) },
		Data:    func(name string) (string, error) { return s.here(name, hub.Dataset, hub.DatasetFiles) },
		Backend: be, Available: s.room(),
	})
	bar.Done()
	if err != nil {
		return err
	}
	s.printf("%s", found.Text())
	if err := s.writeJSON(found); err != nil {
		return err
	}
	return found.Fault()
}

// here says where a path or a name of the hub lies, if it does: nothing is fetched.
func (s *session) here(name string, kind hub.Type, choose hub.Select) (string, error) {
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	repo, ok := hub.Meant(kind, name)
	if !ok {
		return name, fmt.Errorf("%s: no such file or directory", name)
	}
	client, err := hub.FromEnv(os.Getenv)
	if err != nil {
		return name, err
	}
	got, missing := client.Cached(repo, "main", choose)
	if missing != nil {
		return name, fmt.Errorf("%s: not here, and not in the cache of the hub: lamina hub get %s --repo-type %s", name, repo.ID, kind)
	}
	return got.Dir, nil
}

// emitStudy prints what runs the workers of a job on an engine.
func (s *session) emitStudy(st *sweep.Study, engine string, j sweep.Job) (err error) {
	if j.Program, err = os.Executable(); err != nil {
		return err
	}
	if j.Threads, err = s.workers(); err != nil {
		return err
	}
	d, err := parseDevice(s.Device)
	if err != nil {
		return err
	}
	if d.kind != "auto" {
		j.Device = d.String() // a job that asks for one GPU sees it as the first
	}
	j.Precision = s.Precision
	text, err := st.Emit(engine, j)
	if err != nil {
		return err
	}
	s.printf("%s", text)
	return nil
}
