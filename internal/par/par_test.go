package par

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var workerCounts = []int{0, 1, 2, 3, 7, 16}

func TestForRunsEveryChunkOnce(t *testing.T) {
	for _, w := range workerCounts {
		p := New(w)
		for _, n := range []int{0, 1, 2, 3, 17, 1000} {
			count := make([]atomic.Int32, n)
			p.For(n, func(i int) { count[i].Add(1) })
			for i := range count {
				if c := count[i].Load(); c != 1 {
					t.Errorf("workers %d, n %d: chunk %d ran %d times", w, n, i, c)
				}
			}
		}
		p.Close()
	}
}

func TestForReturnsAfterTheLastChunk(t *testing.T) {
	var tick atomic.Uint32
	p := Open(Options{Workers: 7, Delay: func() {
		if tick.Add(1)%5 == 0 {
			time.Sleep(200 * time.Microsecond)
		}
	}})
	defer p.Close()
	for range 50 {
		sum := make([]int, 40) // plain writes: the race detector sees a missing wait
		p.For(len(sum), func(i int) { sum[i] = i + 1 })
		for i, v := range sum {
			if v != i+1 {
				t.Fatalf("chunk %d left %d", i, v)
			}
		}
	}
}

func TestForNestsAndSharesOnePool(t *testing.T) {
	p := New(3)
	defer p.Close()
	var total atomic.Int64
	var callers sync.WaitGroup
	for range 5 {
		callers.Go(func() {
			for range 20 {
				p.For(4, func(int) {
					p.For(5, func(int) { total.Add(1) })
				})
			}
		})
	}
	callers.Wait()
	if got := total.Load(); got != 5*20*4*5 {
		t.Errorf("ran %d inner chunks, want %d", got, 5*20*4*5)
	}
}

func TestForPanicsWithTheChunksPanic(t *testing.T) {
	for _, w := range workerCounts {
		p := New(w)
		for _, bad := range []int{0, 7, 63} {
			func() {
				defer func() {
					if v := recover(); v != bad {
						t.Errorf("workers %d: recovered %v, want %d", w, v, bad)
					}
				}()
				p.For(64, func(i int) {
					if i == bad {
						panic(bad)
					}
				})
			}()
		}
		var ran atomic.Int32
		p.For(8, func(int) { ran.Add(1) })
		if ran.Load() != 8 {
			t.Errorf("workers %d: after a panic %d of 8 chunks ran", w, ran.Load())
		}
		p.Close()
	}
}

func TestForAllocatesNothing(t *testing.T) {
	p := New(4)
	defer p.Close()
	f := func(int) {}
	p.For(16, f)
	if n := testing.AllocsPerRun(200, func() { p.For(16, f) }); n != 0 {
		t.Errorf("For allocates %v times a call", n)
	}
}

func TestCloseEndsTheGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	p := New(8)
	p.For(100, func(int) {})
	p.Close()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before, %d after Close", before, now)
	}
	sum := 0
	p.For(10, func(i int) { sum += i }) // alone now: plain writes are safe
	if sum != 45 {
		t.Errorf("after Close chunks sum to %d, want 45", sum)
	}
}

// TestAwake: helpers are awake while they run chunks, not once they had nothing to do for a
// while, and never again after Close.
func TestAwake(t *testing.T) {
	p := New(2)
	for range 20 {
		var seen atomic.Bool
		both := make(chan struct{}, 2)
		p.For(2, func(int) { // neither chunk ends before both have begun
			both <- struct{}{}
			for len(both) < 2 {
				runtime.Gosched()
			}
			if p.Awake() { // the helper sees it; its caller may come too late
				seen.Store(true)
			}
		})
		if !seen.Load() {
			t.Fatal("a helper in a chunk is not awake")
		}
		for end := time.Now().Add(10 * time.Second); p.Awake() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if p.Awake() {
			t.Fatal("a helper without work stays awake")
		}
	}
	p.Close()
	if p.Awake() {
		t.Error("awake after Close")
	}
	if one := New(1); one.Awake() {
		t.Error("a pool without helpers has one awake")
	}
}

// BenchmarkFor measures one call that computes for 16 µs on one worker, cut in 8
// chunks, after its caller was alone for a while: parked helpers are late.
func BenchmarkFor(b *testing.B) {
	const chunks, chunkWork = 8, 2 * time.Microsecond
	for _, workers := range []int{1, 2} {
		for _, alone := range []time.Duration{0, 10 * time.Microsecond, 100 * time.Microsecond, time.Millisecond} {
			for _, work := range []time.Duration{0, chunkWork} {
				b.Run(fmt.Sprintf("chunk=%v/alone=%v/workers=%d", work, alone, workers), func(b *testing.B) {
					p := New(workers)
					defer p.Close()
					f := func(int) { busy(work) }
					var total time.Duration
					for b.Loop() {
						busy(alone)
						start := time.Now()
						p.For(chunks, f)
						total += time.Since(start)
					}
					b.ReportMetric(float64(total)/float64(b.N), "ns/For")
				})
			}
		}
	}
}

// busy computes for about d.
func busy(d time.Duration) {
	if d == 0 {
		return
	}
	for start := time.Now(); time.Since(start) < d; {
	}
}
