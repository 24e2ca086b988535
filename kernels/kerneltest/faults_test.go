package kerneltest

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// recorder is a testing.TB that keeps the first failure.
type recorder struct {
	testing.TB
	failure string
}

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failure runs a check on a backend and returns its complaint, "" for none.
func failure(be kernels.Backend, check func(s *suite, t testing.TB)) string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(newSuite(be, Options{}), r)
	}()
	<-done
	return r.failure
}

// Each fault is one that a backend may well have; the suite must name it.

type shortSum struct{ *ref.Backend } // forgets the last term of each sum

func (b shortSum) MatMul(a kernels.MatMulArgs) {
	values := a.A.Floats()
	for i := range values {
		if p := a.A.Cols(); i%p == p-1 {
			values[i] = 0
		}
	}
	a.A = tensor.MustFromFloats(b, a.A.DType(), values, a.A.Shape()...)
	b.Backend.MatMul(a)
}

type roundedProduct struct{ *ref.Backend } // multiplies in BF16

func (b roundedProduct) MatMul(a kernels.MatMulArgs) {
	a.A = tensor.MustFromFloats(b, a.A.DType(), rounded(a.A.Floats(), tensor.BF16), a.A.Shape()...)
	b.Backend.MatMul(a)
}

type earlyResidual struct{ *ref.Backend } // adds the residual before the function

func (b earlyResidual) MatMul(a kernels.MatMulArgs) {
	f := a.Func
	a.Func = kernels.Identity
	b.Backend.MatMul(a)
	b.Unary(f, a.C, a.C)
}

type lostResidual struct{ *ref.Backend } // sums in C, where the residual may stand

func (b lostResidual) MatMul(a kernels.MatMulArgs) {
	residual := a.Residual
	a.Residual = tensor.Tensor{}
	b.Backend.MatMul(a)
	b.Binary(kernels.Add, a.C, a.C, residual)
}

type oneBias struct{ *ref.Backend } // takes the first product's bias for all

func (b oneBias) MatMuls(products []kernels.MatMulArgs) {
	for _, a := range products {
		if bias := products[0].Bias; !a.Bias.IsNone() && a.Bias.Len() == bias.Len() {
			a.Bias = bias
		}
		b.MatMul(a)
	}
}

type rowsTogether struct{ *ref.Backend } // other bits for other numbers of rows

func (b rowsTogether) RMSNorm(a kernels.NormArgs) {
	b.Backend.RMSNorm(a)
	if a.X.Rows() > 1 {
		nudge(a.Y)
	}
}

type pastTheEnd struct{ *ref.Backend } // writes one element too many

func (b pastTheEnd) Unary(f kernels.Func, y, x tensor.Tensor) {
	b.Backend.Unary(f, y, x)
	mem, off := y.Memory()
	b.Upload(mem, off+y.Bytes(), []byte{1, 2, 3, 4})
}

type scribbler struct{ *ref.Backend } // uses an input as scratch

func (b scribbler) Unary(f kernels.Func, y, x tensor.Tensor) {
	b.Backend.Unary(f, y, x)
	if !y.Overlaps(x) {
		b.Fill(x, 0)
	}
}

type lastUnwritten struct{ *ref.Backend } // skips the tail

func (b lastUnwritten) Unary(f kernels.Func, y, x tensor.Tensor) {
	n := y.Len() / 8 * 8
	b.Backend.Unary(f, y.Slice(0, n), x.Slice(0, n))
}

type onePassVariance struct{ *ref.Backend } // E[x²] - E[x]² in float32

func (b onePassVariance) LayerNorm(a kernels.NormArgs) {
	b.Backend.LayerNorm(a)
	x, n := a.X.Float32s(), a.X.Cols()
	rstd := make([]float32, a.X.Rows())
	for r := range rstd {
		var sum, squares float32
		for _, v := range x[r*n : (r+1)*n] {
			sum += v
			squares += v * v
		}
		mean := sum / float32(n)
		rstd[r] = float32(1 / math.Sqrt(float64(squares/float32(n)-mean*mean)+a.Eps))
	}
	a.Rstd.SetFloat32s(rstd)
}

type sloppyMask struct{ *ref.Backend } // lets a masked value in with weight 0

func (b sloppyMask) Attention(a kernels.AttentionArgs) {
	b.Backend.Attention(a)
	out, v := a.Out.Float32s(), a.V.Float32s()
	for i := range out {
		out[i] += 0 * v[len(v)-1]
	}
	a.Out.SetFloat32s(out)
}

type leakyGradient struct{ *ref.Backend } // lets a key that a row does not see in with weight 0

func (b leakyGradient) AttentionBackward(a kernels.AttentionGrads) {
	b.Backend.AttentionBackward(a)
	dQ, k := a.DQ.Float32s(), a.Fwd.K.Float32s()
	for i := range dQ {
		dQ[i] += 0 * k[len(k)/2+i%2]
	}
	a.DQ.SetFloat32s(dQ)
}

type roundedSum struct{ *ref.Backend } // takes probabilities from a float32 log-sum-exp

func (b roundedSum) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	lse, x, ids := tensor.MustNew(b, tensor.F32, loss.Len()), logits.Float32s(), targets.Ints()
	b.CrossEntropy(loss, lse, logits, targets)
	for r, sum := range lse.Float32s() {
		for i := range logits.Cols() {
			p := math.Exp(float64(x[r*logits.Cols()+i]) - float64(sum))
			if i == int(ids[r]) {
				p--
			}
			x[r*logits.Cols()+i] = float32(p) * dLoss.Float32s()[r]
		}
	}
	dLogits.SetFloat32s(x)
}

type deafToSlopes struct{ *ref.Backend } // leaves the distances out

func (b deafToSlopes) Attention(a kernels.AttentionArgs) {
	a.Slopes = nil
	b.Backend.Attention(a)
}

type splitPrefix struct{ *ref.Backend } // sums prefix and own rows apart

func (b splitPrefix) Attention(a kernels.AttentionArgs) {
	b.Backend.Attention(a)
	if len(a.Prefix) > 0 && a.Segments[0].PrefixLen > 0 {
		nudge(a.Out)
	}
}

// nudge moves every element to its neighbour: within any bound, other bits.
func nudge(y tensor.Tensor) {
	values := y.Float32s()
	for i := range values {
		values[i] = math.Nextafter32(values[i], 0)
	}
	y.SetFloat32s(values)
}

func sickKey(s *suite, t testing.TB) {
	c := attentionBackwardCase(heads{4, 2, 16}, ragged(newSource(1), heads{4, 2, 16}, 1, 9), newSource(2))
	c.poison = []int{5}
	s.check(t, c)
}

func splitSequence(s *suite, t testing.TB) {
	w := heads{4, 2, 16}
	c := attentionCase("Attention", w, []sequence{newSequence(newSource(1), 50, 0, w, 1)}, kernels.Attention)
	part := attentionCase("Attention", w, []sequence{newSequence(newSource(1), 50, 0, w, 1).split(w, 7)}, kernels.Attention)
	want := c.execute(t, s.be, tensor.F32, aligned)
	want[argOut] = want[argOut][7*len(want[argOut])/50:]
	part.wantBits(t, "split", tensor.F32, want, part.execute(t, s.be, tensor.F32, aligned))
}

func groupOfTwo(s *suite, t testing.TB) {
	s.check(t, s.matMulsCase(newSource(3), kernels.MatMuls, []productShape{{n: 7, bias: true}, {n: 7, bias: true}}, 4, 9, false))
}

func extremeLogits(s *suite, t testing.TB) {
	for _, g := range extremeGroups(t) {
		if g.Name == "cross_entropy" {
			g.check(t, s.be, tensor.F32)
		}
	}
}

func TestSuiteNamesFaults(t *testing.T) {
	product := func(whole bool) func(*suite, testing.TB) {
		return func(s *suite, t testing.TB) {
			s.check(t, s.matMulCase(newSource(1), productShape{m: 3, p: 4000, n: 5, whole: whole}))
		}
	}
	finished := func(s *suite, t testing.TB) {
		s.check(t, s.matMulCase(newSource(2), productShape{m: 3, p: 40, n: 5, f: kernels.ReLU, residual: true, whole: true}))
	}
	unary := func(s *suite, t testing.TB) {
		x := newSource(1).normal(13, 1)
		s.check(t, testCase{
			name: "Unary", operands: []operand{out("y", 13), in("x", x, 13)}, bound: ulps(8),
			run: func(be kernels.Backend, o []tensor.Tensor) { kernels.Unary(be, kernels.Exp, o[0], o[1]) },
		})
	}
	norm := func(centred bool, offset float64) func(*suite, testing.TB) {
		return func(s *suite, t testing.TB) {
			s.check(t, newNormRow(newSource(1), 4, 64, centred, offset, 1, tensor.Invalid, true, false).forward())
		}
	}
	w := heads{4, 2, 16}
	sick := func(s *suite, t testing.TB) {
		c := attentionCase("Attention", w, ragged(newSource(1), w, 1, 9), kernels.Attention)
		v := c.operands[argV].values
		v[len(v)-1] = math.NaN()
		s.check(t, c)
	}
	far := func(s *suite, t testing.TB) {
		s.check(t, attentionCase("Attention", w, sloped(w, ragged(newSource(1), w, 1, 9)), kernels.Attention))
	}
	for _, c := range []struct {
		be    kernels.Backend
		check func(*suite, testing.TB)
		names string
	}{
		{shortSum{ref.New()}, product(true), "want"},
		{roundedProduct{ref.New()}, product(false), "want"},
		{earlyResidual{ref.New()}, finished, "want"},
		{lostResidual{ref.New()}, finished, "C in the place of Residual"},
		{oneBias{ref.New()}, groupOfTwo, "C1["},
		{rowsTogether{ref.New()}, norm(false, 0), "without the other"},
		{pastTheEnd{ref.New()}, unary, "guard"},
		{scribbler{ref.New()}, unary, "an input changed"},
		{lastUnwritten{ref.New()}, unary, "y[8] = NaN"},
		{onePassVariance{ref.New()}, norm(true, 1000), "Rstd"},
		{sloppyMask{ref.New()}, sick, "NaN"},
		{leakyGradient{ref.New()}, sickKey, "does not reach"},
		{roundedSum{ref.New()}, extremeLogits, "dlogits"},
		{deafToSlopes{ref.New()}, far, "want"},
		{splitPrefix{ref.New()}, splitSequence, "split"},
	} {
		if got := failure(c.be, c.check); !strings.Contains(got, c.names) {
			t.Errorf("%T: the suite says %q, want something with %q", c.be, got, c.names)
		}
		if got := failure(ref.New(), c.check); got != "" {
			t.Errorf("the check meant for %T fails on ref: %s", c.be, got)
		}
	}
}
