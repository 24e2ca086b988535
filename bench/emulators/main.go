// Command emulators makes the table of every way to make an emulator: SmolLM2-135M,
// ARC-Easy, half of its blocks kept or as many weights at full depth, four blocks trained.
//
//	go run ./bench/emulators -model SmolLM2-135M-Instruct.Q4_1.gguf -data DIR -out out/emulators -results bench/results/DATE-emulators.md
//	go run ./bench/emulators ... -estimate                  # how long each row takes here, from a few documents and steps
//	go run ./bench/emulators ... -rows zs,full,ceiling      # some rows; a later call with more goes on from there
//
// It is one call of `lamina run`, printed first, which takes up what an earlier one left; an
// interrupt saves. DIR has train/, valid/ and eval/arc_easy.jsonl. Whatever rows are
// finished stand in the file of -results, with command, machine, date and commit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/internal/machine"
	"lamina/internal/report"
)

// tableRows are the rows of the table, in the order in which they are cut if time forbids:
// from the end.
const tableRows = "zs,full,ceiling,uniform,random,crash,share-all,share-damped,sleb,gradient-fidelity,crash-ghost,sleb-ghost,replaceme,svd,nystrom"

// work is what is asked for.
type work struct {
	lamina, model, data, out, results, rows, rates string
	limit, steps                                   int
}

func main() {
	var w work
	flag.StringVar(&w.lamina, "lamina", "", "the binary; default: built from this module")
	flag.StringVar(&w.model, "model", "", "the model's file or directory")
	flag.StringVar(&w.data, "data", "", "folder with train/, valid/ and eval/arc_easy.jsonl")
	flag.StringVar(&w.out, "out", "out/emulators", "run directory, resumed if it is there")
	flag.StringVar(&w.results, "results", "", "file of results (Markdown); default: none")
	flag.StringVar(&w.rows, "rows", tableRows, "rows of the table")
	flag.StringVar(&w.rates, "lr", "2e-5,5e-5,1e-4", "learning rates, the same of all rows")
	flag.IntVar(&w.limit, "limit", 0, "score only so many documents; 0: all")
	estimate := flag.Bool("estimate", false, "run the rows on a few documents and steps, in OUT-estimate, and say how long they take in full")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := w.table
	if *estimate {
		do = w.estimate
	}
	if err := do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "emulators:", err)
		os.Exit(1)
	}
}

const (
	documents = 2376 // that are scored
	batch     = 16
)

// args are those of lamina.
func (w work) args() []string {
	args := []string{"run", "--model", w.model, "--task", "arc_easy",
		"--train", filepath.Join(w.data, "train", "arc_easy.jsonl"), "--valid", filepath.Join(w.data, "valid", "arc_easy.jsonl"),
		"--test", filepath.Join(w.data, "eval", "arc_easy.jsonl"),
		"--keep", "15", "--trainable", "4", "--seed", "42", "--lr", w.rates, "--batch", fmt.Sprint(batch), "--rows", w.rows, "--out", w.out}
	if w.steps > 0 {
		args = append(args, "--steps", fmt.Sprint(w.steps))
	} else {
		args = append(args, "--epochs", "1")
	}
	if w.limit > 0 {
		args = append(args, "--limit", fmt.Sprint(w.limit))
	}
	return args
}

// run calls lamina, which saves when ctx ends.
func (w *work) run(ctx context.Context) error {
	if w.lamina == "" {
		dir, err := os.MkdirTemp("", "emulators")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		w.lamina = filepath.Join(dir, "lamina")
		defer func() { w.lamina = "" }()
		build := exec.Command("go", "build", "-o", w.lamina, "./cmd/lamina")
		build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("go build ./cmd/lamina: %w", err)
		}
	}
	fmt.Println("lamina", strings.Join(w.args(), " "))
	c := exec.CommandContext(ctx, w.lamina, w.args()...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	return c.Run()
}

// table makes the table, and writes down what there is of it, also where it was
// interrupted.
func (w work) table(ctx context.Context) error {
	err := w.run(ctx)
	if w.results == "" {
		return err
	}
	table, missing := os.ReadFile(filepath.Join(w.out, "table.md"))
	if missing != nil {
		return errors.Join(err, missing)
	}
	return errors.Join(err, files.WriteBytes(w.results, []byte(w.head()+string(table))))
}

// head says what was measured, with what and where.
func (w work) head() string {
	commit, _ := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if changed, _ := exec.Command("git", "status", "--porcelain").Output(); len(changed) > 0 {
		commit = append([]byte(strings.TrimSpace(string(commit))), ", changed since"...)
	}
	w.model, w.data, w.out = filepath.Base(w.model), filepath.Base(w.data), filepath.Base(w.out)
	return fmt.Sprintf("# Every way to make an emulator: SmolLM2-135M, ARC-Easy, %s\n\nCommit %s. %s, %.0f GiB. `go run ./bench/emulators`, which calls\n\n    lamina %s\n\n",
		time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(commit)), machine.Processor(), float64(machine.ReadMemory().Total)/(1<<30), strings.Join(w.args(), " "))
}

// What an estimate runs: a few documents, and a few steps of each rate.
const (
	someDocuments = 20
	someSteps     = 3
)

// estimate says how long each row takes in full: building and validation as they took,
// scoring by documents, and training by steps.
func (w work) estimate(ctx context.Context) error {
	w.out, w.limit, w.steps = w.out+"-estimate", someDocuments, someSteps
	if err := w.run(ctx); err != nil {
		return err
	}
	var done study.Table
	if err := files.ReadJSON(filepath.Join(w.out, "table.json"), &done); err != nil {
		return err
	}
	t := report.Table{Columns: []report.Column{
		{Name: "row"}, {Name: "building", Right: true}, {Name: "training", Right: true}, {Name: "scoring", Right: true}, {Name: "measures", Right: true}, {Name: "seconds", Right: true}}}
	sum := 0.0
	for _, r := range done.Rows {
		steps, err := w.stepSeconds(r.Name)
		if err != nil {
			return err
		}
		training := r.TrainSeconds - steps + steps*float64((done.Splits.Train+batch-1)/batch)/someSteps
		scoring := max(r.Seconds-r.TrainSeconds-r.BuildSeconds, 0) * documents / someDocuments
		measures := 0.0
		if r.Measures != nil {
			measures = r.Measures.Seconds
		}
		whole := r.BuildSeconds + training + scoring + measures
		sum += whole
		row := []string{r.Name}
		for _, v := range []float64{r.BuildSeconds, training, scoring, measures, whole} {
			row = append(row, fmt.Sprintf("%.0f", v))
		}
		t.Rows = append(t.Rows, row)
	}
	fmt.Printf("\nSeconds of each row in full, on %s:\n%s\n%.1f h, and what choosing layers takes\n", machine.Processor(), t.Text(), sum/3600)
	return nil
}

// stepSeconds is what the training steps of a row took, of all rates, validation left out.
func (w work) stepSeconds(row string) (sum float64, err error) {
	runs, err := filepath.Glob(filepath.Join(w.out, "seed-42", "rows", row, "lr*"))
	for _, run := range runs {
		metrics, err := train.ReadMetrics(run)
		if err != nil {
			return 0, err
		}
		for _, m := range metrics {
			if m.TokensPerSecond > 0 {
				sum += float64(m.Tokens) / m.TokensPerSecond
			}
		}
	}
	return sum, err
}
