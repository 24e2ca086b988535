package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/events"
	"lamina/internal/tfevents"
)

// TestATrainingIsWatched: finetune, distill and run tell their events into a file, on standard
// output and to TensorBoard; the finished run told again has no step twice.
func TestATrainingIsWatched(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", manyQuestions(30))
	tune := func(out string, more ...string) []string {
		return append([]string{"finetune", "--model", model, "--data", data, "--valid", data, "--lr", "1e-3", "--steps", "3", "--batch", "2", "--out", filepath.Join(dir, out)}, more...)
	}
	steps := func(text string) (n int) {
		t.Helper()
		for line := range strings.Lines(text) {
			var e events.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.Run == "" {
				t.Fatalf("%q: %v", line, err)
			}
			if e.Event == events.Step {
				n++
			}
		}
		return n
	}
	log, board := filepath.Join(dir, "e.jsonl"), filepath.Join(dir, "tb")
	for range 2 {
		must(t, tune("a", "--events", "jsonl:"+log, "--tensorboard", board)...)
		if n := steps(string(contents(t, log))); n != 3 {
			t.Errorf("%d steps, want 3", n)
		}
	}
	paths, _ := filepath.Glob(filepath.Join(board, "events.out.tfevents.*"))
	if len(paths) != 1 {
		t.Fatalf("%q", paths)
	}
	tags := map[string]int{}
	err := tfevents.Read(paths[0], func(e tfevents.Event) error {
		for _, s := range e.Scalars {
			tags[s.Tag]++
		}
		return nil
	})
	if err != nil || tags["train/loss"] != 3 || tags["eval/loss"] != 2 {
		t.Errorf("%v: %v", tags, err)
	}
	stdout, stderr := succeed(t, tune("b", "--events", "jsonl:-")...)
	if steps(stdout) != 3 || !strings.Contains(stderr, "send this directory") {
		t.Errorf("%s%s", stdout, stderr)
	}
	stdout, _ = succeed(t, "distill", "--model", model, "--plan", "0 2 5*", "--train", "norms", "--data", data, "--lr", "1e-3", "--steps", "2", "--batch", "2",
		"--out", filepath.Join(dir, "c"), "--events", "jsonl:-")
	if steps(stdout) != 2 {
		t.Errorf("%s", stdout)
	}
	table, test := filepath.Join(dir, "table"), write(t, dir, "test.jsonl", manyQuestions(4))
	stdout, stderr = succeed(t, "run", "--model", model, "--train", data, "--test", test, "--keep", "2", "--trainable", "1", "--rows", "ceiling",
		"--lr", "1e-3,1e-2", "--steps", "2", "--batch", "2", "--out", table, "--events", "jsonl:-", "--tensorboard", board+"-run")
	if steps(stdout) != 4 || !strings.Contains(stdout, `"cell":"seed-42/ceiling/lr0.01"`) || !strings.Contains(stderr, "report:") {
		t.Errorf("%s%s", stdout, stderr)
	}
	if paths, _ = filepath.Glob(filepath.Join(board+"-run", "seed-42", "ceiling", "lr*", "*tfevents*")); len(paths) != 2 {
		t.Errorf("%q", paths)
	}

	fails(t, exitError, "another run", tune("d", "--events", "jsonl:"+log, "--warmup", "1")...)
	fails(t, exitError, "another run", tune("d", "--tensorboard", board, "--warmup", "1")...)
	fails(t, exitError, "holds no events", tune("e", "--events", "jsonl:"+write(t, dir, "notes.txt", "notes\n"))...)
	fails(t, exitUsage, "want jsonl:FILE", tune("e", "--events", "e.jsonl")...)
	fails(t, exitUsage, "is the file of --json", tune("e", "--events", "jsonl:r.json", "--json", "r.json")...)
	fails(t, exitError, "is read as --", tune("e", "--events", "jsonl:"+data)...)
}
