package cpu

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// sweptFunction is one function in float64, and how many units in the last place
// the float32 one may be off where the result is at least 2^-100. Below, an error
// of tinyError is allowed: there exponentials may be flushed to zero.
type sweptFunction struct {
	units float64
	f     func(x float64) float64
}

const (
	smallResult = 0x1p-100
	tinyError   = 0x1p-118
)

// sweptFunctions take short cuts where a function is a constant or a polynomial to
// well below float32's precision, which is most of all floats.
var sweptFunctions = [kernels.NumFuncs]sweptFunction{
	kernels.Identity: {0, func(x float64) float64 { return x }},
	kernels.ReLU:     {0, func(x float64) float64 { return max(x, 0) }},
	kernels.GELU: {8, func(x float64) float64 {
		if math.Abs(x) < 1e-9 {
			return x * (0.5 + x/math.Sqrt(2*math.Pi))
		}
		return x * normal(x)
	}},
	kernels.GELUTanh: {8, func(x float64) float64 {
		if math.Abs(x) < 1e-9 {
			return x * (0.5 + x/math.Sqrt(2*math.Pi))
		}
		return x * logistic(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))
	}},
	kernels.SiLU: {4, func(x float64) float64 { return x * logistic(x) }},
	kernels.Tanh: {4, func(x float64) float64 {
		switch size := math.Abs(x); {
		case size < 1e-5:
			return x - x*x*x/3
		case size > 20:
			return math.Copysign(1, x)
		}
		return math.Tanh(x)
	}},
	kernels.Sigmoid: {4, logistic},
	kernels.Exp: {2, func(x float64) float64 {
		switch {
		case math.Abs(x) < 1e-9:
			return 1 + x
		case x > 90:
			return math.Inf(1)
		case x < -110:
			return 0
		}
		return math.Exp(x)
	}},
	kernels.Log:    {1, math.Log},
	kernels.Sqrt:   {1, math.Sqrt},
	kernels.Square: {1, func(x float64) float64 { return x * x }},
	kernels.Neg:    {0, func(x float64) float64 { return -x }},
}

func logistic(x float64) float64 {
	switch {
	case math.Abs(x) < 1e-9:
		return 0.5 + x/4
	case x > 60:
		return 1
	case x < -250: // what is left times 3e38 is 0
		return 0
	}
	return 1 / (1 + math.Exp(-x))
}

// normal is the normal distribution function.
func normal(x float64) float64 {
	switch {
	case x > 15:
		return 1
	case x < -30:
		return 0
	}
	return 0.5 * math.Erfc(-x/math.Sqrt2)
}

// swept is the worst of some inputs: units in the last place of results of at least
// smallResult, absolute error below.
type swept struct {
	units, tiny     float64
	unitsAt, tinyAt float32
	failed          string
}

// add compares a result that is not float32(want).
func (s *swept) add(f kernels.Func, x, got float32, want float64) {
	rounded := float32(want)
	switch {
	case got != got && rounded != rounded:
		return
	case got != got || rounded != rounded || math.IsInf(float64(got), 0) != math.IsInf(float64(rounded), 0):
		// The last finite number and infinity are neighbours.
		if math.Abs(want) < 0x1.fffffep127 || got != got {
			s.failed = fmt.Sprintf("%v(%v) = %v, want %v", f, x, got, want)
		}
		return
	}
	off, size := math.Abs(float64(got)-want), math.Abs(want)
	if size < smallResult {
		if off > s.tiny {
			s.tiny, s.tinyAt = off, x
		}
		return
	}
	_, exponent := math.Frexp(size)
	if units := math.Ldexp(off, 24-exponent); units > s.units {
		s.units, s.unitsAt = units, x
	}
}

func (s *swept) merge(o swept) {
	if o.units > s.units {
		s.units, s.unitsAt = o.units, o.unitsAt
	}
	if o.tiny > s.tiny {
		s.tiny, s.tinyAt = o.tiny, o.tinyAt
	}
	if s.failed == "" {
		s.failed = o.failed
	}
}

// sweep evaluates a function on all 2³² inputs.
func sweep(f kernels.Func) (worst swept) {
	const piece, pieces = 1 << 12, 1 << 20
	apply, exact := functionOf(f), sweptFunctions[f].f
	var next atomic.Int64
	var all sync.WaitGroup
	var lock sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			x, y, mine := make([]float32, piece), make([]float32, piece), swept{}
			for p := next.Add(1) - 1; p < pieces; p = next.Add(1) - 1 {
				for i := range x {
					x[i] = math.Float32frombits(uint32(p*piece) + uint32(i))
				}
				apply(y, x)
				for i, v := range x {
					if want := exact(float64(v)); y[i] != float32(want) {
						mine.add(f, v, y[i], want)
					}
				}
			}
			lock.Lock()
			worst.merge(mine)
			lock.Unlock()
		})
	}
	all.Wait()
	return worst
}

func TestUnaryOnEveryFloat32(t *testing.T) {
	if os.Getenv("LAMINA_SWEEP") == "" {
		t.Skip("takes minutes; to run: LAMINA_SWEEP=1 go test -run TestUnaryOnEveryFloat32 -v -timeout 0 ./kernels/cpu")
	}
	defer simd.Set(simd.Active())
	for _, l := range slices.Backward(simd.Levels()) {
		simd.Set(l)
		for f := kernels.Func(0); f < kernels.NumFuncs; f++ {
			t.Run(fmt.Sprintf("%v/%v", l, f), func(t *testing.T) {
				worst, may := sweep(f), sweptFunctions[f]
				t.Logf("worst %.3f units at %v; below 2^-100 off by %.3g at %v", worst.units, worst.unitsAt, worst.tiny, worst.tinyAt)
				if worst.failed != "" {
					t.Error(worst.failed)
				}
				if worst.units > may.units || worst.tiny > tinyError {
					t.Errorf("more than %v units, or than %.3g below 2^-100", may.units, tinyError)
				}
			})
		}
	}
}
