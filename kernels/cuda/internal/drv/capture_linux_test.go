package drv_test

import (
	"errors"
	"syscall"
	"testing"

	"lamina/kernels/cuda/internal/sim"
)

// While a stream is captured no other goroutine gets the thread that it began on.
func TestCaptureKeepsItsThread(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.must(b.s.BeginCapture())
	own := syscall.Gettid()
	threads := make(chan int)
	for range 100 {
		go func() { threads <- syscall.Gettid() }()
	}
	for range 100 {
		if <-threads == own {
			t.Fatal("another goroutine runs on the thread of the capture")
		}
	}
	other := make(chan error)
	go func() { // may do what the goroutine of the capture may not
		p, err := b.dev.Alloc(4)
		other <- errors.Join(err, b.dev.Free(p))
	}()
	b.must(<-other)
	g, err := b.s.EndCapture()
	b.must(err)
	b.must(g.Destroy())
	b.close()
}
