package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"time"

	"lamina/bench/attack/mutate"
	"lamina/internal/files"
)

// door is the process of one reader: it makes mutants, gives them to the reader one at a
// time, and writes a result to standard output.
type door struct {
	reader
	mutator *mutate.Mutator
	source  string // the module
	inputs  string
	work    string
	seed    uint64

	begun    atomic.Int64 // when the mutant at hand was begun, in nanoseconds
	data     []byte       // the mutant at hand
	shallow  map[string]bool
	result   result
	progress *os.File
}

// alone makes what the attack would have made for the process, and runs it.
func (d *door) alone(ctx context.Context, o options, from, count int) error {
	if d.inputs != "" {
		return d.run(from, count, os.Stdout)
	}
	l, err := newLab(ctx, o)
	if err != nil {
		return err
	}
	defer l.close()
	d.source = l.source
	if d.inputs, err = l.seeded(ctx); err != nil {
		return err
	}
	if d.work, err = l.dir(); err != nil {
		return err
	}
	return d.run(from, count, os.Stdout)
}

func (d *door) run(from, count int, w io.Writer) (err error) {
	at := slices.IndexFunc(readers, func(r reader) bool { return r.name == d.name })
	if at < 0 {
		return fmt.Errorf("-door %q: no such reader", d.name)
	}
	d.reader = readers[at]
	if d.mutator, err = d.reader.mutator(d.source, d.inputs); err != nil {
		return err
	}
	if d.like != "" {
		if err := copyTree(filepath.Join(d.inputs, d.like), filepath.Join(d.work, "at")); err != nil {
			return err
		}
	} else if err := os.MkdirAll(filepath.Join(d.work, "at"), 0o755); err != nil {
		return err
	}
	if d.progress, err = os.Create(filepath.Join(d.work, progressFile)); err != nil {
		return err
	}
	d.learn()
	goroutines := runtime.NumGoroutine()
	go d.watch()
	for i := from; i < from+count; i++ {
		if err := d.one(i); err != nil {
			return err
		}
	}
	d.begun.Store(0)
	for range 100 {
		if runtime.NumGoroutine() <= goroutines+1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine() - goroutines - 1; n > 0 {
		d.fault(from, memory, fmt.Sprintf("%d goroutines are left after %d mutants", n, count))
	}
	return json.NewEncoder(w).Encode(d.result)
}

// fault notes one, and keeps the mutant beside the progress.
func (d *door) fault(at int, kind faultKind, what string) {
	name := filepath.Join(d.work, fmt.Sprintf("mutant-%d", at))
	if err := os.WriteFile(name, d.data, 0o644); err != nil {
		what += ": " + err.Error()
	}
	d.result.Faults = append(d.result.Faults, failed{at, kind, what})
}

// watch gives up when a mutant takes far too long.
func (d *door) watch() {
	for range time.Tick(100 * time.Millisecond) {
		if begun := d.begun.Load(); begun > 0 && time.Since(time.Unix(0, begun)) > mutantEnd {
			fmt.Fprintf(os.Stderr, "%s within %v\n", tooLong, mutantEnd)
			os.Exit(3)
		}
	}
}

// learn notes what the reader says of what is nothing at all: errors that come before
// anything of the structure is looked at.
func (d *door) learn() {
	d.shallow = map[string]bool{}
	seed := d.mutator.Seeds[0]
	for _, data := range [][]byte{{}, []byte("x"), bytes.Repeat([]byte{0xff, 0, 'z'}, 40), seed[:min(4, len(seed))], []byte("null"), []byte("[]")} {
		if err := d.give(data); err != nil {
			d.shallow[plain(err)] = true
		}
	}
}

var varying = regexp.MustCompile(`[0-9]+|"[^"]*"`)

// plain is an error without its numbers and names.
func plain(err error) string { return varying.ReplaceAllString(err.Error(), "_") }

// one gives the reader mutant i, and measures.
func (d *door) one(i int) error {
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], uint64(i))
	if _, err := d.progress.WriteAt(number[:], 0); err != nil {
		return err
	}
	data := d.mutator.Next(rand.New(rand.NewPCG(d.seed, uint64(i))))
	d.data = data
	if err := d.put(data); err != nil {
		return err
	}
	took, spent, err := d.measured(i, data)
	if took > mutantLimit {
		took, _, _ = d.measured(i, data) // another process may have had the processor
	}
	if took > mutantLimit {
		d.fault(i, hang, fmt.Sprintf("%.1f s for %d bytes", took.Seconds(), len(data)))
	}
	most := 16*float64(len(data)) + spareBytes
	if float64(spent) > most {
		if peak := d.peak(data); float64(peak) > most {
			d.fault(i, memory, fmt.Sprintf("a peak of %d MB for %d bytes", peak>>20, len(data)))
		}
	}
	s := &d.result
	s.Done++
	s.Slowest, s.Most, s.Bar = max(s.Slowest, took.Seconds()), max(s.Most, spent), max(s.Bar, float64(spent)/most)
	switch {
	case err == nil:
		s.Taken++
		s.Beyond++
	case errors.Is(err, errReached) || !d.shallow[plain(err)]:
		s.Beyond++
	}
	return nil
}

// put writes a mutant where the reader looks for it.
func (d *door) put(data []byte) error {
	if d.file == "" {
		return nil
	}
	dir := filepath.Join(d.work, "at")
	if err := os.WriteFile(filepath.Join(dir, d.file), data, 0o644); err != nil || !d.sealed {
		return err
	}
	if err := os.Remove(filepath.Join(dir, files.Manifest)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return files.Seal(dir)
}

func (d *door) measured(i int, data []byte) (took time.Duration, spent int64, err error) {
	before, begun := allocated(), time.Now()
	d.begun.Store(begun.UnixNano())
	defer func() {
		if p := recover(); p != nil {
			d.fault(i, panics, fmt.Sprintf("%v\n%s", p, debug.Stack()))
			err = errors.New("panic")
		}
		took, spent = time.Since(begun), allocated()-before
	}()
	err = d.read(filepath.Join(d.work, "at"), data)
	return
}

// give is the reader alone, with a mutant of its own.
func (d *door) give(data []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := d.put(data); err != nil {
		return err
	}
	return d.read(filepath.Join(d.work, "at"), data)
}

func sample(name string) int64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

func allocated() int64 { return sample("/gc/heap/allocs:bytes") }

// peak runs the reader again with a diligent collector, and looks at the heap meanwhile.
func (d *door) peak(data []byte) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	const inUse = "/memory/classes/heap/objects:bytes"
	before := sample(inUse)
	stop, most := make(chan bool), make(chan int64)
	go func() {
		high := before
		for {
			select {
			case <-stop:
				most <- max(high, sample(inUse))
				return
			case <-time.After(100 * time.Microsecond):
				high = max(high, sample(inUse))
			}
		}
	}()
	d.give(data)
	close(stop)
	return <-most - before
}
