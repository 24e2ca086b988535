//go:build unix && !noasm

package simd

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTilesOutliveSignals multiplies in more goroutines than there are threads, while
// signals interrupt them, as the scheduler does, and goroutines move: tiles of an
// interrupted call come back, and nobody sees another's.
func TestTilesOutliveSignals(t *testing.T) {
	if !Has(TileBF16) {
		t.Skip("no AMX: " + NoTiles())
	}
	const m, n, tiles = 48, 48, 40
	var stop atomic.Bool
	var busy sync.WaitGroup
	for g := range 16 {
		busy.Go(func() {
			r := noise(g)
			_, a, _ := tiledNoise(&r, m, tiles, 1, 0, nil)
			_, b, _ := tiledNoise(&r, n, tiles, 1, 0, nil)
			want, got := make([]float32, m*n), make([]float32, m*n)
			gemmTilesGeneric(want, n, a, b, []Pass{{}}, m, n, tiles, nil)
			for !stop.Load() {
				GemmTiles(got, n, a, b, []Pass{{}}, m, n, tiles, nil)
				if !slices.Equal(got, want) {
					t.Error("other bits among signals")
					return
				}
			}
		})
	}
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		if err := unix.Kill(unix.Getpid(), unix.SIGURG); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Microsecond)
	}
	stop.Store(true)
	busy.Wait()
}
