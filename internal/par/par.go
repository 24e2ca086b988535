// Package par runs the chunks of a loop on a fixed set of goroutines. It knows
// nothing of what it runs, and never decides how to split: the caller names a
// number of chunks that follows from shapes alone, so results do not depend on
// how many workers there are or on who takes which chunk.
//
//	pool := par.New(runtime.GOMAXPROCS(0))
//	defer pool.Close()
//	pool.For(len(rows), func(i int) {
//		norms[i] = norm(rows[i]) // a slot of its own
//	})
//
// Invariants: chunks are taken in rising order from one counter; the caller of
// For works too and waits only for workers that are inside a chunk, so a call
// makes progress when every other worker is busy or asleep, and calls may be
// nested or come from several goroutines at once; an idle worker spins for at
// most 50 µs, then parks.
package par

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// spin is how long an idle worker looks for work before it parks, and a caller
// for its last chunk: about what waking a parked goroutine costs.
const spin = 50 * time.Microsecond

// While it spins, a goroutine looks so many times before it asks for the time, and pauses
// for so many instructions after each look: what it waits for is seen within some 100 ns,
// which is a good part of a small product, and the clock, which takes as long, is seldom read.
const (
	looks  = 4
	pauses = 4
)

// Options says how a pool is made.
type Options struct {
	// Workers is the number of goroutines that run chunks, callers of For
	// included. Values below 1 mean 1.
	Workers int
	// Delay, if not nil, is called before every chunk. Tests use it to shuffle
	// the order in which workers get on.
	Delay func()
}

// Pool is a set of workers. Its methods may be called at any time from any
// goroutine. Make one with New or Open.
//
// A call of For takes one of the jobs and publishes it by its bit in open.
// Helpers look at open only; they join a job by counting themselves in before
// they look at its bit again, so that its caller either sees them or has
// withdrawn the bit in time.
type Pool struct {
	workers int
	spin    time.Duration // 0 if there are more workers than processors
	delay   func()
	wake    chan struct{} // one token for each helper that unpark counted out

	_      line
	open   atomic.Uint32 // bit i: jobs[i] has chunks that nobody has taken yet
	_      line
	parked atomic.Int32 // helpers that wait for a token nobody has promised
	taken  atomic.Uint32
	closed atomic.Bool
	_      line
	jobs   [32]job // calls beyond these run on their callers alone
}

// line keeps what different workers write out of each other's cache lines, two
// of which are fetched at a time.
type line [128]byte

// job is one call of For. Fields without atomics belong to the caller while the
// job's bit is not in open, and are only read while it is.
type job struct {
	next  atomic.Int64 // the next chunk
	_     line
	state atomic.Int32 // helpers that joined and have not left, plus waiting
	f     func(chunk int)
	n     int64
	done  chan struct{}

	mu      sync.Mutex
	failed  bool
	failure any // of the first chunk that panicked
	_       line
}

// waiting is in a job's state while its caller is parked on done.
const waiting = 1 << 30

// New returns a pool of the given number of workers.
func New(workers int) *Pool { return Open(Options{Workers: workers}) }

// Open returns a pool made as o says.
func Open(o Options) *Pool {
	p := &Pool{workers: max(o.Workers, 1), spin: spin, delay: o.Delay}
	if p.workers > runtime.GOMAXPROCS(0) {
		p.spin = 0
	}
	p.wake = make(chan struct{}, p.workers)
	for i := range p.jobs {
		p.jobs[i].done = make(chan struct{}, 1)
	}
	for range p.workers - 1 {
		go p.help()
	}
	return p
}

// Workers returns the number of goroutines that run chunks, the caller included.
func (p *Pool) Workers() int { return p.workers }

// Awake reports whether a helper is there that takes chunks without having to be woken,
// which takes its caller some 10 µs: for work that is no longer than that.
func (p *Pool) Awake() bool { return p.parked.Load() < int32(p.workers-1) && !p.closed.Load() }

// Close ends the pool's goroutines once running calls are over. Later calls of
// For run on their caller alone.
func (p *Pool) Close() {
	p.closed.Store(true)
	p.unpark(p.workers)
}

// For calls f(0), …, f(n-1), each once, from up to Workers goroutines, and
// returns when all have returned. If a chunk panics, chunks not yet begun are
// dropped and For panics with the value of the first panic.
func (p *Pool) For(n int, f func(chunk int)) {
	if n > 1 && p.workers > 1 {
		if i := p.take(); i >= 0 {
			p.share(i, n, f)
			return
		}
	}
	for i := range n {
		if p.delay != nil {
			p.delay()
		}
		f(i)
	}
}

// take returns the index of a job that no call uses, which is then taken, or -1.
func (p *Pool) take() int {
	for {
		taken := p.taken.Load()
		i := bits.TrailingZeros32(^taken)
		if i == len(p.jobs) {
			return -1
		}
		if p.taken.CompareAndSwap(taken, taken|1<<i) {
			return i
		}
	}
}

// share runs a call of For as job i, with all helpers that come.
func (p *Pool) share(i, n int, f func(int)) {
	j, bit := &p.jobs[i], uint32(1)<<i
	j.f, j.n = f, int64(n)
	j.next.Store(0)
	p.open.Or(bit)
	if p.parked.Load() > 0 {
		p.unpark(n - 1)
	}
	p.work(j)
	p.open.And(^bit)
	p.await(j)
	failed, failure := j.failed, j.failure
	j.f, j.failed, j.failure = nil, false, nil
	p.taken.And(^bit)
	if failed {
		panic(failure)
	}
}

// await returns when the helpers that joined j have left it.
func (p *Pool) await(j *job) {
	for start := p.now(); ; {
		for range looks {
			if j.state.Load() == 0 {
				return
			}
			p.pause()
		}
		if p.late(start) {
			// Whoever takes the state from waiting to 0 ends the wait: this
			// caller, or the last to leave, who then sends.
			if j.state.Add(waiting) != waiting || !j.state.CompareAndSwap(waiting, 0) {
				<-j.done
			}
			return
		}
	}
}

// work runs chunks of j until none is left.
func (p *Pool) work(j *job) {
	defer func() {
		if v := recover(); v != nil {
			j.next.Store(j.n)
			j.mu.Lock()
			if !j.failed {
				j.failed, j.failure = true, v
			}
			j.mu.Unlock()
		}
	}()
	for i := j.next.Add(1) - 1; i < j.n; i = j.next.Add(1) - 1 {
		if p.delay != nil {
			p.delay()
		}
		j.f(int(i))
	}
}

// help is the life of one helper.
func (p *Pool) help() {
	for {
		open := p.look()
		if open == 0 {
			return
		}
		i := bits.Len32(open) - 1 // the innermost of nested calls
		j, bit := &p.jobs[i], uint32(1)<<i
		j.state.Add(1)
		if p.open.Load()&bit != 0 {
			p.work(j)
			p.open.And(^bit)
		}
		if j.state.Add(-1) == waiting && j.state.CompareAndSwap(waiting, 0) {
			j.done <- struct{}{}
		}
	}
}

// look returns the open jobs once there are any, or 0 once the pool is closed.
func (p *Pool) look() uint32 {
	for {
		for start := p.now(); ; {
			for range looks {
				if open := p.open.Load(); open != 0 {
					return open
				}
				p.pause()
			}
			if p.late(start) {
				break
			}
		}
		if p.closed.Load() {
			return 0
		}
		p.parked.Add(1)
		if (p.open.Load() != 0 || p.closed.Load()) && p.countOut() {
			continue
		}
		<-p.wake
	}
}

// unpark wakes up to n parked helpers.
func (p *Pool) unpark(n int) {
	for ; n > 0 && p.countOut(); n-- {
		p.wake <- struct{}{}
	}
}

// countOut takes one helper out of parked and reports whether there was one.
func (p *Pool) countOut() bool {
	for {
		n := p.parked.Load()
		if n == 0 {
			return false
		}
		if p.parked.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// now is when a time of spinning begins.
func (p *Pool) now() time.Time {
	if p.spin == 0 {
		return time.Time{}
	}
	return time.Now()
}

// pause lets a moment pass, if the pool's goroutines spin.
func (p *Pool) pause() {
	if p.spin > 0 {
		pause(pauses)
	}
}

// late reports whether spinning since start is over.
func (p *Pool) late(start time.Time) bool { return p.spin == 0 || time.Since(start) > p.spin }
