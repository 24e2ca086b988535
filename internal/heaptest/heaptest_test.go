package heaptest

import "testing"

var held [][]byte

// What is held counts, what is dropped does not.
func TestPeakIsWhatWasHeld(t *testing.T) {
	if !Counts {
		t.Skip("the race detector's memory is in all of these numbers")
	}
	fill := func(keep bool) func() {
		return func() {
			for range 64 {
				held = append(held, make([]byte, 1<<20))
				if !keep {
					held = held[:0]
				}
			}
			held = nil
		}
	}
	if peak := Peak(fill(true)); peak < 64<<20 || peak > 80<<20 {
		t.Errorf("64 MiB held: a peak of %d bytes", peak)
	}
	if peak := Peak(fill(false)); peak > 40<<20 {
		t.Errorf("1 MiB held at a time: a peak of %d bytes", peak)
	}
	if n := Allocated(fill(false)); n < 64<<20 || n > 65<<20 {
		t.Errorf("64 MiB allocated: %d bytes", n)
	}
}
