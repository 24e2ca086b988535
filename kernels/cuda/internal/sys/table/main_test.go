package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestProcsAreOfTheTable(t *testing.T) {
	want, err := generate(symbols)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../procs.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("procs.go is not of symbols.txt: go generate ./kernels/cuda/internal/sys")
	}
}

func TestFaultsOfTheTable(t *testing.T) {
	const head = "# words\nlibrary CUDA cu libcuda update it\n"
	for text, want := range map[string]string{
		"cuInit required 2.0\n":            "line 1: a symbol before",
		head + "cuInit needed 2.0\n":       "line 3: want SYMBOL",
		head + "cuInit required\n":         "line 3: want SYMBOL",
		head + "cuInit required new\n":     "line 3: want SYMBOL",
		head + "nvrtcInit required 2.0\n":  "does not begin with cu",
		head + "cu_v2 required 2.0\n":      "does not begin with cu",
		head + "cuInit_v2 required 12.0\n": "",
	} {
		_, err := generate(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
