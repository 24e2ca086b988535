package main

import (
	"path/filepath"
	"strings"
	"testing"

	"lamina/eval/results"
)

func TestCompareCommand(t *testing.T) {
	runs := filepath.Join("..", "..", "eval", "results", "testdata", "runs")
	a, b, out := filepath.Join(runs, "a"), filepath.Join(runs, "b"), filepath.Join(t.TempDir(), "c.json")
	code, stdout, stderr := lamina(t, "compare", a, b, "--samples", "500", "--json", out)
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{"choices", "word_perplexity", "exact_match,front", "paired", "+0.5000", "lower"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%s shows no %q", stdout, want)
		}
	}
	if !strings.Contains(stderr, "warning: choices: 10 documents in both") {
		t.Errorf("%q warns of no missing documents", stderr)
	}
	c := read[results.Comparison](t, out)
	if len(c.Rows) != 8 || c.Resamples != 500 || c.Seed != 42 || len(c.Warnings) == 0 || filepath.Dir(c.A) != a {
		t.Errorf("%+v", c)
	}
	if again := must(t, "compare", a, b, "--samples", "500"); again != stdout {
		t.Error("the same seed gives another table")
	}
	// Without samples the rows say so.
	bare := t.TempDir()
	write(t, bare, "results.json", `{"results":{"choices":{"acc,none":0.5,"acc_stderr,none":0.1}}}`)
	if text := must(t, "compare", a, bare, "--metric", "acc"); !strings.Contains(text, "unpaired: no samples in B") || strings.Count(text, "\n") != 3 {
		t.Errorf("%s", text)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"compare", a}, exitUsage, "<b>"},
		{[]string{"compare", a, b, "--samples", "0"}, exitUsage, "--samples 0"},
		{[]string{"compare", a, b, "--metric", "f1"}, exitError, `"f1"`},
		{[]string{"compare", a, filepath.Join(a, "none")}, exitError, "no such file"},
	} {
		code, stdout, stderr := lamina(t, c.args...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit %d, %q, %q; want %d, %q", c.args, code, stdout, stderr, c.code, c.want)
		}
	}
}
