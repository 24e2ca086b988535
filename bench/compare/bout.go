package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"lamina/bench/workload"
	"lamina/kernels"
)

// bout is the run of one suite.
type bout struct {
	*options
	place    place
	commands map[string][]string
	document *document
	stop     chan os.Signal
	pool     map[string]*worker // by kind, threads and, where they are fresh, label
}

// longest is how long one measurement may take: compiling a model is one.
const longest = 30 * time.Minute

// suite measures the cases of a suite. Where one fails, or the user stops it, those before it
// come with the error.
func (b *bout) suite(s suite) ([]result, error) {
	b.document.machines = map[int]workload.Machine{}
	rounds := s.rounds
	if b.quick {
		rounds = s.quick
	}
	if b.rounds > 0 {
		rounds = b.rounds
	}
	var cases []measurement
	for _, m := range s.cases(b.options) {
		m.entries = slices.DeleteFunc(m.entries, b.skipped)
		if strings.Contains(m.name, b.filter) && slices.ContainsFunc(m.entries, isOurs) {
			cases = append(cases, m)
		}
	}
	var results []result
	err := b.cases(s.name, cases, rounds, &results)
	for i := range results {
		results[i].finish(cases[i], b.document.machines)
	}
	return results, err
}

// cases measures cases and appends what each came to, up to the first that fails.
func (b *bout) cases(suite string, cases []measurement, rounds int, results *[]result) error {
	for i, m := range cases {
		if i == 0 || m.fresh || i%8 == 0 || m.threads != cases[i-1].threads {
			for _, n := range m.threadCounts() {
				if err := b.machine(suite, n); err != nil {
					return err
				}
			}
		}
		begin := time.Now()
		r, err := b.measure(m, rounds)
		if err != nil {
			return err
		}
		*results = append(*results, r)
		if m.fresh {
			b.closeOthers()
		}
		fmt.Fprintf(os.Stderr, "%s: %s on %s: %.1f s\n", suite, m.name, threadsText(m.threads), time.Since(begin).Seconds())
	}
	for n := range b.document.machines { // once more at the end
		if err := b.machine(suite, n); err != nil {
			return err
		}
	}
	return nil
}

func isOurs(e entry) bool { return e.worker == oursName }

// skipped reports whether an entry is left out: by -skip, or because our backend has no such
// products, which the result says.
func (b *bout) skipped(e entry) bool {
	if isOurs(e) && !b.computes(e.precision) {
		return true
	}
	return slices.ContainsFunc(b.skip, func(text string) bool { return strings.Contains(e.label, text) })
}

// computes reports whether our backend has products of a precision; one that it has not is
// noted.
func (b *bout) computes(p kernels.Precision) bool {
	be, err := openOurs(1, p.String())
	if err == nil {
		be.Close()
		return true
	}
	if text := oursLabel(p) + ": " + err.Error(); !slices.Contains(b.document.Left, text) {
		b.document.Left = append(b.document.Left, text)
	}
	return false
}

// threadCounts returns the numbers of threads that entries run on.
func (m measurement) threadCounts() []int {
	var all []int
	for _, e := range m.entries {
		if !slices.Contains(all, e.threads) {
			all = append(all, e.threads)
		}
	}
	return all
}

// measure runs the rounds of a case, and more of them where they spread too far.
func (b *bout) measure(m measurement, rounds int) (result, error) {
	r := result{Suite: m.suite, Case: m.name, Threads: m.threads, Unit: m.unit}
	for _, e := range m.entries {
		r.Entries = append(r.Entries, entryResult{Label: e.label, Threads: e.threads, Absent: e.absent, ours: isOurs(e), precision: e.precision})
	}
	if err := b.roundsOf(m, &r, rounds); err != nil {
		return r, err
	}
	for r.judge(); r.Noisy && r.Repeats < repeats; r.judge() {
		r.Repeats++
		if err := b.roundsOf(m, &r, max(3, rounds/2)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// roundsOf asks the entries of a case in turn, another one first in each round. A contender
// that fails is out of this case, and the table says so; ours has to work.
func (b *bout) roundsOf(m measurement, r *result, rounds int) error {
	for round := range rounds {
		for i := range m.entries {
			i = (i + round) % len(m.entries)
			e, to := m.entries[i], &r.Entries[i]
			if e.absent || to.Error != "" || e.rounds > 0 && round >= e.rounds {
				continue
			}
			a, err := b.ask(e, m.fresh, e.fields...)
			switch {
			case errors.Is(err, errStopped) || err != nil && to.ours:
				return err
			case err != nil:
				fmt.Fprintf(os.Stderr, "%v\n", err)
				to.Error = err.Error()
			case !(a.Seconds > 0) || math.IsInf(a.Seconds, 0):
				return fmt.Errorf("%s: %v: %v seconds", e.label, e.fields, a.Seconds)
			default:
				to.add(a, m.amount)
			}
		}
	}
	return nil
}

var errStopped = errors.New("stopped")

// pause lets the threads of the process that was asked last go to sleep.
const pause = 10 * time.Millisecond

// ask sends a request to the worker of an entry, which is started if need be.
func (b *bout) ask(e entry, fresh bool, fields ...any) (answer, error) {
	select {
	case <-b.stop:
		return answer{}, errStopped
	default:
	}
	key := fmt.Sprintf("%s-%d", e.worker, e.threads)
	if isOurs(e) && e.precision != kernels.PrecisionF32 {
		key += "-" + e.precision.String()
	}
	if fresh {
		key += "-" + strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, e.label)
	}
	w := b.pool[key]
	if w == nil {
		c := b.contender(e)
		c.name = key
		var err error
		if w, err = startWorker(c, b.place.path("logs")); err != nil {
			return answer{}, err
		}
		w.fresh = fresh
		b.pool[key] = w
		if !slices.Contains(b.document.Versions, w.version) {
			b.document.Versions = append(b.document.Versions, w.version)
		}
	}
	time.Sleep(pause)
	return w.ask(longest, fields...)
}

// goPeers are the contenders that are Go: they are told their threads and pin none.
var goPeers = []string{"gonum", "gomlx"}

// contender says how an entry's process is started. Threads of OpenMP are pinned
// where there are several: left alone, two may stay on one core for a while.
func (b *bout) contender(e entry) contender {
	n := fmt.Sprint(e.threads)
	c := contender{command: slices.Clone(b.commands[e.worker])}
	for _, name := range []string{"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"} {
		c.env = append(c.env, name+"="+n)
	}
	switch {
	case isOurs(e):
		c.command = append(c.command, n, e.precision.String())
	case slices.Contains(goPeers, e.worker):
		c.command = append(c.command, n)
	case e.worker != "llama" && e.threads > 1:
		c.env = append(c.env, "OMP_PROC_BIND=close", "OMP_PLACES=cores")
	}
	c.env = append(c.env, "TMPDIR="+b.place.dir, "TORCHINDUCTOR_CACHE_DIR="+b.place.path("inductor"))
	return c
}

// machine measures the limits on so many threads and keeps the best of the suite.
func (b *bout) machine(suite string, threads int) error {
	a, err := b.ask(entry{worker: oursName, threads: threads}, false, "machine")
	if err != nil {
		return err
	}
	best := workload.Machine(*a.Limits).Better(b.document.machines[threads])
	b.document.machines[threads] = best
	if b.document.Limits[threads] == nil {
		b.document.Limits[threads] = map[string]*limits{}
	}
	reached := limits(best)
	b.document.Limits[threads][suite] = &reached
	return nil
}

// closeOthers ends the processes of a case; those that measure the machine stay.
func (b *bout) closeOthers() {
	for key, w := range b.pool {
		if w.fresh {
			w.stop()
			delete(b.pool, key)
		}
	}
}

func (b *bout) closeAll() {
	for key, w := range b.pool {
		w.stop()
		delete(b.pool, key)
	}
}
