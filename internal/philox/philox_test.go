package philox

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// The three known answers of Random123's kat_vectors for philox4x32, 10 rounds.
func TestKnownAnswers(t *testing.T) {
	ones := ^uint32(0)
	for _, c := range []struct {
		name string
		ctr  [4]uint32
		key  [2]uint32
		want [4]uint32
	}{
		{"zeros", [4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{"ones", [4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{"pi", [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := block(c.ctr, c.key); got != c.want {
			t.Errorf("%s: %08x, want %08x", c.name, got, c.want)
		}
		seed := uint64(c.key[1])<<32 | uint64(c.key[0])
		stream := uint64(c.ctr[3])<<32 | uint64(c.ctr[2])
		counter := uint64(c.ctr[1])<<32 | uint64(c.ctr[0])
		if got := New(seed, stream).At(counter); got != c.want {
			t.Errorf("%s through At: %08x, want %08x", c.name, got, c.want)
		}
	}
}

func TestFillsEqualElements(t *testing.T) {
	r := New(7, 3)
	for _, first := range []uint64{0, 1, 2, 3, 4, 1<<34 - 2} {
		for n := range 11 {
			u, g := make([]float32, n), make([]float32, n)
			r.FillUniform(u, first)
			r.FillNormal(g, first, 2, 0.5)
			for i := range n {
				if want := r.Float32(first + uint64(i)); u[i] != want {
					t.Fatalf("uniform first %d n %d element %d: %v, want %v", first, n, i, u[i], want)
				}
				if want := float32(2 + 0.5*r.Normal(first+uint64(i))); g[i] != want {
					t.Fatalf("normal first %d n %d element %d: %v, want %v", first, n, i, g[i], want)
				}
			}
		}
	}
}

// moments returns mean, variance, skewness and kurtosis of n draws.
func moments(n int, draw func(i int) float64) (m [4]float64) {
	x := make([]float64, n)
	for i := range x {
		x[i] = draw(i)
		m[0] += x[i] / float64(n)
	}
	for _, v := range x {
		d := v - m[0]
		m[1] += d * d / float64(n)
		m[2] += d * d * d / float64(n)
		m[3] += d * d * d * d / float64(n)
	}
	sd := math.Sqrt(m[1])
	m[2] /= sd * sd * sd
	m[3] /= m[1] * m[1]
	return m
}

// The numbers are fixed by the seed, so these bounds of six standard errors
// cannot fail by chance on another machine.
func TestMoments(t *testing.T) {
	const n = 1 << 18
	r := New(42, 0)
	se := 6 / math.Sqrt(n)
	u := moments(n, func(i int) float64 { return float64(r.Float32(uint64(i))) })
	g := moments(n, func(i int) float64 { return r.Normal(uint64(i)) })
	for _, c := range []struct {
		name              string
		got, want, spread float64
	}{
		{"uniform mean", u[0], 0.5, math.Sqrt(1. / 12)},
		{"uniform variance", u[1], 1. / 12, math.Sqrt(1. / 180)},
		{"normal mean", g[0], 0, 1},
		{"normal variance", g[1], 1, math.Sqrt(2)},
		{"normal skewness", g[2], 0, math.Sqrt(6)},
		{"normal kurtosis", g[3], 3, math.Sqrt(24)},
	} {
		if d := math.Abs(c.got - c.want); !(d <= se*c.spread) {
			t.Errorf("%s = %v, want %v ± %v", c.name, c.got, c.want, se*c.spread)
		}
	}
}

func TestNormalIsFiniteAtTheEnds(t *testing.T) {
	for _, a := range []uint32{0, 1, ^uint32(0)} {
		x, y := normalPair(a, ^uint32(0))
		if math.IsInf(x, 0) || math.IsInf(y, 0) || math.IsNaN(x) || math.IsNaN(y) {
			t.Errorf("normalPair(%d) = %v, %v", a, x, y)
		}
	}
}

func TestFloatsStayBelowOne(t *testing.T) {
	if got := unit(^uint32(0)); got >= 1 {
		t.Errorf("unit(max) = %v", got)
	}
	if got := unit(0); got != 0 {
		t.Errorf("unit(0) = %v", got)
	}
}

func TestIntnIsUniform(t *testing.T) {
	s := New(1, 2).Sequence()
	for _, n := range []int{1, 2, 3, 7, 10} {
		const draws = 40000
		count := make([]int, n)
		for range draws {
			count[s.Intn(n)]++
		}
		mean := float64(draws) / float64(n)
		for v, c := range count {
			if d := math.Abs(float64(c) - mean); d > 6*math.Sqrt(mean) {
				t.Errorf("Intn(%d) gave %d %d times of %d", n, v, c, draws)
			}
		}
	}
}

// With a bound of 3·2^61 a plain modulo would favour the lower half of the
// range by a factor of two, which the redraw must prevent.
func TestIntnRedraws(t *testing.T) {
	s := New(3, 4).Sequence()
	const n, draws = 3 << 61, 20000
	low := 0
	for range draws {
		v := s.Intn(n)
		if v < 0 || v >= n {
			t.Fatalf("Intn(%d) = %d", n, v)
		}
		if v < n/2 {
			low++
		}
	}
	if d := math.Abs(float64(low) - draws/2); d > 6*math.Sqrt(draws/4) {
		t.Errorf("%d of %d draws in the lower half", low, draws)
	}
}

func TestPerm(t *testing.T) {
	for n := range 40 {
		p := New(5, uint64(n)).Perm(n)
		sorted := slices.Sorted(slices.Values(p))
		for i, v := range sorted {
			if v != i {
				t.Fatalf("Perm(%d) = %v is no permutation", n, p)
			}
		}
	}
	if slices.Equal(New(5, 0).Perm(30), New(6, 0).Perm(30)) {
		t.Error("two seeds gave the same permutation")
	}
	// All 6 orders of 3 items, equally often.
	count := map[[3]int]int{}
	for i := range uint64(6000) {
		p := New(9, i).Perm(3)
		count[[3]int(p)]++
	}
	for p, c := range count {
		if math.Abs(float64(c)-1000) > 6*math.Sqrt(1000) {
			t.Errorf("order %v came %d times of 6000", p, c)
		}
	}
	if len(count) != 6 {
		t.Errorf("%d orders of 6", len(count))
	}
}

func TestStreamsDiffer(t *testing.T) {
	seen := map[uint64]bool{}
	for step := range uint32(4) {
		for place := range 4 {
			for op := range 4 {
				s := Stream(step, place, op)
				if seen[s] {
					t.Fatalf("Stream(%d, %d, %d) repeats", step, place, op)
				}
				seen[s] = true
			}
		}
	}
}

func TestMisusePanics(t *testing.T) {
	for name, f := range map[string]func(){
		"Intn 0":        func() { New(0, 0).Sequence().Intn(0) },
		"Perm -1":       func() { New(0, 0).Perm(-1) },
		"Stream place":  func() { Stream(0, 1<<16, 0) },
		"Stream op < 0": func() { Stream(0, 0, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkFillUniform(b *testing.B) {
	dst := make([]float32, 1<<16)
	b.SetBytes(int64(len(dst) * 4))
	for b.Loop() {
		New(1, 2).FillUniform(dst, 0)
	}
}

func ExampleRand() {
	r := New(42, Stream(3, 0, 1))
	last := r.Float32(999)
	_ = r.Float32(0)
	fmt.Println(r.Float32(999) == last)
	fmt.Println(New(42, 0).Perm(5))
	// Output:
	// true
	// [3 4 0 1 2]
}
