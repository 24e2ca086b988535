package ptx

import (
	"math"
	"testing"
)

// What CUDA's own functions make of PTX comes out as their documentation bounds it.
func TestMathFunctions(t *testing.T) {
	p := kernels(t)
	m := New(Options{})
	n := 100
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)*0.37 - 17.1
	}
	out := m.Alloc(64 * n)
	if err := m.Launch(p, "maths", [3]int{2, 1, 1}, [3]int{64, 1, 1}, 0, arguments(out, upload(t, m, x), uint64(n))); err != nil {
		t.Fatal(err)
	}
	got := download[float32](t, m, out, 16*n)
	for i, v := range x {
		f := float64(v)
		a := math.Abs(f)
		want := []float64{math.Exp(f), math.Log(a), math.Tanh(f), math.Erf(f), math.Sin(f), math.Cos(f), math.Pow(a, 1.75), math.Sqrt(a),
			1 / math.Sqrt(a), f / 3.75, math.Log1p(a), math.Expm1(f), f*f + 1.25, math.Gamma(float64(int(a)%10 + 1)), math.Exp(f), math.Mod(f, 2)}
		for k, w := range want {
			if d := math.Abs(float64(got[16*i+k])-w) / math.Abs(w); d > 2e-7 {
				t.Errorf("function %d of %v is %v, not %v", k, v, got[16*i+k], w)
			}
		}
	}
}

func TestRowSums(t *testing.T) {
	p := kernels(t)
	m := New(Options{})
	const rows, cols = 5, 777
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(i % 100)
	}
	out := m.Alloc(4 * rows)
	if err := m.Launch(p, "sum", [3]int{rows, 1, 1}, [3]int{256, 1, 1}, 0, arguments(out, upload(t, m, x), uint32(cols))); err != nil {
		t.Fatal(err)
	}
	for r, got := range download[float32](t, m, out, rows) {
		want := float32(0)
		for _, v := range x[r*cols : (r+1)*cols] {
			want += v // exact: integers
		}
		if got != want {
			t.Errorf("row %d: %v, not %v", r, got, want)
		}
	}
}

func TestProductInAnyOrder(t *testing.T) {
	p := kernels(t)
	const n = 48
	a, b := make([]float32, n*n), make([]float32, n*n)
	for i := range a {
		a[i], b[i] = float32(i%17)-8, float32(i%13)-6
	}
	for _, o := range []Options{{}, {Seed: 1}, {Seed: 2}, {Workers: 2}, {Workers: 3, Seed: 3}} {
		m := New(o)
		c := m.Alloc(4 * n * n)
		if err := m.Launch(p, "product", [3]int{n / 16, n / 16, 1}, [3]int{16, 16, 1}, 0, arguments(c, upload(t, m, a), upload(t, m, b), uint32(n))); err != nil {
			t.Fatal(err)
		}
		for i, got := range download[float32](t, m, c, n*n) {
			want := float32(0)
			for k := range n {
				want += a[i/n*n+k] * b[k*n+i%n]
			}
			if got != want {
				t.Fatalf("%+v: element %d is %v, not %v", o, i, got, want)
			}
		}
	}
}

func TestDivergence(t *testing.T) {
	type pair struct {
		Scale float32
		At    [5]int32
		More  float64
	}
	p := kernels(t)
	m := New(Options{})
	const n = 64
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(i*i%31 + i)
	}
	of := pair{0.25, [5]int32{5, 4, 3, 2, 1}, 1.5}
	out := m.Alloc(8 * n)
	if err := m.Launch(p, "mixed", [3]int{1, 1, 1}, [3]int{n, 1, 1}, 0, arguments(out, upload(t, m, x), of)); err != nil {
		t.Fatal(err)
	}
	table := []float64{10, 20, 30, 40}
	for i, got := range download[float64](t, m, out, n) {
		local := func(k int) int32 { return x[(i+k)%n] }
		s := 0.0
		for k := range i % 7 {
			if local(k)&1 != 0 {
				s += float64(float32(local(k)) * of.Scale)
			} else if k == 3 {
				break
			} else {
				s -= table[k&3]
			}
		}
		switch x[i] % 9 {
		case 0:
			s += of.More
		case 1:
			s *= 2
		case 2:
			s += float64(of.At[i%5])
		case 3:
			s -= float64(of.At[x[i]%5])
		case 4:
			s = -s
		case 5:
			s += float64(100 * local(i&7))
		default:
			s += 0.5
		}
		if got != s {
			t.Errorf("thread %d: %v, not %v", i, got, s)
		}
	}
}

// The number of thread instructions a second of one core, on a kernel of fused products.
func BenchmarkFMA(b *testing.B) {
	bench(b, "fmas", [3]int{4, 1, 1}, [3]int{256, 1, 1}, func(m *Machine) []byte {
		return arguments(upload(b, m, make([]float32, 1024)), float32(.99), float32(.1), uint32(1000))
	})
}

// The same of a product by way of shared memory, with every check.
func BenchmarkSharedProduct(b *testing.B) {
	const n = 64
	bench(b, "product", [3]int{n / 16, n / 16, 1}, [3]int{16, 16, 1}, func(m *Machine) []byte {
		x := upload(b, m, make([]float32, n*n))
		return arguments(m.Alloc(4*n*n), x, x, uint32(n))
	})
}

func bench(b *testing.B, entry string, grid, block [3]int, params func(*Machine) []byte) {
	p := kernels(b)
	m := New(Options{})
	args := params(m)
	var steps int64
	for b.Loop() {
		if err := m.Launch(p, entry, grid, block, 0, args); err != nil {
			b.Fatal(err)
		}
		steps += m.options.MaxSteps - m.kept[len(m.kept)-1].steps
	}
	b.ReportMetric(float64(32*steps)/b.Elapsed().Seconds()/1e6, "Mthread-instr/s")
}
