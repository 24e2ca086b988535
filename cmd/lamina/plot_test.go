package main

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/measure"
)

// TestSimilarityPlot draws what was measured: each neighbour's value, in both forms.
func TestSimilarityPlot(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, sim := write(t, dir, "d.jsonl", manyQuestions(6)), filepath.Join(dir, "sim.json")
	svg, image := filepath.Join(dir, "s.svg"), filepath.Join(dir, "s.png")
	must(t, "similarity", "--model", model, "--data", data, "--json", sim, "--plot", svg)
	text, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	matrix := read[measure.Similarity](t, sim).Matrix
	for i, row := range matrix[:len(matrix)-1] {
		v := row[i+1]
		if words := fmt.Sprintf("%d and %d %.4f", i, i+1, v); !strings.Contains(string(text), words) {
			t.Errorf("no %q in the picture's description", words)
		}
		if label := strings.TrimPrefix(fmt.Sprintf("%.4f", v), "0"); !strings.Contains(string(text), ">"+label+"<") {
			t.Errorf("no label %s in the picture", label)
		}
	}
	text, err = os.ReadFile(sim)
	if begin := `{"result":"similarity","command":["lamina","similarity","--model",`; err != nil || !strings.HasPrefix(string(text), begin) {
		t.Errorf("result %.100q, %v: want it to begin %s", text, err, begin)
	}
	must(t, "report", dir)
	if page, err := os.ReadFile(filepath.Join(dir, "report.html")); err != nil || !strings.Contains(string(page), "figures/sim.png") {
		t.Errorf("no page of the result: %v", err)
	}
	must(t, "similarity", "--model", model, "--data", data, "--plot", image)
	if text, err = os.ReadFile(image); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(text)); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"s.pdf": ".svg or .png", "s": ".svg or .png", "none/s.svg": "no such directory", "": "is a directory"} {
		path := filepath.Join(dir, name)
		if name == "" {
			path = filepath.Join(dir, "folder.svg")
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		code, stdout, stderr := lamina(t, "similarity", "--model", model, "--data", data, "--plot", path)
		if code == 0 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) || !strings.Contains(stderr, path) {
			t.Errorf("%s: exit %d, %q, %q", name, code, stdout, stderr)
		}
	}
}
