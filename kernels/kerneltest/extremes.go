package kerneltest

import (
	_ "embed"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var extremeRows = []row{
	{"Extremes", (*suite).extremes},
}

// extremesJSON is what testdata/gen_extremes.py wrote: results of torch at all
// magnitudes and special values.
//
//go:embed testdata/extremes.json
var extremesJSON []byte

// extremeGroup is one operation on many inputs, rows of Cols elements.
type extremeGroup struct {
	Name string
	Cols int
	In   map[string]string
	Out  map[string]struct{ Exact, Torch string }
}

// extremes holds the backend to one rule: no result is further from the exact one
// than torch's in float32, but for a few roundings, and special values are torch's.
func (s *suite) extremes(t *testing.T) {
	for _, g := range extremeGroups(t) {
		t.Run(g.Name, func(t *testing.T) {
			for _, d := range s.types {
				g.check(t, s.be, d)
			}
		})
	}
}

func extremeGroups(t testing.TB) (groups []extremeGroup) {
	if err := json.Unmarshal(extremesJSON, &groups); err != nil {
		t.Fatal(err)
	}
	return groups
}

// numbers parses a column; "=" is the number of like at its place, as float32.
func numbers(t testing.TB, column string, like []float64) []float64 {
	t.Helper()
	fields := strings.Fields(column)
	values := make([]float64, len(fields))
	for i, f := range fields {
		if f == "=" {
			values[i] = float64(float32(like[i]))
			continue
		}
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		values[i] = v
	}
	return values
}

func (g extremeGroup) check(t testing.TB, be kernels.Backend, d tensor.DType) {
	in := map[string]tensor.Tensor{}
	for name, column := range g.In {
		values := rounded(numbers(t, column, nil), tensor.F32)
		shape := []int{len(values) / g.Cols, g.Cols}
		if name == "dloss" || name == "gain" || name == "bias" {
			shape = []int{len(values)}
		}
		in[name] = tensor.MustFromFloats(be, d, values, shape...)
	}
	got := g.run(be, in)
	for name, column := range g.Out {
		exact := numbers(t, column.Exact, nil)
		torch := numbers(t, column.Torch, exact)
		bars := g.bars(name, d, exact, torch)
		for i, v := range got[name].Floats() {
			if !allowed(d, v, exact[i], torch[i], bars[i]) {
				t.Fatalf("%s: %s: %s[%d] = %v, torch %v, exactly %v, off by %.3g, allowed %.3g, at %s",
					g.Name, d, name, i, v, torch[i], exact[i], v-exact[i], bars[i], g.at(in, i))
			}
		}
	}
}

// at tells the inputs of element i.
func (g extremeGroup) at(in map[string]tensor.Tensor, i int) string {
	var b strings.Builder
	for name, x := range in {
		if row := i / g.Cols; x.Rank() == 2 && row < x.Rows() {
			b.WriteString(named("%s %.4g ", name, x.Floats()[row*g.Cols:][:g.Cols]))
		}
	}
	return b.String()
}

// bars returns what each element may be off: a few units of the result, or what torch's
// is off, with room for chance: four times that of a number, twice the worst of a row,
// or of all rows of attention, whose scores are of different sizes. Attention forward
// rounds the scaled queries, which torch's products do not; its small probabilities
// are 0.
func (g extremeGroup) bars(name string, d tensor.DType, exact, torch []float64) []float64 {
	const few = 8
	bars, cols, chance, flushed := make([]float64, len(exact)), g.Cols, 2.0, 0x1p-126
	switch {
	case strings.HasPrefix(g.Name, "attention"):
		cols, flushed = len(exact), 0x1p-100
		if name == "y" {
			chance = 8
		}
	case cols == 1, len(exact) < len(strings.Fields(g.In["logits"])):
		cols, chance = 1, 4
	}
	for from := 0; from < len(exact); from += cols {
		to := from + cols
		off, size := 0.0, 0.0
		for i := from; i < to; i++ {
			if e := math.Abs(torch[i] - exact[i]); e < math.Inf(1) {
				off = max(off, e)
			}
			if v := math.Abs(exact[i]); v < math.Inf(1) {
				size = max(size, v)
			}
		}
		for i := from; i < to; i++ {
			bars[i] = few*unit(tensor.F32)*size + chance*off + flushed
			if d == tensor.F64 {
				bars[i] = 1e-8*size + 0x1p-1000 // the digits of the file
			}
		}
	}
	return bars
}

// allowed reports whether got is right where the exact result and torch's in float32
// are exact and torch. Where a special value is exact, or torch's, it is right.
func allowed(d tensor.DType, got, exact, torch, bar float64) bool {
	if d == tensor.F32 {
		exact = overflowed(exact)
	}
	if class(got) != 0 || class(exact) != 0 {
		return class(got) == class(exact) || class(got) == class(torch)
	}
	return math.Abs(got-exact) <= bar
}

// overflowed is x, or infinity where float32 has no number of its size.
func overflowed(x float64) float64 {
	if f := float64(float32(x)); math.IsInf(f, 0) {
		return f
	}
	return x
}

// run calls the operation forward and backward, in one type throughout.
func (g extremeGroup) run(be kernels.Backend, in map[string]tensor.Tensor) map[string]tensor.Tensor {
	like := func(name string) tensor.Tensor {
		return tensor.MustNew(be, in[name].DType(), in[name].Shape()...)
	}
	family, f, _ := strings.Cut(g.Name, " ")
	switch family {
	case "unary":
		y, dX := like("x"), like("x")
		kernels.Unary(be, funcNamed(f), y, in["x"])
		kernels.UnaryBackward(be, funcNamed(f), dX, in["dy"], in["x"])
		return map[string]tensor.Tensor{"y": y, "dx": dX}
	case "gated":
		y, dGate, dUp := like("gate"), like("gate"), like("gate")
		kernels.Gated(be, funcNamed(f), y, in["gate"], in["up"])
		kernels.GatedBackward(be, funcNamed(f), dGate, dUp, in["dy"], in["gate"], in["up"])
		return map[string]tensor.Tensor{"y": y, "dgate": dGate, "dup": dUp}
	case "softmax":
		y, dX := like("x"), like("x")
		kernels.Softmax(be, y, in["x"])
		kernels.SoftmaxBackward(be, dX, in["dy"], y)
		return map[string]tensor.Tensor{"y": y, "dx": dX}
	case "log_softmax":
		y, dX := like("x"), like("x")
		kernels.LogSoftmax(be, y, in["x"])
		kernels.LogSoftmaxBackward(be, dX, in["dy"], y)
		return map[string]tensor.Tensor{"y": y, "dx": dX}
	case "cross_entropy":
		loss, again, lse, dLogits := like("dloss"), like("dloss"), like("dloss"), like("logits")
		ids := make([]int32, loss.Len())
		for i := range ids {
			ids[i] = int32(i * 3 % g.Cols)
		}
		targets := tensor.MustFromInts(be, ids, len(ids))
		kernels.CrossEntropy(be, loss, lse, in["logits"], targets)
		kernels.CrossEntropyGrad(be, again, dLogits, in["logits"], targets, in["dloss"])
		return map[string]tensor.Tensor{"y": loss, "dlogits": dLogits}
	case "layer_norm", "rms_norm":
		return g.runNorm(be, in, like("x"), like("x"))
	case "attention":
		return g.runAttention(be, in, like)
	case "adamw":
		kernels.AdamW(be, kernels.AdamWArgs{
			W: in["w"], Grad: in["grad"], M: in["m"], V: in["v"], LR: 1e-2, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1, Step: 2,
		})
		return in
	}
	panic("kerneltest: no operation " + g.Name)
}

func funcNamed(name string) kernels.Func {
	for f := range kernels.NumFuncs {
		if f.String() == name {
			return f
		}
	}
	panic("kerneltest: no function " + name)
}

func (g extremeGroup) runNorm(be kernels.Backend, in map[string]tensor.Tensor, y, dX tensor.Tensor) map[string]tensor.Tensor {
	d, n := y.DType(), y.Rows()
	mean, rstd := tensor.MustNew(be, d, n), tensor.MustNew(be, d, n)
	a := kernels.NormArgs{Y: y, X: in["x"], Gain: in["gain"], Rstd: rstd, Eps: 1e-5}
	b := kernels.NormGrads{DX: dX, DY: in["dy"], X: in["x"], Gain: in["gain"], Rstd: rstd}
	if g.Name == "rms_norm" {
		kernels.RMSNorm(be, a)
		kernels.RMSNormBackward(be, b)
	} else {
		a.Bias, a.Mean, b.Mean = in["bias"], mean, mean
		kernels.LayerNorm(be, a)
		kernels.LayerNormBackward(be, b)
	}
	return map[string]tensor.Tensor{"y": y, "dx": dX}
}

func (g extremeGroup) runAttention(be kernels.Backend, in map[string]tensor.Tensor, like func(string) tensor.Tensor) map[string]tensor.Tensor {
	y, dQ, dK, dV := like("q"), like("q"), like("k"), like("v")
	a := kernels.AttentionArgs{
		Out: y, Q: in["q"], K: in["k"], V: in["v"], Segments: []kernels.Segment{{Len: y.Rows()}},
		Heads: 1, KVHeads: 1, HeadDim: g.Cols, Scale: 1 / math.Sqrt(float64(g.Cols)),
	}
	kernels.Attention(be, a)
	kernels.AttentionBackward(be, kernels.AttentionGrads{DQ: dQ, DK: dK, DV: dV, DOut: in["dy"], Fwd: a})
	return map[string]tensor.Tensor{"y": y, "dq": dQ, "dk": dK, "dv": dV}
}
