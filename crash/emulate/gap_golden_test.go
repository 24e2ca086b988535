package emulate_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/repair"
	"lamina/kernels/ref"
	"lamina/tensor"
	"lamina/transformer"
)

// gapGolden is what gen_gap.py writes.
type gapGolden struct {
	Model   string
	Ridge   float64
	Texts   [][]int32
	Streams map[string]string // [N D] of little-endian float32
	Ghost   struct {
		W         []float64
		Condition float64
	}
	Replaceme struct {
		A, Made   []float64
		Condition float64
	}
	Damped float64
}

func (g gapGolden) stream(t *testing.T, name string) []float32 {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(g.Streams[name])
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]float32, len(data)/4)
	for i := range rows {
		rows[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return rows
}

// streamBar is how near streams come to torch's in float32, relative to their largest
// value; a solution from them may be as much farther as its problem is conditioned.
const streamBar = 1e-5

// TestOneGapEqualsNumpy: from torch's streams maps come out as numpy solves them, to 1e-9;
// streams are torch's; and what Fit builds from them, rounded to F32, is what comes of its
// own streams, and numpy's as near as the streams are.
func TestOneGapEqualsNumpy(t *testing.T) {
	text, err := os.ReadFile("testdata/gap.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []gapGolden
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, g := range cases {
		be := ref.New()
		_, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, g.Model))
		width := full.Config.Width
		x, y, mlp, err := emulate.StreamsAt(be, full, g.Texts, 0, 2)
		if err != nil {
			t.Fatal(err)
		}
		within(t, g.Model+": x", wide(x), wide(g.stream(t, "x")), streamBar)
		within(t, g.Model+": y", wide(y), wide(g.stream(t, "y")), streamBar)
		within(t, g.Model+": mlp", wide(mlp), wide(g.stream(t, "mlp")), streamBar)

		ghost, fold := g.solve(t, width, g.stream(t, "x"), g.stream(t, "y"), g.stream(t, "mlp"))
		within(t, g.Model+": W of torch's streams", ghost.W, g.Ghost.W, 1e-9)
		within(t, g.Model+": A of torch's streams", fold.A, g.Replaceme.A, 1e-9)

		own, ownFold := g.solve(t, width, x, y, mlp)
		mapped := g.fit(t, full, "0 ~ 2").Decoder.Blocks[1].(*transformer.LinearMap)
		for i, v := range changeOf(mapped) {
			row, col := i/width, i%width
			want := own.W[col*width+row]
			if row == col {
				want--
			}
			if v != float32(want) {
				t.Fatalf("%s: weight %d of the map is %v, the solution %v", g.Model, i, v, want)
			}
		}
		within(t, g.Model+": W", own.W, g.Ghost.W, streamBar*g.Ghost.Condition)
		within(t, g.Model+": A", ownFold.A, g.Replaceme.A, streamBar*g.Replaceme.Condition)

		narrow := g.fit(t, full, "0:replaceme 2").Decoder.Blocks[0]
		within(t, g.Model+": what the folded layer makes", alternating(t, narrow), g.Replaceme.Made, streamBar*g.Replaceme.Condition)

		damped := g.fit(t, full, "0 0xfit 2").Plan[1].Scale
		within(t, g.Model+": scale", []float64{damped}, []float64{g.Damped}, 1e-4)
	}
}

func (g gapGolden) fit(t *testing.T, full *transformer.Decoder, text string) *emulate.Emulator {
	t.Helper()
	e, _, err := emulate.Fit(context.Background(), ref.New(), full, crashtest.Plan(t, text), g.Texts, emulate.FitOptions{Ridge: g.Ridge})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// solve returns the maps of some streams, tokens weighted by their size.
func (g gapGolden) solve(t *testing.T, width int, x, y, mlp []float32) (repair.Map, repair.Fold) {
	t.Helper()
	m, folding := repair.NewMoments(width), repair.NewFoldMoments(width)
	weights, err := repair.InverseSquareRMS(x, width)
	for _, err := range []error{err, m.Add(x, y, weights), folding.Add(mlp, x, y, weights)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ghost, err := repair.Ghost(m, g.Ridge)
	if err != nil {
		t.Fatal(err)
	}
	fold, err := repair.ReplaceMe(folding, g.Ridge)
	if err != nil {
		t.Fatal(err)
	}
	return ghost, fold
}

// alternating returns what the MLP's last layer makes of 1, -1, 1, -1, ….
func alternating(t *testing.T, block transformer.Block) []float64 {
	t.Helper()
	s, _ := transformer.SublayersOf(block)
	be := ref.New()
	p := autograd.NewPass(be)
	channels := (*s.Narrow).(interface{ Sizes() (in, out int) })
	in, _ := channels.Sizes()
	values := make([]float64, in)
	for i := range values {
		values[i] = float64(1 - 2*(i%2))
	}
	row, err := tensor.FromFloats(be, tensor.F32, values, 1, in)
	if err != nil {
		t.Fatal(err)
	}
	return wide((*s.Narrow).Forward(p, p.Input(row)).T.Float32s())
}

// changeOf returns the values of a map's weight.
func changeOf(m *transformer.LinearMap) []float32 {
	for w := range m.Change.Params() {
		return w.Value.Float32s()
	}
	return nil
}

func wide(rows []float32) []float64 {
	out := make([]float64, len(rows))
	for i, v := range rows {
		out[i] = float64(v)
	}
	return out
}

// within holds two lists to a share of the larger one's largest value.
func within(t *testing.T, what string, got, want []float64, bar float64) {
	t.Helper()
	if len(got) != len(want) || len(got) == 0 {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	var largest, off float64
	for i, v := range want {
		largest, off = max(largest, math.Abs(v)), max(off, math.Abs(got[i]-v))
	}
	t.Logf("%s: off by %.2g of %.2g", what, off, largest)
	if !(off <= bar*largest) {
		t.Errorf("%s: off by %.3g of %.3g, the bar is %.2g of that", what, off, largest, bar)
	}
}
