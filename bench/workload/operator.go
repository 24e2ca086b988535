package workload

import (
	"fmt"

	"lamina/kernels"
	"lamina/tensor"
)

// Operator is a single operation of a training step, made when it is needed.
type Operator struct {
	Name string // the operation and, behind a space, its sizes
	Make func(be kernels.Backend) Work
}

// Sizes of OPT-125M at 512 tokens.
const (
	opRows  = 512
	opWidth = 768
	opInner = 3072
	opVocab = 50272
	opKeys  = 128 // a row of scores
	opHeads = 12
)

// Operators returns the operations of a training step of OPT-125M at 512 tokens.
// Bytes are those of each operand read and each result written once; a pair of
// forward and backward counts both.
func Operators() []Operator {
	all := elementwise()
	all = append(all, rowOperators()...)
	return append(all, tableOperators()...)
}

func values(be kernels.Backend, shape ...int) tensor.Tensor {
	return Stored(be, tensor.F32, 7, shape...)
}

func empty(be kernels.Backend, shape ...int) tensor.Tensor {
	t := tensor.MustNew(be, tensor.F32, shape...)
	kernels.Fill(be, t, 0) // each page is one of its own
	return t
}

func ids(be kernels.Backend, n, limit int) tensor.Tensor {
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(i * 7919 % limit)
	}
	return tensor.MustFromInts(be, v, n)
}

// moved is the work of moving so many floats.
func moved(floats int, run func()) Work {
	return Work{Cost: Cost{Moved: 4 * float64(floats)}, Run: run}
}

func elementwise() []Operator {
	size := fmt.Sprintf("%dx%d", opRows, opInner)
	const n = opRows * opInner
	var all []Operator
	for _, f := range []struct {
		name string
		f    kernels.Func
	}{{"relu", kernels.ReLU}, {"silu", kernels.SiLU}, {"gelu", kernels.GELU}, {"gelu_tanh", kernels.GELUTanh}, {"exp", kernels.Exp}} {
		all = append(all, Operator{f.name + " " + size, func(be kernels.Backend) Work {
			x, y := values(be, opRows, opInner), empty(be, opRows, opInner)
			return moved(2*n, func() { kernels.Unary(be, f.f, y, x) })
		}})
	}
	return append(all,
		Operator{"swiglu_both_ways " + size, func(be kernels.Backend) Work {
			gate, up, y := values(be, opRows, opInner), values(be, opRows, opInner), empty(be, opRows, opInner)
			dGate, dUp := empty(be, opRows, opInner), empty(be, opRows, opInner)
			return moved(8*n, func() {
				kernels.Gated(be, kernels.SiLU, y, gate, up)
				kernels.GatedBackward(be, kernels.SiLU, dGate, dUp, y, gate, up)
			})
		}},
		Operator{"add " + size, func(be kernels.Backend) Work {
			a, b, y := values(be, opRows, opInner), values(be, opRows, opInner), empty(be, opRows, opInner)
			return moved(3*n, func() { kernels.Binary(be, kernels.Add, y, a, b) })
		}},
		Operator{"sum_rows " + size, func(be kernels.Backend) Work {
			x, y := values(be, opRows, opInner), empty(be, 1, opInner)
			return moved(n, func() { kernels.Reduce(be, kernels.Sum, y, x) })
		}},
		Operator{"transpose " + size, func(be kernels.Backend) Work {
			x, y := values(be, opRows, opInner), empty(be, opInner, opRows)
			return moved(2*n, func() { kernels.Transpose(be, y, x, 1, 0) })
		}})
}

func rowOperators() []Operator {
	softmax := func(rows, cols int) Operator {
		return Operator{fmt.Sprintf("softmax %dx%d", rows, cols), func(be kernels.Backend) Work {
			x, y := values(be, rows, cols), empty(be, rows, cols)
			return moved(2*rows*cols, func() { kernels.Softmax(be, y, x) })
		}}
	}
	norm := fmt.Sprintf("%dx%d", opRows, opWidth)
	const n = opRows * opWidth
	return []Operator{
		softmax(opHeads*opRows, opKeys),
		softmax(opRows, opVocab),
		{"layer_norm " + norm, func(be kernels.Backend) Work {
			a := normArgs(be)
			return moved(2*n, func() { kernels.LayerNorm(be, a) })
		}},
		{"layer_norm_both_ways " + norm, func(be kernels.Backend) Work {
			a := normArgs(be)
			g := kernels.NormGrads{
				DX: empty(be, opRows, opWidth), DGain: empty(be, opWidth), DBias: empty(be, opWidth),
				DY: values(be, opRows, opWidth), X: a.X, Gain: a.Gain, Mean: a.Mean, Rstd: a.Rstd,
			}
			return moved(5*n, func() {
				kernels.LayerNorm(be, a)
				kernels.LayerNormBackward(be, g)
			})
		}},
		{"rms_norm " + norm, func(be kernels.Backend) Work {
			a := normArgs(be)
			a.Bias, a.Mean = tensor.Tensor{}, tensor.Tensor{}
			return moved(2*n, func() { kernels.RMSNorm(be, a) })
		}},
	}
}

func normArgs(be kernels.Backend) kernels.NormArgs {
	return kernels.NormArgs{
		Y: empty(be, opRows, opWidth), X: values(be, opRows, opWidth), Gain: values(be, opWidth), Bias: values(be, opWidth),
		Mean: empty(be, opRows), Rstd: empty(be, opRows), Eps: 1e-5,
	}
}

func tableOperators() []Operator {
	logits := fmt.Sprintf("%dx%d", opRows, opVocab)
	table := fmt.Sprintf("%d of %dx%d", opRows, opVocab, opWidth)
	return []Operator{
		{"cross_entropy " + logits, func(be kernels.Backend) Work {
			x, loss, lse := values(be, opRows, opVocab), empty(be, opRows), empty(be, opRows)
			want := ids(be, opRows, opVocab)
			return moved(opRows*opVocab, func() { kernels.CrossEntropy(be, loss, lse, x, want) })
		}},
		{"cross_entropy_both_ways " + logits, func(be kernels.Backend) Work {
			x, dx := values(be, opRows, opVocab), empty(be, opRows, opVocab)
			loss, dLoss, want := empty(be, opRows), values(be, opRows), ids(be, opRows, opVocab)
			return moved(2*opRows*opVocab, func() { kernels.CrossEntropyGrad(be, loss, dx, x, want, dLoss) })
		}},
		{"embedding " + table, func(be kernels.Backend) Work {
			w, rows, want := values(be, opVocab, opWidth), empty(be, opRows, opWidth), ids(be, opRows, opVocab)
			return moved(2*opRows*opWidth, func() { kernels.Gather(be, rows, w, want) })
		}},
		{"embedding_backward " + table, func(be kernels.Backend) Work {
			g, rows, want := empty(be, opVocab, opWidth), values(be, opRows, opWidth), ids(be, opRows, opVocab)
			return moved(3*opRows*opWidth, func() { kernels.ScatterAdd(be, g, want, rows) })
		}},
		{fmt.Sprintf("adamw %d", opVocab*opWidth), func(be kernels.Backend) Work {
			const n = opVocab * opWidth
			a := kernels.AdamWArgs{
				W: values(be, n), Grad: values(be, n), M: empty(be, n), V: empty(be, n),
				LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Step: 10,
			}
			return moved(7*n, func() { kernels.AdamW(be, a) })
		}},
	}
}
