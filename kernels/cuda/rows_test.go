package cuda_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"lamina/internal/cases"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/kerneltest"
	"lamina/tensor"
)

// TestRows holds norms, losses and updates against their contracts.
func TestRows(t *testing.T) {
	rows := []string{"ArgMax", "SumSquares", "ClipCoefficient", "Custom", "Pool", "Gram", "Extremes"}
	if !cases.Few() { // some of their cases are TestConformanceOnASimulatedGPU's
		rows = append(rows, "Softmax", "LogSoftmax", "CrossEntropy", "LayerNorm", "RMSNorm", "AdamW")
	}
	kerneltest.Run(t, cudatest.Open(t, cudatest.Options{}), kerneltest.Options{Only: rows})
}

// normal returns n normal deviates.
func normal(n int) []float64 {
	v, rng := make([]float64, n), philox.New(5, 0).Sequence()
	for i := range v {
		v[i] = rng.Normal()
	}
	return v
}

// TestTargetsOutOfRange are errors at Sync that say what the host says, and rows with good
// targets are as ever.
func TestTargetsOutOfRange(t *testing.T) {
	for _, bad := range []int32{-1, 7, math.MaxInt32} {
		be := cudatest.Open(t, cudatest.Options{})
		logits := tensor.MustFromFloats(be, tensor.F32, normal(3*7), 3, 7)
		targets := tensor.MustFromInts(be, []int32{2, bad, 6}, 3)
		loss, lse := tensor.MustNew(be, tensor.F32, 3), tensor.MustNew(be, tensor.F32, 3)
		kernels.CrossEntropy(be, loss, lse, logits, targets)
		if err, want := be.Sync(), kernels.BadID("CrossEntropy", 1, bad, 7); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	be := cudatest.Open(t, cudatest.Options{})
	logits := tensor.MustFromFloats(be, tensor.F32, normal(2*7), 2, 7)
	loss, dLoss := tensor.MustNew(be, tensor.F32, 2), tensor.MustNew(be, tensor.F32, 2)
	kernels.CrossEntropyGrad(be, loss, logits, logits, tensor.MustFromInts(be, []int32{3, 7}, 2), dLoss)
	if err, want := be.Sync(), kernels.BadID("CrossEntropyGrad", 1, 7, 7); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestAdamWIsTheHosts to the last bit: every operation is rounded on both.
func TestAdamWIsTheHosts(t *testing.T) {
	host := cpu.New(cpu.Options{Threads: 1})
	defer host.Close()
	const n = 2051
	step := func(be kernels.Backend) (all []byte) {
		v := normal(4 * n)
		a := kernels.AdamWArgs{
			W: tensor.MustFromFloats(be, tensor.F32, v[:n], n), Grad: tensor.MustFromFloats(be, tensor.F32, v[n:2*n], n),
			M: tensor.MustFromFloats(be, tensor.F32, v[2*n:3*n], n), V: tensor.MustFromFloats(be, tensor.F32, v[3*n:], n),
			Coef: tensor.MustFromFloats(be, tensor.F32, []float64{0.3}, 1),
			LR:   1e-2, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.1, Step: 3, ZeroGrad: true,
		}
		kernels.Binary(be, kernels.Mul, a.V, a.V, a.V) // no moment is negative
		kernels.AdamW(be, a)
		for _, x := range []tensor.Tensor{a.W, a.M, a.V, a.Grad} {
			all = append(all, x.Raw()...)
		}
		return all
	}
	if !bytes.Equal(step(cudatest.Open(t, cudatest.Options{})), step(host)) {
		t.Error("the step's bits are not the host's")
	}
}

// TestGainsOfManyRows: sums over more rows than are one partial sum each.
func TestGainsOfManyRows(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	const n, d = 64*64 + 300, 2
	dY := normal(n * d)
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	gain, bias := tensor.MustNew(be, tensor.F32, d), tensor.MustNew(be, tensor.F32, d)
	x := tensor.MustFromFloats(be, tensor.F32, dY, n, d)
	kernels.LayerNormBackward(be, kernels.NormGrads{
		DGain: gain, DBias: bias, DY: x, X: x, Mean: tensor.MustNew(be, tensor.F32, n), Rstd: tensor.MustFromFloats(be, tensor.F32, ones, n),
	})
	for c := range d {
		var sum, squares, size float64
		for r := range n {
			v := float64(float32(dY[r*d+c]))
			sum, squares, size = sum+v, squares+v*v, size+math.Abs(v)
		}
		if got := gain.Floats()[c]; math.Abs(got-squares) > 1e-5*squares {
			t.Errorf("gain %d: %v, want %v", c, got, squares)
		}
		if got := bias.Floats()[c]; math.Abs(got-sum) > 1e-6*size {
			t.Errorf("bias %d: %v, want %v", c, got, sum)
		}
	}
}

// TestVocabulary: a row of a large vocabulary, far from 0, loses no digits.
func TestVocabulary(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	const v, offset, id = 128_257, 3000, 77_001
	x := normal(v)
	sum := 0.0
	for i := range x {
		x[i] = float64(float32(offset + 3*x[i]))
		sum += math.Exp(x[i] - offset)
	}
	want := math.Log(sum) + offset - x[id]
	logits := tensor.MustFromFloats(be, tensor.F32, x, 1, v)
	loss, lse, again := tensor.MustNew(be, tensor.F32, 1), tensor.MustNew(be, tensor.F32, 1), tensor.MustNew(be, tensor.F32, 1)
	targets, g, best := tensor.MustFromInts(be, []int32{id}, 1), tensor.MustFromFloats(be, tensor.F32, []float64{0.5}, 1), tensor.MustNew(be, tensor.I32, 1)
	kernels.CrossEntropy(be, loss, lse, logits, targets)
	kernels.ArgMax(be, best, logits)
	kernels.CrossEntropyGrad(be, again, logits, logits, targets, g)
	for _, got := range []float64{loss.Floats()[0], again.Floats()[0]} {
		if math.Abs(got-want) > 2e-6*want {
			t.Errorf("loss %v, want %v", got, want)
		}
	}
	top := x[best.Ints()[0]]
	for i, got := range logits.Floats() {
		p := math.Exp(x[i]-offset) / sum
		if i == id {
			p--
		}
		if math.Abs(got-0.5*p) > 2e-6*math.Abs(p) {
			t.Fatalf("gradient %d is %v, want %v", i, got, 0.5*p)
		}
		if x[i] > top {
			t.Fatalf("%v at %d is larger than the largest", x[i], i)
		}
	}
}

// TestGainsOfBlockTypes: gains and biases that no kernel of a norm reads are widened first.
func TestGainsOfBlockTypes(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	host := cpu.New(cpu.Options{Threads: 1})
	defer host.Close()
	const d = 512
	for _, kind := range []tensor.DType{tensor.F64, tensor.Q8_0, tensor.Q4_1, tensor.Q6_K} {
		raw := make([]byte, kind.Bytes(d))
		if kind == tensor.F64 {
			copy(raw, tensor.Bytes(normal(d)))
		} else {
			for i := range raw {
				raw[i] = byte(i * 7 % 60)
			}
		}
		run := func(be kernels.Backend) []float64 {
			gain := tensor.MustNew(be, kind, d)
			gain.SetRaw(raw)
			x, y := tensor.MustFromFloats(be, tensor.F32, normal(3*d), 3, d), tensor.MustNew(be, tensor.F32, 3, d)
			kernels.LayerNorm(be, kernels.NormArgs{Y: y, X: x, Gain: gain, Bias: gain, Eps: 1e-5})
			return y.Floats()
		}
		want := run(host)
		for i, got := range run(be) {
			if math.Abs(got-want[i]) > 1e-6*(math.Abs(want[i])+1e-3) {
				t.Fatalf("%v: element %d is %v, want %v", kind, i, got, want[i])
			}
		}
	}
}
