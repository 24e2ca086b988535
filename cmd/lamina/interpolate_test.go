package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/surface"
	"lamina/eval/task"
	"lamina/transformer"
)

// between has a model, runs that trained parts of it, and documents.
func between(t *testing.T) (model, full, crash, data string) {
	t.Helper()
	model, dir := tinyModel(t), t.TempDir()
	train := write(t, dir, "train.jsonl", manyQuestions(12))
	full, crash = filepath.Join(dir, "full"), filepath.Join(dir, "crash")
	for _, run := range []struct{ plan, lr, out string }{{"0 1 2 3* 4 5*", "2e-2", full}, {"0 1 2 3 4 5*", "1e-2", crash}} {
		must(t, "finetune", "--model", model, "--plan", run.plan, "--data", train, "--lr", run.lr, "--steps", "4", "--batch", "4", "--out", run.out)
	}
	return model, full, crash, write(t, dir, "held-out.jsonl", manyQuestions(9))
}

// TestInterpolateEndsAreEvals: loss and accuracy at the ends are those of lamina eval, to the
// bit; picture, page and result are made of one file; --out goes on, also with more points.
func TestInterpolateEndsAreEvals(t *testing.T) {
	model, full, crash, data := between(t)
	dir := t.TempDir()
	out, result := filepath.Join(dir, "points"), filepath.Join(dir, "line.json")
	call := func(more ...string) []string {
		return append([]string{"interpolate", "--model", model, "--adapter", full, "--to", crash, "--data", data, "--points", "5", "--json", result}, more...)
	}
	text := must(t, call("--out", out, "--plot", filepath.Join(dir, "line.svg"))...)
	if !strings.Contains(text, "barrier ") || !strings.Contains(text, "control 1") || !strings.Contains(text, "from place 3 of 6 on") {
		t.Errorf("says %s", text)
	}
	first, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	line := read[surface.Interpolation](t, result)
	if !bytes.HasPrefix(first, []byte(`{"result":"interpolate","command":["lamina","interpolate",`)) || !line.Complete || len(line.Points) != 5 || len(line.Controls) != 1 {
		t.Errorf("result %.300s", first)
	}
	for i, run := range []string{full, crash} {
		file := filepath.Join(dir, "eval.json")
		must(t, "eval", "--model", model, "--adapter", run, "--data", data, "--json", file)
		e := read[struct {
			Acc  float64        `json:"acc"`
			Rows [][]task.Score `json:"rows"`
		}](t, file)
		sum := 0.0
		for k, row := range e.Rows {
			sum -= row[k%3].LogProb
		}
		want := surface.Measured{Loss: surface.Number(sum / float64(line.Answers)), Accuracy: surface.Number(e.Acc)}
		if line.Ends[i].Measured != want || line.Points[4*i].Measured != want {
			t.Errorf("end %d: %v and %v, eval says %v", i, line.Ends[i], line.Points[4*i], want)
		}
	}
	for _, more := range [][]string{{"--out", out}, {"--cache-prefix", "off"}, {"--threads", "1"}} {
		must(t, call(more...)...)
		var a, b map[string]any
		text, _ := os.ReadFile(result)
		if json.Unmarshal(first, &a) != nil || json.Unmarshal(text, &b) != nil {
			t.Fatalf("%s", text)
		}
		a["command"], b["command"] = nil, nil
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		if !bytes.Equal(x, y) {
			t.Errorf("%v: another result: %s, want %s", more, y, x)
		}
	}
	must(t, call("--out", out, "--points", "9", "--range", "-1,1")...)
	fails(t, exitError, "documents is 9 there, 7 now", call("--out", out, "--limit", "7")...)
	must(t, call("--out", out, "--limit", "7", "--overwrite")...)
	must(t, "report", dir)
	if page, err := os.ReadFile(filepath.Join(dir, "report.html")); err != nil || !strings.Contains(string(page), "figures/line.png") {
		t.Errorf("no page: %v", err)
	}
}

// TestInterpolatePlane: the corners of a plane are the ends of the lines, and random planes
// and lines are measured around a model.
func TestInterpolatePlane(t *testing.T) {
	model, full, crash, data := between(t)
	dir := t.TempDir()
	result, picture := filepath.Join(dir, "plane.json"), filepath.Join(dir, "plane.png")
	must(t, "interpolate", "--model", model, "--to", full, "--and", crash, "--data", data, "--points", "4", "--range", "-1,2", "--json", result, "--plot", picture)
	plane := read[surface.Landscape](t, result)
	must(t, "interpolate", "--model", model, "--to", full, "--data", data, "--points", "2", "--controls", "0", "--json", result)
	line := read[surface.Interpolation](t, result)
	if plane.Corners[0].Measured != line.Ends[0].Measured || plane.Corners[1].Measured != line.Ends[1].Measured || plane.Loss[1][1] != line.Ends[0].Loss || plane.Loss[1][2] != line.Ends[1].Loss {
		t.Errorf("corners %v, loss %v, the line ends at %v", plane.Corners, plane.Loss, line.Ends)
	}
	if info, err := os.Stat(picture); err != nil || info.Size() < 1000 {
		t.Errorf("no picture: %v", err)
	}
	must(t, "interpolate", "--model", model, "--random", "--plane", "--data", data, "--points", "3", "--json", result)
	if p := read[surface.Landscape](t, result); !p.Random || p.Loss[1][1] != line.Ends[0].Loss || p.Distances != nil {
		t.Errorf("a random plane: %+v", p)
	}
	must(t, "interpolate", "--model", model, "--random", "--data", data, "--points", "3", "--json", result)
	if l := read[surface.Interpolation](t, result); l.Points[1].Loss != line.Ends[0].Loss || l.Controls != nil {
		t.Errorf("a random line: %+v", l)
	}
}

// TestInterpolateRefuses what has no way between, and flags that make no sense.
func TestInterpolateRefuses(t *testing.T) {
	model, full, _, data := between(t)
	dir := t.TempDir()
	empty := write(t, dir, "empty.jsonl", "")
	call := func(more ...string) []string {
		return append([]string{"interpolate", "--model", model, "--data", data}, more...)
	}
	fails(t, exitUsage, "want --to, the other checkpoint, or --random", call()...)
	fails(t, exitUsage, "want --to, the other checkpoint, or --random", call("--to", full, "--random")...)
	fails(t, exitUsage, "--plane beside --random", call("--to", full, "--plane")...)
	fails(t, exitUsage, "--points and --range: 1 points: want 2 to", call("--to", full, "--points", "1")...)
	fails(t, exitUsage, "--range \"a,b\": want two numbers", call("--to", full, "--range", "a,b")...)
	fails(t, exitUsage, "range 1,-1: want two numbers, the lower first", call("--to", full, "--range", "1,-1")...)
	fails(t, exitUsage, "want a name that ends in .svg or .png", call("--to", full, "--plot", "a.gif")...)
	fails(t, exitError, "empty.jsonl", "interpolate", "--model", model, "--data", empty, "--to", full)
	fails(t, exitError, "has the weights of model, to the bit", call("--to", model)...)
	fails(t, exitError, "a way between models needs the full model", call("--to", emulatorOf(t, model))...)
	spoilt := filepath.Join(dir, "spoilt")
	withNaN(t, model, spoilt)
	fails(t, exitError, "spoilt: tensor model.norm.weight has NaN at element 0", call("--to", spoilt)...)
}

// emulatorOf exports a small one.
func emulatorOf(t *testing.T, model string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "emulator")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--out", out)
	return out
}

// withNaN writes a model again with a weight that is no number.
func withNaN(t *testing.T, model, to string) {
	t.Helper()
	must(t, "convert", "--model", model, "--out", to)
	path := filepath.Join(to, "model.safetensors")
	c, err := transformer.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	norm, err := c.Data("model.norm.weight")
	if err != nil {
		t.Fatal(err)
	}
	norm = bytes.Clone(norm)
	c.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(text, norm)
	bits := math.Float32bits(float32(math.NaN()))
	for i := range 4 {
		text[at+i] = byte(bits >> (8 * i))
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}
