// Package garbage bounds what a process holds that nothing uses any more. The collector's own
// rule lets garbage grow as large as what lives, so that its work, which is going through
// all pointers, stays in proportion. Here what lives are arenas of gigabytes without
// pointers, beside which a step leaves a megabyte: memory would double before the first
// collection, which takes a millisecond. So only what can have pointers gives room to garbage.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// Bound has the collector begin, from now on, when there may be so many bytes of garbage and as
// many as can have pointers: after each collection GOGC becomes 100·(bytes + scannable)/live, of
// the heap's bytes, and no more than 100. It is for main, and once. Where the environment sets GOGC, that holds.
func Bound(bytes int) {
	if os.Getenv("GOGC") != "" {
		return
	}
	b := &bound{bytes: uint64(bytes)}
	b.watch()
}

type bound struct {
	bytes   uint64
	percent atomic.Int64 // as set last
}

// watch has a collection of garbage, the next, call collected.
func (b *bound) watch() {
	type sentinel struct{ _ [16]byte } // of a size that shares its place with nothing that lives
	runtime.AddCleanup(new(sentinel), (*bound).collected, b)
}

// collected sets how far the heap may grow before the next collection.
func (b *bound) collected() {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(heap)
	p := percent(b.bytes+heap[1].Value.Uint64(), heap[0].Value.Uint64())
	if differs(p, b.percent.Load()) {
		debug.SetGCPercent(int(p))
		b.percent.Store(p)
	}
	b.watch()
}

// percent returns GOGC for so many bytes of garbage beside those that live: 1 at least, and no more
// than the runtime's own 100, since it holds for what lives after the next collection too, until
// that is looked at.
func percent(bytes, live uint64) int64 { return int64(min(max(100*bytes/max(live, 1), 1), 100)) }

// differs reports whether it is worth stopping all goroutines to set it.
func differs(p, was int64) bool { return p < was-was/8 || p > was+was/8 }
