package gradcheck_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/autograd/gradcheck"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

type vars = []autograd.Var

// row is one check: op names the operation it is for, as autograd's Op.Name.
type row struct {
	op, what string
	f        func(p *autograd.Pass, in vars) autograd.Var
	inputs   []tensor.Tensor
}

var be = ref.New()

func rnd(shape ...int) tensor.Tensor {
	seed := uint64(1)
	for _, s := range shape {
		seed = seed*31 + uint64(s)
	}
	return gradcheck.Random(be, seed, shape...)
}

// positive returns values in about [0.5, 5]: for log, sqrt and divisors.
func positive(shape ...int) tensor.Tensor {
	t := rnd(shape...)
	v := t.Floats()
	for i := range v {
		v[i] = 0.5 + v[i]*v[i]
	}
	t.SetFloats(v)
	return t
}

// awayFromZero keeps ReLU's kink out of the differences' reach.
func awayFromZero(shape ...int) tensor.Tensor {
	t := rnd(shape...)
	v := t.Floats()
	for i := range v {
		if v[i] < 0 {
			v[i] -= 0.1
		} else {
			v[i] += 0.1
		}
	}
	t.SetFloats(v)
	return t
}

func ids(v ...int32) tensor.Tensor { return tensor.MustFromInts(be, v, len(v)) }

func table() []row {
	rows := []row{
		{"linear", "bias", func(p *autograd.Pass, in vars) autograd.Var { return p.Linear(in[0], in[1], in[2]) },
			[]tensor.Tensor{rnd(5, 4), rnd(3, 4), rnd(3)}},
		{"linear", "x twice", func(p *autograd.Pass, in vars) autograd.Var {
			return p.Add(p.Linear(in[0], in[1], autograd.Var{}), p.Linear(in[0], in[2], autograd.Var{}))
		}, []tensor.Tensor{rnd(5, 4), rnd(3, 4), rnd(1, 4)}},
		{"linear", "weight used at two places", func(p *autograd.Pass, in vars) autograd.Var {
			return p.Linear(p.Linear(in[0], in[1], autograd.Var{}), in[1], autograd.Var{})
		}, []tensor.Tensor{rnd(5, 4), rnd(4, 4)}},
		{"linear", "residual", func(p *autograd.Pass, in vars) autograd.Var {
			x := in[0]
			for range 3 {
				x = p.LinearAdd(x, x, autograd.Affine{W: in[1], Bias: in[2]})
			}
			return x
		}, []tensor.Tensor{rnd(3, 4), rnd(4, 4), rnd(4)}},
		{"linear", "stored [in out]", func(p *autograd.Pass, in vars) autograd.Var {
			l := autograd.Affine{W: in[1], Bias: in[2], InOut: true}
			x := p.LinearFunc(kernels.ReLU, p.Add(in[0], in[0]), l)
			return p.Linears(p.LinearAdd(x, x, autograd.Affine{W: in[3], InOut: true}), l, autograd.Affine{W: in[1]})[0]
		}, []tensor.Tensor{positive(5, 4), positive(4, 4), positive(4), rnd(4, 4)}},
		{"linear", "stored [in out], other widths", func(p *autograd.Pass, in vars) autograd.Var {
			return p.LinearFunc(kernels.Identity, in[0], autograd.Affine{W: in[1], InOut: true})
		}, []tensor.Tensor{rnd(5, 4), rnd(4, 7)}},
		{"linear", "several of one input", func(p *autograd.Pass, in vars) autograd.Var {
			x := p.Unary(kernels.Tanh, in[0])
			y := p.Linears(x, autograd.Affine{W: in[1], Bias: in[2]}, autograd.Affine{W: in[3]}, autograd.Affine{W: in[1]})
			return p.Add(p.Add(x, p.Mul(y[0], y[2])), y[1])
		}, []tensor.Tensor{rnd(5, 4), rnd(4, 4), rnd(4), rnd(1, 4)}},
		{"binary", "residual", func(p *autograd.Pass, in vars) autograd.Var {
			x := in[0]
			for range 3 {
				x = p.Add(x, p.Linear(x, in[1], autograd.Var{}))
			}
			return x
		}, []tensor.Tensor{rnd(3, 4), rnd(4, 4)}},
		{"scale", "", func(p *autograd.Pass, in vars) autograd.Var { return p.Scale(in[0], -1.7) }, []tensor.Tensor{rnd(3, 2)}},
		{"reshape", "", func(p *autograd.Pass, in vars) autograd.Var { return p.Reshape(in[0], 3, 4) }, []tensor.Tensor{rnd(2, 6)}},
		{"transpose", "matrix", func(p *autograd.Pass, in vars) autograd.Var { return p.Transpose(in[0], 1, 0) }, []tensor.Tensor{rnd(2, 5)}},
		{"transpose", "rank 4", func(p *autograd.Pass, in vars) autograd.Var { return p.Transpose(in[0], 2, 0, 3, 1) }, []tensor.Tensor{rnd(2, 3, 4, 2)}},
		{"slice", "rows", func(p *autograd.Pass, in vars) autograd.Var { return p.Slice(in[0], 0, 1, 3) }, []tensor.Tensor{rnd(4, 3)}},
		{"slice", "columns, twice", func(p *autograd.Pass, in vars) autograd.Var {
			return p.Mul(p.Slice(in[0], 1, 0, 2), p.Slice(in[0], 1, 1, 3))
		}, []tensor.Tensor{rnd(4, 3)}},
		{"concat", "columns", func(p *autograd.Pass, in vars) autograd.Var { return p.Concat(1, in[0], in[1]) }, []tensor.Tensor{rnd(3, 2), rnd(3, 4)}},
		{"concat", "rows", func(p *autograd.Pass, in vars) autograd.Var { return p.Concat(0, in[0], in[1]) }, []tensor.Tensor{rnd(1, 2), rnd(3, 2)}},
		{"gather", "repeated ids", func(p *autograd.Pass, in vars) autograd.Var {
			return p.Gather(in[0], ids(2, 0, 2, 2), tensor.F64)
		}, []tensor.Tensor{rnd(4, 3)}},
		{"gather", "twice, tied head", func(p *autograd.Pass, in vars) autograd.Var {
			x := p.Gather(in[0], ids(1, 3), tensor.F64)
			return p.Linear(x, in[0], autograd.Var{})
		}, []tensor.Tensor{rnd(4, 3)}},
		{"sum", "all", func(p *autograd.Pass, in vars) autograd.Var { return p.Sum(in[0]) }, []tensor.Tensor{rnd(3, 4)}},
		{"sum", "axis", func(p *autograd.Pass, in vars) autograd.Var { return p.Mean(in[0], 0) }, []tensor.Tensor{rnd(3, 4)}},
		{"layer_norm", "", func(p *autograd.Pass, in vars) autograd.Var { return p.LayerNorm(in[0], in[1], in[2], 1e-5) },
			[]tensor.Tensor{rnd(3, 7), rnd(7), rnd(7)}},
		{"layer_norm", "no gain", func(p *autograd.Pass, in vars) autograd.Var {
			return p.LayerNorm(in[0], autograd.Var{}, autograd.Var{}, 1e-5)
		}, []tensor.Tensor{rnd(3, 7)}},
		{"rms_norm", "", func(p *autograd.Pass, in vars) autograd.Var { return p.RMSNorm(in[0], in[1], 1e-5) },
			[]tensor.Tensor{rnd(3, 7), rnd(7)}},
		{"rms_norm", "inside residual connections", func(p *autograd.Pass, in vars) autograd.Var {
			x := in[0]
			for range 2 {
				x = p.Add(x, p.RMSNorm(x, in[1], 1e-5))
			}
			return p.Add(p.Mul(x, x), p.LayerNorm(x, autograd.Var{}, autograd.Var{}, 1e-5))
		}, []tensor.Tensor{rnd(3, 7), rnd(7)}},
		{"softmax", "", func(p *autograd.Pass, in vars) autograd.Var { return p.Softmax(in[0]) }, []tensor.Tensor{rnd(3, 6)}},
		{"log_softmax", "", func(p *autograd.Pass, in vars) autograd.Var { return p.LogSoftmax(in[0]) }, []tensor.Tensor{rnd(3, 6)}},
		{"log_softmax", "of which others read gradient and result", func(p *autograd.Pass, in vars) autograd.Var {
			y := p.LogSoftmax(in[0])
			return p.Add(p.Mul(p.Unary(kernels.Exp, y), y), p.Add(in[0], y))
		}, []tensor.Tensor{rnd(3, 6)}},
		{"cross_entropy", "", func(p *autograd.Pass, in vars) autograd.Var { return p.CrossEntropy(in[0], ids(2, 0, 5)) }, []tensor.Tensor{rnd(3, 6)}},
		{"cross_entropy", "logits read elsewhere", func(p *autograd.Pass, in vars) autograd.Var {
			logits := p.Linear(in[0], in[1], autograd.Var{})
			return p.Add(p.CrossEntropy(logits, ids(2, 0, 5)), p.Reshape(p.Sum(p.Mul(logits, logits), 1), 3))
		}, []tensor.Tensor{rnd(3, 4), rnd(6, 4)}},
		{"linear_cross_entropy", "", func(p *autograd.Pass, in vars) autograd.Var {
			return p.Scale(p.LinearCrossEntropy(in[0], in[1], ids(2, 0, 5)), 0.3)
		}, []tensor.Tensor{rnd(3, 4), rnd(6, 4)}},
		{"linear_cross_entropy", "tied, and twice", func(p *autograd.Pass, in vars) autograd.Var {
			x := p.Gather(in[0], ids(1, 3, 3), tensor.F64)
			y := p.Linear(x, in[1], autograd.Var{})
			return p.Add(p.LinearCrossEntropy(y, in[0], ids(0, 4, 2)), p.LinearCrossEntropy(x, in[0], ids(3, 3, 1)))
		}, []tensor.Tensor{rnd(5, 4), rnd(4, 4)}},
		{"linear_kl", "", func(p *autograd.Pass, in vars) autograd.Var {
			w, logP := rnd(6, 4), tensor.MustNew(be, tensor.F64, 3, 6)
			kernels.LogSoftmax(be, logP, gradcheck.Random(be, 4, 3, 6))
			return p.Scale(p.LinearKL(in[0], p.Input(w), logP), 0.3)
		}, []tensor.Tensor{rnd(3, 4)}},
		{"linear_kl", "rows read twice", func(p *autograd.Pass, in vars) autograd.Var {
			w, logP := rnd(6, 4), tensor.MustNew(be, tensor.F64, 3, 6)
			kernels.LogSoftmax(be, logP, gradcheck.Random(be, 4, 3, 6))
			y := p.Mul(in[0], in[0])
			return p.Add(p.LinearKL(y, p.Input(w), logP), p.Add(p.LinearKL(in[0], p.Input(w), logP), p.Sum(y)))
		}, []tensor.Tensor{rnd(3, 4)}},
		{"recompute", "with dropout, twice, one inside the other", func(p *autograd.Pass, in vars) autograd.Var {
			p.Dropout = autograd.Dropout{P: 0.3, Seed: 7, Step: 2, Rows: tensor.MustFromInts(be, []int32{4, 0, 4, 1, 9, 0}, 3, 2)}
			block := func(x autograd.Var) autograd.Var {
				h := p.ApplyDropout(p.Unary(kernels.SiLU, p.Linear(x, in[1], autograd.Var{})))
				return p.Add(x, p.ApplyDropout(p.Linear(h, in[2], autograd.Var{})))
			}
			p.Dropout.At(1)
			x := p.Recomputed(in[0], block)
			p.Dropout.At(2)
			return p.Recomputed(x, func(x autograd.Var) autograd.Var {
				return p.Mul(p.Recomputed(p.Scale(x, 0.7), block), p.Recomputed(x, block))
			})
		}, []tensor.Tensor{rnd(3, 4), rnd(5, 4), rnd(4, 5)}},
		{"dropout", "", func(p *autograd.Pass, in vars) autograd.Var {
			p.Dropout = autograd.Dropout{P: 0.3, Seed: 7, Step: 2, Rows: tensor.MustFromInts(be, []int32{4, 0, 4, 1, 9, 0}, 3, 2)}
			p.Dropout.At(1)
			return p.ApplyDropout(p.ApplyDropout(in[0]))
		}, []tensor.Tensor{rnd(3, 9)}},
		{"rope", "partial width", func(p *autograd.Pass, in vars) autograd.Var {
			return p.RoPE(in[0], rnd(3, 2), rnd(3, 2), 6)
		}, []tensor.Tensor{rnd(3, 12)}},
		{"attention", "grouped, ragged", func(p *autograd.Pass, in vars) autograd.Var {
			return p.Attention(in[0], in[1], in[2], &autograd.AttentionShape{
				Segments: []kernels.Segment{{Start: 0, Len: 4}, {Start: 4, Len: 1}, {Start: 5, Len: 3}},
				Heads:    4, KVHeads: 2, HeadDim: 3}, 0.6, nil)
		}, []tensor.Tensor{rnd(8, 12), rnd(8, 6), gradcheck.Random(be, 5, 8, 6)}},
		{"attention", "slopes", func(p *autograd.Pass, in vars) autograd.Var {
			return p.Attention(in[0], in[1], in[2], &autograd.AttentionShape{
				Segments: []kernels.Segment{{Start: 0, Len: 5}, {Start: 5, Len: 3}},
				Heads:    4, KVHeads: 2, HeadDim: 3, Slopes: []float64{0.5, 0.1, 0, 1.5}}, 0.6, nil)
		}, []tensor.Tensor{rnd(8, 12), rnd(8, 6), gradcheck.Random(be, 5, 8, 6)}},
	}
	for f := kernels.Func(0); f < kernels.NumFuncs; f++ {
		x := awayFromZero(3, 5)
		if f == kernels.Log || f == kernels.Sqrt {
			x = positive(3, 5)
		}
		rows = append(rows, row{"linear", f.String(), func(p *autograd.Pass, in vars) autograd.Var {
			return p.LinearFunc(f, p.Scale(in[0], 0.2), autograd.Affine{W: in[1], Bias: in[2]})
		}, []tensor.Tensor{positive(5, 4), positive(3, 4), positive(3)}})
		rows = append(rows, row{"unary", f.String(), func(p *autograd.Pass, in vars) autograd.Var { return p.Unary(f, in[0]) }, []tensor.Tensor{x}})
	}
	rows = append(rows, row{"linear", "relu, read twice", func(p *autograd.Pass, in vars) autograd.Var {
		y := p.LinearFunc(kernels.ReLU, in[0], autograd.Affine{W: in[1], Bias: in[2]})
		return p.Add(p.Mul(y, y), y)
	}, []tensor.Tensor{rnd(5, 4), rnd(3, 4), rnd(3)}})
	for _, f := range []kernels.Func{kernels.SiLU, kernels.GELU, kernels.GELUTanh, kernels.ReLU} {
		rows = append(rows, row{"gated", f.String(), func(p *autograd.Pass, in vars) autograd.Var { return p.Gated(f, in[0], in[1]) },
			[]tensor.Tensor{awayFromZero(3, 5), gradcheck.Random(be, 9, 3, 5)}})
	}
	for op, f := range []func(p *autograd.Pass, a, b autograd.Var) autograd.Var{(*autograd.Pass).Add, (*autograd.Pass).Sub, (*autograd.Pass).Mul, (*autograd.Pass).Div} {
		name := kernels.BinaryOp(op).String()
		g := func(p *autograd.Pass, in vars) autograd.Var { return f(p, in[0], in[1]) }
		rows = append(rows,
			row{"binary", name, g, []tensor.Tensor{rnd(3, 4), positive(3, 4)}},
			row{"binary", name + " row", g, []tensor.Tensor{rnd(3, 4), positive(4)}},
			row{"binary", name + " both stretched", g, []tensor.Tensor{rnd(3, 1, 2), positive(4, 1)}},
			row{"binary", name + " with itself", func(p *autograd.Pass, in vars) autograd.Var { return f(p, in[0], in[0]) }, []tensor.Tensor{positive(3, 4)}})
	}
	for i := range 4 {
		ta, tb := i&1 == 1, i&2 == 2
		a, b := rnd(3, 4), rnd(4, 5)
		if ta {
			a = rnd(4, 3)
		}
		if tb {
			b = rnd(5, 4)
		}
		rows = append(rows, row{"matmul", strconv.FormatBool(ta) + strconv.FormatBool(tb),
			func(p *autograd.Pass, in vars) autograd.Var { return p.MatMul(in[0], in[1], ta, tb) }, []tensor.Tensor{a, b}})
	}
	return rows
}

func TestGradients(t *testing.T) {
	worst := 0.0
	for _, r := range table() {
		t.Run(r.op+"/"+strings.ReplaceAll(r.what, " ", "_"), func(t *testing.T) {
			e, err := gradcheck.Check(be, r.f, r.inputs...)
			if err != nil {
				t.Error(err)
			}
			worst = max(worst, e)
		})
	}
	t.Logf("worst relative error %.2g, bar %.0g", worst, gradcheck.Bar)
}

// TestEveryOpIsInTheTable reads the operations from the source of package
// autograd: whoever adds one adds a row.
func TestEveryOpIsInTheTable(t *testing.T) {
	checked := map[string]bool{}
	for _, r := range table() {
		checked[r.op] = true
	}
	files, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "Name" {
				continue
			}
			lit := f.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit)
			name, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if !checked[name] {
				t.Errorf("%s: operation %q has no row in the gradient table", path, name)
			}
		}
	}
	if found < 15 {
		t.Errorf("found only %d operations in the source; does the search still work?", found)
	}
}

// wrongSiLU has a gradient that is 1% too large.
type wrongSiLU struct{ kernels.Backend }

func (w wrongSiLU) UnaryBackward(f kernels.Func, dX, dY, x tensor.Tensor) {
	w.Backend.UnaryBackward(f, dX, dY, x)
	v := dX.Floats()
	for i := range v {
		v[i] *= 1.01
	}
	dX.SetFloats(v)
}

func TestPlantedErrorIsCaught(t *testing.T) {
	silu := func(p *autograd.Pass, in []autograd.Var) autograd.Var { return p.Unary(kernels.SiLU, in[0]) }
	if _, err := gradcheck.Check(be, silu, rnd(3, 5)); err != nil {
		t.Fatalf("the right gradient is refused: %v", err)
	}
	if _, err := gradcheck.Check(wrongSiLU{be}, silu, rnd(3, 5)); err == nil {
		t.Error("a gradient 1% off passed")
	}
}
