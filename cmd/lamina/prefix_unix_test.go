//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStreamsOnDiskSurviveNoKill: a run that is killed while streams of frozen places lie on
// disk goes on without them, and comes to the bytes of a run that kept none; what the dead
// process left is gone.
func TestStreamsOnDiskSurviveNoKill(t *testing.T) {
	dir, model := t.TempDir(), tinyModel(t)
	data := write(t, dir, "d.jsonl", manyQuestions(40))
	flags := func(out, cache string) []string {
		return []string{"finetune", "--model", model, "--plan", "0 1 2 5*", "--data", data, "--lr", "0.01", "--steps", "120", "--save-every", "7",
			"--cache-prefix", cache, "--out", filepath.Join(dir, out)}
	}
	succeed(t, flags("plain", "off")...)
	want := fileOf(t, filepath.Join(dir, "plain"), "adapter.safetensors")
	killed := filepath.Join(dir, "killed")
	streams := func() (left []string) {
		all, _ := filepath.Glob(filepath.Join(killed, "*streams*"))
		hidden, _ := filepath.Glob(filepath.Join(killed, ".*streams*"))
		return append(all, hidden...)
	}
	found := 0
	for range 3 {
		p := begin(t, flags("killed", "1KiB")...)
		before := metricsOf(killed)
		for end := time.Now().Add(soon); time.Now().Before(end) && metricsOf(killed) < before+10; {
			time.Sleep(time.Millisecond)
		}
		p.Process.Kill()
		p.end()
		found += len(streams())
	}
	if found == 0 {
		t.Error("no killed process had streams on disk")
	}
	succeed(t, flags("killed", "1KiB")...)
	if got := fileOf(t, killed, "adapter.safetensors"); !bytes.Equal(got, want) {
		t.Error("other bytes than without streams that are kept")
	}
	if left := streams(); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// metricsOf counts the steps that a run has told of.
func metricsOf(run string) int {
	text, _ := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	return strings.Count(string(text), "\n")
}
