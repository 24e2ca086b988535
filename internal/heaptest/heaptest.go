// Package heaptest measures what memory a function takes, for tests of readers that must
// not take more than a file justifies.
//
//	if peak := heaptest.Peak(func() { read(data) }); peak > heaptest.Limit(len(data)) {
//		t.Errorf("…")
//	}
//
// It knows nothing of what is read. Invariants: garbage counts as little as can be, so
// that the peak is what was held; one measurement at a time. Under the race detector
// nothing is held against a bound ([Counts]).
package heaptest

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// Limit is the most that reading or rejecting files of size bytes may take.
func Limit(size int) uint64 { return 16*uint64(size) + 64<<20 }

var one sync.Mutex

// Peak returns the most bytes of the heap that were in use while f ran, above those
// before it. It looks ten thousand times a second and collects garbage as soon as there
// is a tenth of it: a peak may be a little higher or lower than what it returns.
func Peak(f func()) uint64 {
	one.Lock()
	defer one.Unlock()
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	runtime.GC() // what a sync.Pool keeps outlives one collection
	before := inUse()
	stop, highest := make(chan bool), make(chan uint64)
	go func() {
		most := before
		tick := time.NewTicker(100 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, inUse())
			case <-stop:
				highest <- max(most, inUse())
				return
			}
		}
	}()
	f()
	close(stop)
	return <-highest - before
}

// inUse returns the bytes of objects on the heap, those not yet swept included.
func inUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// Allocated returns how many bytes f allocates, in all.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
