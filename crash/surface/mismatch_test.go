package surface

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/eval/task"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
)

// TestMismatches: what no way leads between is said in a line that names both.
func TestMismatches(t *testing.T) {
	be := ref.New()
	a, b, _ := three(t, be, "llama")
	other := Checkpoint{"other", crashtest.Small(be, "opt")}
	fewer := Checkpoint{"fewer", a.Decoder.Clone()}
	fewer.Decoder.Blocks = fewer.Decoder.Blocks[:5]
	words := Checkpoint{"words", a.Decoder.Clone()}
	words.Decoder.Config.Vocab = 60
	head := Checkpoint{"head", a.Decoder.Clone()}
	head.Decoder.Head = &autograd.Parameter{Name: "lm_head.weight", Value: a.Decoder.Head.Value}
	head.Decoder.Config.Tied = false
	spoilt := func(name string, of Checkpoint) Checkpoint {
		c := Checkpoint{name, of.Decoder.Clone()}
		for w := range c.Decoder.Norm.Params() {
			v := w.Value.Float32s()
			v[2] = float32(math.NaN())
			w.Value = tensor.Must(tensor.FromFloat32s(be, tensor.F32, v, w.Value.Shape()...))
		}
		return c
	}
	for _, c := range []struct {
		from, to Checkpoint
		want     string
	}{
		{a, other, "other: architecture opt, and init has llama"},
		{a, fewer, "fewer: number of layers 5, and init has 6"},
		{a, words, "words: vocabulary 60, and init has 61"},
		{a, head, "has a tensor lm_head.weight that init lacks"},
		{head, a, "init: has no tensor lm_head.weight, and head has"},
		{a, Checkpoint{"again", a.Decoder.Clone()}, "again: has the weights of init, to the bit"},
		{a, spoilt("spoilt", b), "spoilt: tensor model.norm.weight has NaN at element 2"},
		{spoilt("spoilt", a), b, "spoilt: tensor model.norm.weight has NaN at element 2"},
	} {
		_, err := Toward(c.from, c.to)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s to %s: %v, want %q", c.from.Name, c.to.Name, err, c.want)
		}
	}
	if _, err := FilterNormalised(spoilt("spoilt", a), 1, 0); err == nil || !strings.Contains(err.Error(), "has NaN") {
		t.Errorf("a random direction from NaN: %v", err)
	}
	if _, err := NewRows(&task.Requests{}); err == nil || !strings.Contains(err.Error(), "no documents") {
		t.Errorf("no rows: %v", err)
	}
	for _, axis := range []Axis{{0, 1, 1}, {0, 1, 0}, {0, 1, MostPoints + 1}, {1, 0, 5}, {math.NaN(), 1, 5}, {0, math.Inf(1), 5}} {
		if axis.Check() == nil {
			t.Errorf("%v is taken", axis)
		}
	}
}

// TestDistances: groups add up to the whole, and only what differs differs.
func TestDistances(t *testing.T) {
	w := newWorld(t, ref.New(), "llama")
	d := w.toB.Ends()
	for k, list := range [][]Distance{d.Blocks, d.Kinds} {
		sum := 0.0
		n := Distance{}
		for _, g := range list {
			sum += float64(g.Apart * g.Apart)
			n.Tensors, n.Differ, n.Weights = n.Tensors+g.Tensors, n.Differ+g.Differ, n.Weights+g.Weights
			if (g.Differ > 0) != (g.Relative > 0) || k == 0 && (g.Differ > 0) != (g.Group == "block 2" || g.Group == "block 4") {
				t.Errorf("group %+v", g)
			}
		}
		if math.Abs(math.Sqrt(sum)-float64(d.Whole.Apart)) > 1e-12 || n.Tensors != d.Whole.Tensors || n.Differ != d.Whole.Differ || n.Weights != d.Whole.Weights {
			t.Errorf("groups %+v add up to %v and %+v, the whole is %+v", list, math.Sqrt(sum), n, d.Whole)
		}
	}
	if got := w.toB.Norm(); math.Abs(got-float64(d.Whole.Apart)) > 1e-12 {
		t.Errorf("length %v, apart %v", got, d.Whole.Apart)
	}
}

// TestOverflowHasNoNumber: weights far away give null, in a file too, and the rest is there.
func TestOverflowHasNoNumber(t *testing.T) {
	w := newWorld(t, ref.New(), "llama")
	for v := range nn.ParamsOf(w.b.Decoder.Blocks[4]) {
		v.Value = tensor.Must(tensor.FromFloat32s(w.be, tensor.F32, scaled(v.Value.Float32s(), 1e30), v.Value.Shape()...))
	}
	var err error
	if w.toB, err = Toward(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "points")
	for range 2 { // the second reads the first one's file
		m := w.measurement(t, dir)
		l, err := m.Line(context.Background(), w.space(t, w.toB), "far", Axis{From: 0, To: 1e6, Points: 3}, nil)
		if err != nil {
			t.Fatal(err)
		}
		m.Points.Close()
		text, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var back Line
		if err := json.Unmarshal(text, &back); err != nil || !same(l, back) {
			t.Errorf("%s: %v", text, err)
		}
		if !l.Points[0].Loss.Finite() || l.Points[2].Loss.Finite() || !strings.Contains(string(text), `"x":1000000,"loss":null`) {
			t.Errorf("%s: want a loss at 0 and null far away", text)
		}
	}
}
