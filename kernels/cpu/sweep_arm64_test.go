//go:build !noasm

package cpu

import (
	"math"
	"os"
	"runtime"
	"testing"

	"lamina/internal/par"
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// TestNEONIsPlainGo: functions have the bits of plain Go on every 32nd float, with low bits
// that vary, so that the table of plain Go's errors is theirs too. In an emulator all 2³² would
// take hours.
func TestNEONIsPlainGo(t *testing.T) {
	if os.Getenv("LAMINA_SWEEP") == "" {
		t.Skip("takes minutes in an emulator; to run: LAMINA_SWEEP=1, -test.run TestNEONIsPlainGo -test.v -test.timeout 0")
	}
	defer simd.Set(simd.Active())
	const run, runs, blocks = 1 << 12, 1 << 8, 1 << 7
	pool := par.New(runtime.GOMAXPROCS(0))
	defer pool.Close()
	x := make([]float32, run*runs)
	y := [2][]float32{make([]float32, len(x)), make([]float32, len(x))}
	for f := kernels.Func(0); f < kernels.NumFuncs; f++ {
		wrong := 0
		for block := range blocks {
			for i := range x {
				n := uint32(block*len(x) + i)
				x[i] = math.Float32frombits(n<<5 | n*2654435761>>27)
			}
			for i, l := range []simd.Level{simd.Generic, simd.NEON} {
				simd.Set(l)
				apply := functionOf(f)
				pool.For(runs, func(chunk int) { apply(y[i][chunk*run:][:run], x[chunk*run:][:run]) })
			}
			for i, want := range y[0] {
				if got := y[1][i]; math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
					if wrong++; wrong <= 3 {
						t.Errorf("%v(%v) = %v, plain Go's is %v", f, x[i], got, want)
					}
				}
			}
		}
		t.Logf("%v: %d of %d differ", f, wrong, blocks*len(x))
	}
}
