package cuda_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/kernels/cuda"
	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/ptx"
	"lamina/kernels/cuda/internal/sim"
	"lamina/tensor"
)

// barrierCase is calls that together need every barrier of the kernels that they reach.
type barrierCase struct {
	name      string
	precision kernels.Precision
	library   bool // products by cuBLASLt
	run       func(be kernels.Backend)
}

// barrierCases have rows of several warps and tiles of several steps, and no more.
func barrierCases() []barrierCase {
	all := []barrierCase{
		{name: "rows", run: barrierRows},
		{name: "shapes", run: barrierShapes},
		{name: "similarity", run: barrierSimilarity},
		{name: "products in F32", run: func(be kernels.Backend) { barrierProducts(be, 17, 65) }},
		{name: "products in BF16", precision: kernels.PrecisionBF16, run: func(be kernels.Backend) { barrierProducts(be, 65, 65) }},
		{name: "few rows", run: barrierFewRows},
		{name: "operands that lie anyhow in F32", library: true, run: barrierPlaces},
		{name: "operands that lie anyhow in BF16", precision: kernels.PrecisionBF16, library: true, run: barrierPlaces},
	}
	for _, dim := range []int{16, 64, 80, 96, 128, 140} {
		for _, p := range []kernels.Precision{kernels.PrecisionF32, kernels.PrecisionBF16} {
			if p == kernels.PrecisionF32 || dim <= 128 {
				all = append(all, barrierCase{name: fmt.Sprintf("attention of %d columns in %v", dim, p), precision: p,
					run: func(be kernels.Backend) { barrierAttention(be, dim, p == kernels.PrecisionBF16) }})
			}
		}
	}
	for _, dim := range []int{32, 64, 96, 128, 140} {
		all = append(all, barrierCase{name: fmt.Sprintf("decoding with %d columns", dim), run: func(be kernels.Backend) {
			c := newAttentionCall(7, 10, 1, dim, 1, toF32, [2]int{1, 130})
			c.forward(be, tensor.F32, kernels.AttentionDecode)
		}})
	}
	return all
}

// random returns an F32 tensor of normal deviates.
func random(be kernels.Backend, shape ...int) tensor.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return tensor.MustFromFloats(be, tensor.F32, normal(n), shape...)
}

func barrierRows(be kernels.Backend) {
	const n = 600 // 4 warps
	x, dY, gain, y := random(be, 1, n), random(be, 1, n), random(be, n), tensor.MustNew(be, tensor.F32, 1, n)
	loss, mean, rstd, target := tensor.MustNew(be, tensor.F32, 1), tensor.MustNew(be, tensor.F32, 1), tensor.MustNew(be, tensor.F32, 1), tensor.MustFromInts(be, []int32{3}, 1)
	kernels.Softmax(be, y, x)
	kernels.SoftmaxBackward(be, y, dY, x)
	kernels.LogSoftmax(be, y, x)
	kernels.LogSoftmaxBackward(be, y, dY, x)
	kernels.CrossEntropy(be, loss, tensor.MustNew(be, tensor.F32, 1), x, target)
	kernels.CrossEntropyGrad(be, loss, y, x, target, rstd)
	kernels.ArgMax(be, tensor.MustNew(be, tensor.I32, 1), x)
	kernels.RMSNorm(be, kernels.NormArgs{Y: y, X: x, Gain: gain, Eps: 1e-5})
	kernels.LayerNorm(be, kernels.NormArgs{Y: y, X: x, Gain: gain, Mean: mean, Rstd: rstd, Eps: 1e-5})
	kernels.LayerNormBackward(be, kernels.NormGrads{DX: y, DY: dY, X: x, Gain: gain, Mean: mean, Rstd: rstd})
	kernels.SumSquares(be, tensor.MustNew(be, tensor.F64, 1), x)
}

func barrierShapes(be kernels.Backend) {
	kernels.Transpose(be, tensor.MustNew(be, tensor.F32, 33, 34), random(be, 34, 33), 1, 0)
	kernels.Reduce(be, kernels.Sum, tensor.MustNew(be, tensor.F32, 1, 1), random(be, 1, 1100))
	kernels.Reduce(be, kernels.Max, tensor.MustNew(be, tensor.F32, 1, 1), random(be, 1, 1100))
	kernels.Reduce(be, kernels.Sum, tensor.MustNew(be, tensor.F32, 1, 3), random(be, 20, 3))
	kernels.Reduce(be, kernels.Max, tensor.MustNew(be, tensor.F32, 1, 3), random(be, 20, 3))
	ids := make([]int32, 300) // two rounds
	for i := range ids {
		ids[i] = int32(i % 2)
	}
	kernels.ScatterAdd(be, random(be, 2, 4), tensor.MustFromInts(be, ids, len(ids)), random(be, len(ids), 4))
}

func barrierSimilarity(be kernels.Backend) {
	x := random(be, 3, 600)
	kernels.Pool(be, kernels.PoolArgs{Y: tensor.MustNew(be, tensor.F32, 1, 600), Norms: tensor.MustNew(be, tensor.F64, 1, 2), X: x, Segments: []kernels.Segment{{Len: 3}}})
	kernels.Gram(be, kernels.GramArgs{K: tensor.MustNew(be, tensor.F64, 3, 3), X: random(be, 3, 65)})
}

// weightTypes are the types that a weight may have.
var weightTypes = []tensor.DType{
	tensor.F32, tensor.F64, tensor.F16, tensor.BF16,
	tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K,
}

// barrierProducts multiplies with a weight of each type: F32 and BF16 [k n], others, which
// are widened, of one run of each of several warps.
func barrierProducts(be kernels.Backend, k, n int) {
	kernels.MatMul(be, kernels.MatMulArgs{C: tensor.MustNew(be, tensor.F32, 3, n), A: random(be, 3, k), B: random(be, k, n)})
	for _, d := range weightTypes {
		b := tensor.MustNew(be, d, 40, 256)
		b.SetRaw(make([]byte, d.Bytes(b.Len())))
		kernels.MatMul(be, kernels.MatMulArgs{C: tensor.MustNew(be, tensor.F32, 1, 40), A: random(be, 1, 256), B: b, TransB: true})
	}
}

// barrierFewRows multiplies one row, and several, with weights that are stored [k n].
func barrierFewRows(be kernels.Backend) {
	for _, d := range weightTypes[:4] {
		b := tensor.MustNew(be, d, 40, 3)
		b.SetRaw(make([]byte, d.Bytes(b.Len())))
		for _, m := range []int{1, 2} {
			kernels.MatVec(be, kernels.MatMulArgs{C: tensor.MustNew(be, tensor.F32, m, 3), A: random(be, m, 40), B: b})
		}
	}
}

// barrierPlaces has a bias and weights that begin at no multiple of 16 bytes, which the
// library does not take as they lie.
func barrierPlaces(be kernels.Backend) {
	const n, k = 600, 252
	c, a := tensor.MustNew(be, tensor.F32, 1, n), random(be, 1, 4)
	kernels.MatMul(be, kernels.MatMulArgs{C: c, A: a, B: random(be, 4, n), Bias: random(be, n+1).Slice(1, n+1)})
	b := tensor.MustNew(be, tensor.BF16, 41, k)
	b.SetRaw(make([]byte, tensor.BF16.Bytes(b.Len())))
	kernels.MatMul(be, kernels.MatMulArgs{C: tensor.MustNew(be, tensor.F32, 1, 40), A: random(be, 1, k), B: b.Slice(1, 41), TransB: true})
}

// barrierAttention is of three tiles of queries and two of keys, forward and backward. Then a
// NaN in sick operands makes the BF16 kernels heal their tiles.
func barrierAttention(be kernels.Backend, dim int, sick bool) {
	c := newAttentionCall(70, 2, 1, dim, 0.5, toF32, [2]int{70, 0})
	c.forward(be, tensor.F32, kernels.Attention)
	c.backward(be, tensor.F32)
	if sick {
		for _, x := range [][]float64{c.q, c.k, c.v, c.dOut} {
			x[len(x)/2] = math.NaN()
		}
		c.forward(be, tensor.F32, kernels.Attention)
		c.backward(be, tensor.F32)
	}
}

// barriers are what became of the barriers of a kernel.
type barriers struct {
	whole   string
	program *ptx.Program // of the whole; nil until there is a launch
	without []string
	missed  []bool // in calls so far
}

// barrier is an instruction at which all threads of a block wait, and which may tell each
// whether a predicate holds for any of them.
var barrier = regexp.MustCompile(`\tbar\.(?:sync \t0|red\.or\.pred \t(%p\d+), 0, (%p\d+)); *\n`)

// withBarriers returns the kernels of the pack that have one.
func withBarriers(t *testing.T) map[string]*barriers {
	all := map[string]*barriers{}
	for _, k := range pack.All() {
		b := &barriers{whole: entryText(t, k.Name)}
		for _, at := range barrier.FindAllStringSubmatchIndex(b.whole, -1) {
			instead := ""
			if at[2] >= 0 { // each thread knows its own alone
				instead = fmt.Sprintf("\tmov.pred %s, %s;\n", b.whole[at[2]:at[3]], b.whole[at[4]:at[5]])
			}
			b.without = append(b.without, b.whole[:at[0]]+instead+b.whole[at[1]:])
		}
		if n := strings.Count(b.whole, "\tbar.") + strings.Count(b.whole, "\tbarrier."); n != len(b.without) {
			t.Errorf("%s: %d instructions are barriers, of which %d are known", k.Name, n, len(b.without))
		}
		if b.missed = make([]bool, len(b.without)); len(b.without) > 0 {
			all[k.Name] = b
		}
	}
	return all
}

// try runs a kernel, then without each of its barriers that was not missed yet.
func (b *barriers) try(l sim.Launch, name string) error {
	if b.program == nil {
		p, err := ptx.Parse([]byte(b.whole))
		if err != nil {
			return err
		}
		b.program = p
	}
	if err := l.Run(b.program, name); err != nil {
		return err
	}
	for i, text := range b.without {
		if b.missed[i] {
			continue
		}
		p, err := ptx.Parse([]byte(text))
		if err != nil {
			return err
		}
		var f *ptx.Fault
		switch err := l.Run(p, name); {
		case err == nil:
		case errors.As(err, &f) && f.Kind == ptx.SharedRace:
			b.missed[i] = true
		default:
			return fmt.Errorf("%s without barrier %d: %w", name, i, err)
		}
	}
	return nil
}

// Every barrier of every kernel is needed: without any one of them the kernel has a race in
// shared memory, which is found.
func TestWithoutABarrier(t *testing.T) {
	if cases.Few() {
		t.Skip("every barrier of every kernel: with LAMINA_TESTS=whole")
	}
	all := withBarriers(t)
	hooks := map[string]sim.Kernel{}
	for name, b := range all {
		hooks[name] = func(l sim.Launch) error {
			if err := b.try(l, name); err != nil {
				t.Error(err)
			}
			return nil
		}
	}
	for _, c := range barrierCases() {
		t.Run(c.name, func(t *testing.T) {
			m := sim.New(sim.Options{Kernels: hooks, PTX: ptx.Options{NoUninitialised: true}})
			with := door.Options{Driver: m}
			if c.library {
				with.Products = m.Lt(sim.LtOptions{})
			}
			be, err := door.Open(cuda.Options{Precision: c.precision}, with)
			if err != nil {
				t.Fatal(err)
			}
			c.run(be.(*cuda.Backend))
			if err := be.(*cuda.Backend).Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b := all[name]
		if b.program == nil {
			t.Errorf("%s has barriers, and no call reaches it", name)
			continue
		}
		for i, missed := range b.missed {
			if !missed {
				t.Errorf("%s: barrier %d of %d is not missed", name, i, len(b.missed))
			}
		}
	}
}
