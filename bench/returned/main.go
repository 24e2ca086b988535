// Command returned measures what comes back from a data owner and what its owner makes of
// it: SmolLM2-135M, ARC-Easy, emulators of 15 and 24 of 30 blocks with a fitted map in each
// gap, four blocks trained.
//
//	go run ./bench/returned -model SmolLM2-135M-Instruct.Q4_1.gguf -data DIR -out out/returned -results bench/results/DATE-returned.md
//	go run ./bench/returned ... -keep 15 -only emulator,weights     # some steps; a later call goes on
//
// Each step is a call of lamina, printed first, whose JSON stands in OUT; one that has its
// JSON is not called again. DIR has train/, valid/ and eval/arc_easy.jsonl and
// train/openbook_qa.jsonl: the owner fits emulators to rows of another task, as he has none
// of the data owner's. The validation rows are cut in three: the first third chooses the
// data owner's weights, the second the owner's α, the third is what the owner's gradients
// are of (GradFix) and what the few-shot control trains on. All test rows are scored, or
// the first of them.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"lamina/internal/files"
)

// work is what is asked for.
type work struct {
	lamina, model, data, out, results string
	limit                             int
	only                              []string
}

func main() {
	var w work
	var keep, only string
	flag.StringVar(&w.lamina, "lamina", "", "the binary; default: built from this module")
	flag.StringVar(&w.model, "model", "", "the model's file or directory")
	flag.StringVar(&w.data, "data", "", "folder with train/, valid/ and eval/arc_easy.jsonl")
	flag.StringVar(&w.out, "out", "out/returned", "folder of what is made; what is there is not made again")
	flag.StringVar(&w.results, "results", "", "file of results (Markdown); default: none")
	flag.StringVar(&keep, "keep", "15,24", "blocks kept of 30")
	flag.StringVar(&only, "only", "", "only steps whose names begin so; default: all")
	flag.IntVar(&w.limit, "limit", 0, "score only so many documents; 0: all")
	flag.Parse()
	if only != "" {
		w.only = strings.Split(only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := w.all(ctx, strings.Split(keep, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "returned:", err)
		os.Exit(1)
	}
}

// all makes what is missing and writes the results of what is there, also where it was
// interrupted.
func (w *work) all(ctx context.Context, keeps []string) error {
	if err := w.prepare(); err != nil {
		return err
	}
	if w.lamina == "" {
		dir, err := os.MkdirTemp("", "returned")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		w.lamina = filepath.Join(dir, "lamina")
		build := exec.CommandContext(ctx, "go", "build", "-o", w.lamina, "./cmd/lamina")
		build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("go build ./cmd/lamina: %w", err)
		}
	}
	var err error
	for _, keep := range append([]string{""}, keeps...) {
		for _, s := range w.steps(keep) {
			if err == nil && w.wanted(s.name) {
				err = w.run(ctx, filepath.Join(w.out, s.in), s)
			}
		}
	}
	if w.results == "" {
		return err
	}
	text, wrong := w.text(keeps)
	if wrong == nil {
		wrong = files.WriteBytes(w.results, []byte(text))
	}
	return errors.Join(err, wrong)
}

func (w *work) wanted(name string) bool {
	return w.only == nil || slices.ContainsFunc(w.only, func(begin string) bool { return strings.HasPrefix(name, begin) })
}

// prepare cuts the validation rows in three.
func (w *work) prepare() error {
	if err := os.MkdirAll(w.out, 0o755); err != nil {
		return err
	}
	rows, err := os.ReadFile(filepath.Join(w.data, "valid", "arc_easy.jsonl"))
	if err != nil {
		return err
	}
	lines := slices.Collect(bytes.Lines(rows))
	for i, name := range []string{validRows, alphaRows, shotRows} {
		third := bytes.Join(lines[i*len(lines)/3:(i+1)*len(lines)/3], nil)
		if err := files.WriteBytes(filepath.Join(w.out, name), third); err != nil {
			return err
		}
	}
	return nil
}

// step is a call of lamina.
type step struct {
	in, name string // its JSON is OUT/in/name.json
	args     []string
	then     func() error // after it was called; may be nil
	copied   [2]string    // a directory and the name of a copy that is made of it first, or nothing
}

// run makes a step, unless its JSON is there, and notes the seconds it took.
func (w *work) run(ctx context.Context, dir string, s step) error {
	result := filepath.Join(dir, s.name+".json")
	if _, err := os.Stat(result); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if from, to := s.copied[0], s.copied[1]; from != "" {
		if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
			return err
		}
	}
	args := append(slices.Clone(s.args), "--json", result)
	fmt.Printf("%s lamina %s\n", time.Now().Format(time.TimeOnly), strings.Join(args, " "))
	c := exec.CommandContext(ctx, w.lamina, args...)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	begin := time.Now()
	err := c.Run()
	fmt.Print(said.String())
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	took := map[string]float64{"seconds": time.Since(begin).Seconds(), "processor_seconds": (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()}
	data, err := json.Marshal(took)
	if err != nil {
		return err
	}
	err = errors.Join(files.WriteBytes(filepath.Join(dir, s.name+".txt"), said.Bytes()),
		files.WriteBytes(filepath.Join(dir, s.name+".seconds"), data))
	if s.then != nil {
		err = errors.Join(err, s.then())
	}
	return err
}
