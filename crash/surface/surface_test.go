package surface

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// TestEndsAreTheCheckpoints: at 0 and 1 logits, loss and accuracy are the checkpoints', to
// the bit, on a line, at the corners of a plane, and on the plane's axes those of the lines.
func TestEndsAreTheCheckpoints(t *testing.T) {
	fast := cpu.New(cpu.Options{Threads: 2})
	defer fast.Close()
	for _, of := range []struct {
		be     kernels.Backend
		family string
	}{{ref.New(), "gpt2"}, {fast, "llama"}} {
		be, family := of.be, of.family
		{
			w := newWorld(t, be, family)
			s := w.space(t, w.toB)
			for x, d := range []*transformer.Decoder{w.a.Decoder, w.b.Decoder, w.a.Decoder} {
				s.Move(0.3)
				s.Move(float64(x % 2))
				crashtest.Same(t, fmt.Sprintf("logits at %d", x%2), crashtest.Logits(be, s.Decoder), crashtest.Logits(be, d))
			}
			axis := Axis{From: -1, To: 2, Points: 7}
			m := w.measurement(t, "")
			line, err := m.Line(context.Background(), s, "line", axis, nil)
			if err != nil {
				t.Fatal(err)
			}
			for x, d := range []*transformer.Decoder{w.a.Decoder, w.b.Decoder} {
				if got := line.Ends[x].Measured; !same(got, w.score(t, d)) || got.Loss <= 0 {
					t.Errorf("%s %s: x = %d: %v, the checkpoint has %v", be.Name(), family, x, got, w.score(t, d))
				}
			}
			if !same(line.Points[2].Measured, line.Ends[0].Measured) || !same(line.Points[4].Measured, line.Ends[1].Measured) || same(line.Points[3].Measured, line.Ends[1].Measured) {
				t.Errorf("%s %s: ends %v, points %v", be.Name(), family, line.Ends, line.Points)
			}
			plane, err := m.Plane(context.Background(), w.space(t, w.toB, w.toC), "plane", axis, axis, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, d := range []*transformer.Decoder{w.a.Decoder, w.b.Decoder, w.c.Decoder} {
				if !same(plane.Corners[i].Measured, w.score(t, d)) {
					t.Errorf("%s %s: corner %d is %v, the checkpoint has %v", be.Name(), family, i, plane.Corners[i], w.score(t, d))
				}
			}
			other, err := m.Line(context.Background(), w.space(t, w.toC), "other", axis, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range axis.Points { // coordinate 0 is place 2
				if !same(plane.Loss[2][i], line.Points[i].Loss) || !same(plane.Loss[i][2], other.Points[i].Loss) {
					t.Errorf("%s %s: the plane has %v and %v on its axes, the lines %v and %v", be.Name(), family, plane.Loss[2][i], plane.Loss[i][2], line.Points[i], other.Points[i])
				}
			}
		}
	}
}

// TestFormula: between checkpoints every weight is A + a·(B-A) + b·(C-A), rounded once; one
// that no coordinate moves is as it is stored.
func TestFormula(t *testing.T) {
	w := newWorld(t, ref.New(), "llama")
	s := w.space(t, w.toB, w.toC)
	if s.Place != 2 {
		t.Errorf("something moves from place %d on, want 2", s.Place)
	}
	s.Move(0.3, -0.7)
	a, b, c := w.a.weights(), w.b.weights(), w.c.weights()
	for i, got := range slices.Collect(s.Decoder.Params()) {
		if !w.toB.moves[i] && !w.toC.moves[i] {
			if !got.Value.SameMemory(a[i].Value) {
				t.Errorf("%s is not the origin's", got.Name)
			}
			continue
		}
		u, v, x := a[i].Value.Float32s(), b[i].Value.Float32s(), c[i].Value.Float32s()
		for k, g := range got.Value.Float32s() {
			want := float64(u[k]) + 0.3*(float64(v[k])-float64(u[k])) - 0.7*(float64(x[k])-float64(u[k]))
			if math.Abs(float64(g)-want) > 0x1p-24*math.Abs(want)+1e-12 {
				t.Fatalf("%s: element %d is %v, want %v", got.Name, k, g, want)
			}
		}
	}
	s.Move(0, 0.5)
	for i, got := range slices.Collect(s.Decoder.Params()) {
		if w.toB.moves[i] && !w.toC.moves[i] && got.Value.DType() != a[i].Value.DType() {
			t.Errorf("%s: %v where nothing moves it, want %v as it is stored", got.Name, got.Value.DType(), a[i].Value.DType())
		}
	}
}

// TestCoarseToFineIsTheGrid: levels are coarser grids of the same numbers, and the last one
// is the grid measured point by point, with streams kept or not.
func TestCoarseToFineIsTheGrid(t *testing.T) {
	w := newWorld(t, ref.New(), "llama")
	a, b := Axis{From: -4, To: 4, Points: 9}, Axis{From: -1, To: 1, Points: 4}
	levels := 0
	s := w.space(t, w.toB, w.toC)
	m := w.measurement(t, "")
	told := 0
	m.Tell = func(done, total int) {
		if told++; done != told || total != 9*4+4 {
			t.Errorf("told %d of %d at the %d. time", done, total, told)
		}
	}
	var coarse []Plane
	p, err := m.Plane(context.Background(), s, "plane", a, b, func(p Plane) error {
		levels++
		coarse = append(coarse, p)
		return nil
	})
	if err != nil || levels != 2 || told != 40 {
		t.Fatalf("%d levels, %d points told, %v", levels, told, err)
	}
	for i := range b.Points {
		for j := range a.Points {
			s.Move(a.At(j), b.At(i))
			want := w.score(t, s.Decoder)
			if !same(p.Loss[i][j], want.Loss) || !same(p.Accuracy[i][j], want.Accuracy) {
				t.Errorf("(%v, %v): %v, point by point %v", a.At(j), b.At(i), p.Loss[i][j], want)
			}
		}
	}
	for _, c := range coarse {
		if len(c.A) >= len(p.A) || len(c.Loss) != len(c.B) {
			t.Errorf("a level of %d by %d", len(c.A), len(c.B))
		}
		for i, y := range c.B {
			for j, x := range c.A {
				if !same(c.Loss[i][j], p.Loss[slices.Index(p.B, y)][slices.Index(p.A, x)]) {
					t.Errorf("level of %d: another loss at (%v, %v)", len(c.A), x, y)
				}
			}
		}
	}
	m.Points, _ = OpenPoints("", nil, false)
	m.Memory, m.Tell = 0, nil
	if q, err := m.Plane(context.Background(), s, "plane", a, b, nil); err != nil || !same(p, q) {
		t.Errorf("without kept streams the plane is another: %v", err)
	}
}

// TestResumed: a line that is stopped after any number of points goes on to the same result,
// and measures nothing twice; other settings are refused by name.
func TestResumed(t *testing.T) {
	w := newWorld(t, ref.New(), "llama")
	axis := Axis{From: 0, To: 1, Points: 5}
	want, err := w.measurement(t, "").Line(context.Background(), w.space(t, w.toB), "line", axis, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, stop := range []int{0, 1, 4} {
		dir := filepath.Join(t.TempDir(), "points")
		m := w.measurement(t, dir)
		ctx, end := context.WithCancel(context.Background())
		m.Tell = func(done, _ int) {
			if done == stop {
				end()
			}
		}
		if stop == 0 {
			end()
		}
		if _, err := m.Line(ctx, w.space(t, w.toB), "line", axis, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped after %d: %v", stop, err)
		}
		if err := m.Points.Close(); err != nil {
			t.Fatal(err)
		}
		m = w.measurement(t, dir)
		got, err := m.Line(context.Background(), w.space(t, w.toB), "line", axis, nil)
		if err != nil || !same(got, want) {
			t.Errorf("stopped after %d: %v, %v, want %v", stop, got, err, want)
		}
		done, end := context.WithCancel(context.Background())
		end() // nothing can be measured any more, and nothing has to be
		if got, err = m.Line(done, w.space(t, w.toB), "line", axis, nil); err != nil || !same(got, want) {
			t.Errorf("points that are there: %v, %v", got, err)
		}
		if err := m.Points.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPoints(dir, []byte(`{"command":"interpolate","seed":2}`), false); err == nil || !strings.Contains(err.Error(), "seed is 1 there, 2 now") {
			t.Errorf("other settings: %v", err)
		}
		file := filepath.Join(dir, "points", "line.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), `"loss": `, `"loss": 1`, 1)), 0o666); err != nil {
			t.Fatal(err)
		}
		m = w.measurement(t, dir)
		if _, err := m.Line(context.Background(), w.space(t, w.toB), "line", axis, nil); err == nil || !strings.Contains(err.Error(), "line.json") || !strings.Contains(err.Error(), "--overwrite") {
			t.Errorf("a changed file of points: %v", err)
		}
		m.Points.Close()
	}
}
