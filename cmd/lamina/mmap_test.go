package main

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestMmapChangesNoToken: mapped weights and copied ones give the same ids, a token at a time
// and in answers that eval has generated.
func TestMmapChangesNoToken(t *testing.T) {
	model := tinyModel(t)
	want, _ := generated(t, model, "", "--max-tokens", "128", "--mmap")
	for _, flags := range [][]string{{"--no-mmap"}, {}} {
		if got, _ := generated(t, model, "", append(flags, "--max-tokens", "128")...); !slices.Equal(got.IDs, want.IDs) {
			t.Errorf("%v: %v, with --mmap %v", flags, got.IDs, want.IDs)
		}
	}
	data := write(t, t.TempDir(), "d.jsonl", `{"query":"a small cat","answers":["sat"]}`+"\n")
	for _, flag := range []string{"--mmap", "--no-mmap"} {
		succeed(t, "eval", "--model", model, "--data", data, "--max-gen-tokens", "4", flag, "--out", filepath.Join(t.TempDir(), "scores"))
	}
}

// TestWorthCopying: by default a copy takes at most half of what is free, and is not made
// where that is not known or where there are no large pages.
func TestWorthCopying(t *testing.T) {
	for _, c := range []struct {
		bytes, free int
		large, want bool
	}{{50, 100, true, true}, {51, 100, true, false}, {1, 0, true, false}, {50, 100, false, false}} {
		if got := worthCopying(c.bytes, c.free, c.large); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
