// Package replay says how long work takes on a device without doing it: a recorder notes
// the calls of a pass that runs on nothing, and of each kind of call, same operation, same
// shapes and types, one is made on the device and measured.
//
//	r := replay.NewRecorder()
//	... the pass, on r ...
//	seconds, err := replay.Meter{Backend: be, Long: time.Second}.Seconds(ctx, r.Work())
//
// Invariants: nothing of the work's memory is touched, operands of a measured call are new
// ones full of zeros; what a call computes decides nothing; a kernel from outside
// ([kernels.Custom]) is not measured and counts for nothing.
package replay

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"lamina/kernels"
	"lamina/kernels/dry"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// Recorder is a backend without arithmetic, as [dry.Backend] is, that notes the calls made
// on it. It is not for concurrent use.
type Recorder struct {
	dry.Backend
	work Work
	at   map[string]int // in work, by key
}

// Work is calls by kind, in the order in which each first came.
type Work []Kind

// Kind is calls of one operation whose operands have the same shapes and types.
type Kind struct {
	Method string
	Count  int

	key  string
	args []reflect.Value
}

// NewRecorder returns a recorder that has noted nothing.
func NewRecorder() *Recorder {
	r := &Recorder{}
	r.Reset()
	r.Around = func(c intercept.Call) {
		key := keyOf(c)
		i, known := r.at[key]
		if !known {
			i = len(r.work)
			r.at[key] = i
			args := make([]reflect.Value, len(c.Args))
			for i, a := range c.Args { // slices are the caller's again afterwards
				args[i], _ = copied(reflect.ValueOf(a), func(t tensor.Tensor) (tensor.Tensor, error) { return t, nil })
			}
			r.work = append(r.work, Kind{Method: c.Method, key: key, args: args})
		}
		r.work[i].Count++
	}
	return r
}

// Queue implements kernels.Backend: what runs on a queue is noted too.
func (r *Recorder) Queue() (kernels.Backend, error) { return r, nil }

// Work returns the calls so far.
func (r *Recorder) Work() Work { return r.work }

// Reset forgets them.
func (r *Recorder) Reset() { r.work, r.at = nil, map[string]int{} }

// keyOf tells what the time of a call depends on: which operands are one is part of it.
func keyOf(c intercept.Call) string {
	var b strings.Builder
	b.WriteString(c.Method)
	seen := map[tensor.Tensor]int{}
	for _, a := range c.Args {
		describe(&b, reflect.ValueOf(a), seen)
	}
	return b.String()
}

func describe(b *strings.Builder, v reflect.Value, seen map[tensor.Tensor]int) {
	if t, ok := v.Interface().(tensor.Tensor); ok {
		n, again := seen[t]
		if !again {
			n = len(seen)
			seen[t] = n
		}
		fmt.Fprintf(b, " %d:%v%v", n, t.DType(), t.Shape())
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			describe(b, v.Field(i), seen)
		}
	case reflect.Slice, reflect.Array:
		fmt.Fprintf(b, " [%d", v.Len())
		for i := range v.Len() {
			describe(b, v.Index(i), seen)
		}
		b.WriteByte(']')
	case reflect.Int, reflect.Int32, reflect.Uint8, reflect.Bool: // functions are of 8 bits; scales and seeds do not count
		fmt.Fprintf(b, " %v", v.Interface())
	}
}

// Meter measures calls on a device.
type Meter struct {
	Backend kernels.Backend
	Long    time.Duration        // about how long all kinds are measured again and again; each is once at least
	Clock   func() time.Duration // since some moment; nil: the clock on the wall

	evict []byte // read through before a call is timed
}

// evicted is how many bytes are read through before a call is timed: in a pass, what a call
// reads was last touched a layer ago or more, and comes from memory.
const evicted = 16 << 20

// Seconds measures one call of each kind and returns, for each work, the sum over all its
// calls. A kind is measured once however many works have it, and of several times the
// fastest counts, since others on the machine can only make a call slower.
func (m Meter) Seconds(ctx context.Context, works ...Work) ([]float64, error) {
	if m.Clock == nil {
		begin := time.Now()
		m.Clock = func() time.Duration { return time.Since(begin) }
	}
	m.evict = make([]byte, evicted)
	fastest := map[string]float64{}
	end := time.Now().Add(m.Long)
	for round := 0; round == 0 || time.Now().Before(end); round++ {
		done := map[string]bool{}
		for _, k := range slices.Concat(works...) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if done[k.key] {
				continue
			}
			done[k.key] = true
			took, err := k.time(m)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.Method, err)
			}
			if before, ok := fastest[k.key]; !ok || took < before {
				fastest[k.key] = took
			}
		}
	}
	sums := make([]float64, len(works))
	for i, w := range works {
		for _, k := range w {
			sums[i] += float64(k.Count) * fastest[k.key]
		}
	}
	return sums, nil
}

// time makes a call twice and returns the seconds of the second.
func (k Kind) time(m Meter) (seconds float64, err error) {
	if k.Method == "Custom" {
		return 0, nil
	}
	made := map[tensor.Tensor]tensor.Tensor{{}: {}}
	defer func() {
		for _, t := range made {
			t.Free()
		}
	}()
	zeros := func(t tensor.Tensor) (tensor.Tensor, error) { // what is one operand is one again
		own, ok := made[t]
		if ok {
			return own, nil
		}
		own, err := tensor.New(m.Backend, t.DType(), t.Shape()...)
		if err == nil {
			made[t] = own
			own.SetRaw(make([]byte, own.Bytes()))
		}
		return own, err
	}
	args := make([]reflect.Value, len(k.args))
	for i, a := range k.args {
		if args[i], err = copied(a, zeros); err != nil {
			return 0, err
		}
	}
	call := reflect.ValueOf(m.Backend).MethodByName(k.Method)
	for range 2 {
		for i := 0; i < len(m.evict); i += 64 { // a cache line
			m.evict[i]++
		}
		begin := m.Clock()
		call.Call(args)
		if err := m.Backend.Sync(); err != nil {
			return 0, err
		}
		seconds = (m.Clock() - begin).Seconds()
	}
	return seconds, nil
}

// copied returns a copy of an argument with other tensors.
func copied(v reflect.Value, other func(tensor.Tensor) (tensor.Tensor, error)) (reflect.Value, error) {
	if t, ok := v.Interface().(tensor.Tensor); ok {
		t, err := other(t)
		return reflect.ValueOf(t), err
	}
	var c reflect.Value
	switch v.Kind() {
	case reflect.Struct:
		c = reflect.New(v.Type()).Elem()
		for i := range v.NumField() {
			f, err := copied(v.Field(i), other)
			if err != nil {
				return v, err
			}
			c.Field(i).Set(f)
		}
	case reflect.Slice:
		if v.IsNil() {
			return v, nil
		}
		c = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			e, err := copied(v.Index(i), other)
			if err != nil {
				return v, err
			}
			c.Index(i).Set(e)
		}
	default:
		return v, nil
	}
	return c, nil
}
