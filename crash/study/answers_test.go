package study_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/study"
	"lamina/kernels/cpu"
)

// TestSearchAsksOnce: a search for more layers asks nothing that one for fewer asked, one that
// was interrupted nothing twice, whoever lends the answers; all come to the plan of a search
// that nobody helped.
func TestSearchAsksOnce(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	run := func(ctx context.Context, dir, row string) (string, error) {
		p := protocol(t, be, full, dir, row)
		p.LRs, p.Settings.Steps, p.Samples = p.LRs[:1], 1, 3
		rows, err := table(ctx, p)
		if err != nil {
			return "", err
		}
		return rows[0].Plan.String(), nil
	}
	for _, name := range []string{"sleb", "sleb-answer", "gradient-fidelity"} {
		first, second, alone := t.TempDir(), t.TempDir(), t.TempDir()
		begun := ""
		for left := 1; begun == ""; left++ {
			if _, err := run(&crashtest.Countdown{Context: context.Background(), Left: left}, first, name+"@3"); !errors.Is(err, context.Canceled) {
				t.Fatalf("stopped at %d: %v", left, err)
			}
			begun = answers(t, first)
		}
		if _, err := run(context.Background(), first, name+"@3"); err != nil {
			t.Fatal(err)
		}
		all := answers(t, first)
		if strings.Count(begun, ":") < 1 || strings.Count(begun, ":") >= strings.Count(all, ":") {
			t.Errorf("%s: after an interruption %s, at the end %s", name, begun, all)
		}
		if err := study.LendAnswers(first, second); err != nil {
			t.Fatal(err)
		}
		got, err := run(context.Background(), second, name)
		if err != nil {
			t.Fatal(err)
		}
		if more := answers(t, second); more != all {
			t.Errorf("%s asked more of the model:\n%s\nthan\n%s", name, more, all)
		}
		want, err := run(context.Background(), alone, name)
		if err != nil || got != want {
			t.Errorf("%s: plan %s, without answers %s, %v", name, got, want, err)
		}
	}
}

// answers is the file of them in a run directory, "" where there is none.
func answers(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "answers.json"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

// TestSamplesBoundSearches: fewer texts are read by methods that run the model again and again,
// and by nothing else.
func TestSamplesBoundSearches(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	var notes []string
	p := protocol(t, be, full, "", "sleb")
	p.LRs, p.Settings.Steps, p.Samples = p.LRs[:1], 1, 2
	p.Watch = func(e study.Event) {
		if e.Phase == "note" {
			notes = append(notes, e.Note)
		}
	}
	rows, err := table(context.Background(), p)
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "over 2 texts") {
		t.Errorf("%q, %v", notes, err)
	}
	tokens := 0
	for _, a := range p.Support.Answers {
		tokens += len(a.Target)
	}
	if got := rows[0].Measures.SupportTokens; got != tokens {
		t.Errorf("measured on %d answer tokens, want all %d", got, tokens)
	}
	p.Samples = -1
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "--samples -1") {
		t.Error(err)
	}
}
