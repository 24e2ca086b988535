package measure

import (
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/internal/philox"
)

func randomStates(seed uint64, n, d int) []float32 {
	x := make([]float32, n*d)
	philox.New(seed, 0).FillNormal(x, 0, 0.3, 1)
	return x
}

// slowCKA is the definition written out: uncentred Gram matrices, H on both
// sides by its formula, traces.
func slowCKA(x []float32, dx int, y []float32, dy, n int) float64 {
	centred := func(x []float32, d int) [][]float64 {
		k := make([][]float64, n)
		for i := range k {
			k[i] = make([]float64, n)
			for j := range k[i] {
				for t := range d {
					k[i][j] += float64(x[i*d+t]) * float64(x[j*d+t])
				}
			}
		}
		h := func(i, j int) float64 {
			if i == j {
				return 1 - 1/float64(n)
			}
			return -1 / float64(n)
		}
		out := make([][]float64, n)
		for i := range out {
			out[i] = make([]float64, n)
			for j := range out[i] {
				for a := range n {
					for b := range n {
						out[i][j] += h(i, a) * k[a][b] * h(b, j)
					}
				}
			}
		}
		return out
	}
	hsic := func(a, b [][]float64) (sum float64) {
		for i := range a {
			for j := range a {
				sum += a[i][j] * b[i][j]
			}
		}
		return sum
	}
	k, l := centred(x, dx), centred(y, dy)
	return hsic(k, l) / math.Sqrt(hsic(k, k)) / math.Sqrt(hsic(l, l))
}

func TestCKAEqualsDefinition(t *testing.T) {
	for _, n := range []int{2, 3, 5, 13} {
		for _, d := range []int{1, 2, 7, 300} {
			x, y := randomStates(1, n, d), randomStates(2, n, d+3)
			for i := range y { // some resemblance
				if i%(d+3) < d {
					y[i] += x[i/(d+3)*d+i%(d+3)]
				}
			}
			got, want := LinearCKA(Gram(x, n, d), Gram(y, n, d+3)), slowCKA(x, d, y, d+3, n)
			if !(math.Abs(got-want) <= 1e-11) {
				t.Errorf("n %d d %d: %v, want %v", n, d, got, want)
			}
		}
	}
}

// Sizes around the tile of 32 and the chunk of 256, against a plain product.
func TestGramAgainstPlainProduct(t *testing.T) {
	for _, n := range []int{1, 2, 3, 31, 32, 33, 35, 67} {
		for _, d := range []int{1, 5, 255, 256, 257, 515} {
			x := randomStates(uint64(n*1000+d), n, d)
			k := Gram(x, n, d)
			means := columnMeans(x, n, d)
			for i := range n {
				for j := range n {
					var want, size float64
					for c := range d {
						p := (float64(x[i*d+c]) - means[c]) * (float64(x[j*d+c]) - means[c])
						want += p
						size += math.Abs(p)
					}
					// Two sums of d terms, each within d·ε of the sum of sizes.
					if tol := 2 * float64(d) * 0x1p-53 * size; !(math.Abs(k[i*n+j]-want) <= tol) {
						t.Fatalf("n %d d %d: K[%d %d] = %v, want %v ± %v", n, d, i, j, k[i*n+j], want, tol)
					}
					if k[i*n+j] != k[j*n+i] {
						t.Fatalf("n %d d %d: K[%d %d] is not symmetric", n, d, i, j)
					}
				}
			}
		}
	}
}

func TestGramBitsDoNotDependOnWorkers(t *testing.T) {
	const n, d = 101, 700
	x := randomStates(3, n, d)
	want := gram(x, n, d, 1)
	for _, workers := range []int{2, 3, 7, 16} {
		if !slices.Equal(gram(x, n, d, workers), want) {
			t.Errorf("%d workers give other bits", workers)
		}
	}
}

// rotate applies a product of Householder reflections, an orthogonal transform
// of the features, in float64.
func rotate(x []float32, n, d int) []float32 {
	out := slices.Clone(x)
	for turn := range 3 {
		v := make([]float64, d)
		var norm float64
		for j := range v {
			v[j] = philox.New(uint64(turn), 9).Normal(uint64(j))
			norm += v[j] * v[j]
		}
		for i := range n {
			row := out[i*d : (i+1)*d]
			var p float64
			for j := range row {
				p += v[j] * float64(row[j])
			}
			for j := range row {
				row[j] = float32(float64(row[j]) - 2*p/norm*v[j])
			}
		}
	}
	return out
}

func TestCKAInvariances(t *testing.T) {
	const n, d = 40, 24
	x, y := randomStates(4, n, d), randomStates(5, n, d)
	for i := range y {
		y[i] = 0.5*y[i] + x[i]
	}
	kx := Gram(x, n, d)
	base := LinearCKA(kx, Gram(y, n, d))
	if base < 0.5 || base > 0.99 {
		t.Fatalf("the example is no test: CKA %v", base)
	}
	scaled, shifted := slices.Clone(y), slices.Clone(y)
	for i := range y {
		scaled[i] *= -8
		shifted[i] += float32(i % d)
	}
	for name, z := range map[string][]float32{"scaled": scaled, "shifted": shifted, "rotated": rotate(y, n, d)} {
		// Rounding the transformed states to float32 moves each by 2⁻²⁴ of its
		// size, at most about 24 here.
		if got := LinearCKA(kx, Gram(z, n, d)); !(math.Abs(got-base) <= 1e-5) {
			t.Errorf("%s: %v, want %v", name, got, base)
		}
	}
	if got := LinearCKA(kx, kx); !(math.Abs(got-1) <= 1e-14) {
		t.Errorf("CKA(X, X) = %v", got)
	}
	stretched := slices.Clone(y)
	for i := range stretched {
		if i%d == 0 {
			stretched[i] *= 10
		}
	}
	if got := LinearCKA(kx, Gram(stretched, n, d)); math.Abs(got-base) < 0.05 {
		t.Errorf("a stretched feature left CKA at %v", got)
	}
}

func TestCKAOfConstantStatesIsZero(t *testing.T) {
	const n, d = 6, 4
	constant := make([]float32, n*d)
	for i := range constant {
		constant[i] = 0.1 * float32(1+i%d)
	}
	c, err := NewCKA(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][]float32{constant, randomStates(1, n, d), constant} {
		if err := c.Add(x, d); err != nil {
			t.Fatal(err)
		}
	}
	want := [][]float64{{0, 0, 0}, {0, 1, 0}, {0, 0, 0}}
	if got := c.Matrix(); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestCKARefuses(t *testing.T) {
	for _, n := range []int{-1, 0, 1} {
		if _, err := NewCKA(n); err == nil {
			t.Errorf("%d samples were taken", n)
		}
	}
	c, _ := NewCKA(2)
	x := []float32{1, 2, 3, float32(math.NaN())}
	if err := c.Add(x, 2); err == nil || !strings.Contains(err.Error(), "state 0, sample 1, feature 1: NaN") {
		t.Errorf("%v", err)
	}
	x[3] = float32(math.Inf(-1))
	if err := c.Add(x, 2); err == nil || c.States() != 0 {
		t.Errorf("%v, %d states", err, c.States())
	}
}

func TestMatrixIsSymmetricAndStreamed(t *testing.T) {
	const n, states = 20, 5
	c, _ := NewCKA(n)
	var all [][]float32
	for s := range states {
		x := randomStates(uint64(s/2), n, 8+s) // widths may differ
		all = append(all, x)
		if err := c.Add(x, 8+s); err != nil {
			t.Fatal(err)
		}
	}
	m := c.Matrix()
	for i := range states {
		for j := range states {
			want := LinearCKA(Gram(all[i], n, 8+i), Gram(all[j], n, 8+j))
			if m[i][j] != m[j][i] || math.Abs(m[i][j]-want) > 1e-14 {
				t.Errorf("[%d %d] = %v, [%d %d] = %v, want %v", i, j, m[i][j], j, i, m[j][i], want)
			}
		}
	}
}

// A layer of OPT-6.7B with 512 samples.
func BenchmarkGram(b *testing.B) {
	const n, d = 512, 4096
	x := randomStates(1, n, d)
	for b.Loop() {
		Gram(x, n, d)
	}
	b.ReportMetric(float64(n*n/2*d)*2*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
