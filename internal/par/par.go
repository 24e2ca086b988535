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
// For works too, so a call makes progress when every other worker is busy, and
// calls may be nested or come from several goroutines at once; an idle worker
// spins for at most 50 µs, then parks.
package par

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// spin is how long an idle worker looks for work before it parks, and a caller
// for its last chunk: about what waking a parked goroutine costs.
const spin = 50 * time.Microsecond

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
type Pool struct {
	workers int
	delay   func()

	ready  atomic.Int32 // number of entries of open, for spinning without the lock
	mu     sync.Mutex
	wake   sync.Cond // parked helpers
	parked int
	closed bool
	open   []*job // calls with chunks that nobody has taken yet
	spare  []*job // for reuse: For allocates nothing once warm
}

// job is one call of For.
type job struct {
	f       func(chunk int)
	n       int64
	next    atomic.Int64
	helpers atomic.Int32 // joined and not yet gone; joining takes the pool's lock
	waiting bool         // the caller is parked on done
	done    chan struct{}

	failed  bool
	failure any // of the first chunk that panicked
}

// New returns a pool of the given number of workers.
func New(workers int) *Pool { return Open(Options{Workers: workers}) }

// Open returns a pool made as o says.
func Open(o Options) *Pool {
	p := &Pool{workers: max(o.Workers, 1), delay: o.Delay}
	p.wake.L = &p.mu
	for range p.workers - 1 {
		go p.help()
	}
	return p
}

// Workers returns the number of goroutines that run chunks, the caller included.
func (p *Pool) Workers() int { return p.workers }

// Close ends the pool's goroutines once running calls are over. Later calls of
// For run on their caller alone.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wake.Broadcast()
}

// For calls f(0), …, f(n-1), each once, from up to Workers goroutines, and
// returns when all have returned. If a chunk panics, chunks not yet begun are
// dropped and For panics with the value of the first panic.
func (p *Pool) For(n int, f func(chunk int)) {
	if n <= 1 || p.workers == 1 {
		for i := range n {
			if p.delay != nil {
				p.delay()
			}
			f(i)
		}
		return
	}
	j := p.begin(n, f)
	p.work(j)
	p.finish(j)
}

// begin publishes a call and wakes as many helpers as could be of use.
func (p *Pool) begin(n int, f func(int)) *job {
	p.mu.Lock()
	var j *job
	if last := len(p.spare) - 1; last >= 0 {
		j, p.spare = p.spare[last], p.spare[:last]
	} else {
		j = &job{done: make(chan struct{}, 1)}
	}
	j.f, j.n = f, int64(n)
	j.next.Store(0)
	p.open = append(p.open, j)
	p.ready.Add(1)
	wake := min(p.parked, n-1)
	p.mu.Unlock()
	for range wake {
		p.wake.Signal()
	}
	return j
}

// finish waits for the helpers that joined j and puts j away.
func (p *Pool) finish(j *job) {
	p.retire(j)
	for start := time.Now(); j.helpers.Load() != 0 && time.Since(start) < spin; {
		p.pause()
	}
	p.mu.Lock()
	if j.helpers.Load() != 0 {
		j.waiting = true
		p.mu.Unlock()
		<-j.done
		p.mu.Lock()
	}
	failed, failure := j.failed, j.failure
	j.f, j.waiting, j.failed, j.failure = nil, false, false, nil
	p.spare = append(p.spare, j)
	p.mu.Unlock()
	if failed {
		panic(failure)
	}
}

// retire takes j off the open list, so that nobody joins it any more.
func (p *Pool) retire(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range p.open {
		if o == j {
			p.open = append(p.open[:i], p.open[i+1:]...)
			p.ready.Add(-1)
			return
		}
	}
}

// work runs chunks of j until none is left.
func (p *Pool) work(j *job) {
	defer func() {
		if v := recover(); v != nil {
			j.next.Store(j.n)
			p.mu.Lock()
			if !j.failed {
				j.failed, j.failure = true, v
			}
			p.mu.Unlock()
		}
	}()
	for i := j.next.Add(1) - 1; i < j.n; i = j.next.Add(1) - 1 {
		if p.delay != nil {
			p.delay()
		}
		j.f(int(i))
	}
}

// help is the life of one worker.
func (p *Pool) help() {
	for {
		for start := time.Now(); p.ready.Load() == 0 && time.Since(start) < spin; {
			p.pause()
		}
		p.mu.Lock()
		for len(p.open) == 0 {
			if p.closed {
				p.mu.Unlock()
				return
			}
			p.parked++
			p.wake.Wait()
			p.parked--
		}
		j := p.open[len(p.open)-1]
		j.helpers.Add(1)
		p.mu.Unlock()

		p.work(j)
		p.retire(j)

		p.mu.Lock()
		if j.helpers.Add(-1) == 0 && j.waiting {
			j.done <- struct{}{}
		}
		p.mu.Unlock()
	}
}

// pause lets some time pass, and others run where there are more goroutines
// than cores.
func (p *Pool) pause() {
	for range 32 {
		p.ready.Load() // keeps the loop from being optimised away
	}
	runtime.Gosched()
}
