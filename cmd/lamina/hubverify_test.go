package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHubVerify: a cache that is empty, right, damaged and repaired, each in words and by
// its status.
func TestHubVerify(t *testing.T) {
	weights := strings.Repeat("weights ", 100)
	h, cache := serve(t, "tiny/model", map[string]string{"config.json": "{}", "model.safetensors": weights})
	if text := must(t, "hub", "verify"); !strings.Contains(text, cache+": holds no repository") {
		t.Errorf("an empty cache: %q", text)
	}
	must(t, "hub", "get", "tiny/model")
	for _, args := range [][]string{{"hub", "verify"}, {"hub", "verify", "tiny/model"}} {
		if text := must(t, args...); !strings.Contains(text, "tiny/model: 2 files of 802 B are right, 0 wrong") {
			t.Errorf("%q: %q", args, text)
		}
	}
	blob := filepath.Join(cache, "models--tiny--model", "blobs", h.Digest("model.safetensors"))
	if err := os.WriteFile(blob, []byte("W"+weights[1:]), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "verified.json")
	code, stdout, stderr := lamina(t, "hub", "verify", "--json", out)
	if code != exitError || !strings.Contains(stdout, "1 files of 2 B are right, 1 wrong") || !strings.Contains(stderr, cache+": 1 files are wrong") {
		t.Errorf("a changed blob: exit %d, %q, %q", code, stdout, stderr)
	}
	if said := read[[]struct{ Faults []any }](t, out); len(said) != 1 || len(said[0].Faults) != 1 {
		t.Errorf("a changed blob in JSON: %+v", said)
	}
	must(t, "hub", "get", "tiny/model")
	if text := must(t, "hub", "verify"); !strings.Contains(text, "2 files of 802 B are right, 0 wrong") {
		t.Errorf("after hub get: %q", text)
	}
}
