package jinja

import (
	"fmt"
	"unicode/utf8"
)

func (e *attribute) eval(r *run) (value, error) {
	v, err := r.operand(e.of)
	if err != nil {
		return nil, err
	}
	if hasMethod(v, e.name) {
		return method{v, e.name}, r.spend(0)
	}
	return r.field(v, e.name, e.line)
}

// field returns what v has under a name; a method only where nothing else has it.
func (r *run) field(v value, name string, line int) (value, error) {
	var found value
	ok := false
	switch v := v.(type) {
	case *dict:
		if at := v.find(r, name); at >= 0 {
			found, ok = (*v)[at].value, true
		}
	case *namespace:
		if at := v.fields.find(r, name); at >= 0 {
			found, ok = v.fields[at].value, true
		}
	case *loop:
		found, ok = v.field(name)
	}
	switch {
	case ok:
		return found, r.spend(0)
	case hasMethod(v, name):
		return method{v, name}, r.spend(0)
	}
	return absent(line, "%s has no field %.128q", kindOf(v), name), r.spend(0)
}

// absent is what is not there; line is 0 where a filter looks for it, which says
// its own.
func absent(line int, format string, args ...any) undefined {
	err := fmt.Errorf(format, args...)
	if line > 0 {
		err = fmt.Errorf("line %d: %w", line, err)
	}
	return undefined{error: err}
}

func (e *item) eval(r *run) (value, error) {
	v, err := r.operand(e.of)
	if err != nil {
		return nil, err
	}
	at, err := r.get(e.at)
	if err != nil {
		return nil, err
	}
	return r.item(v, at, e.line)
}

// item is v[at].
func (r *run) item(v, at value, line int) (value, error) {
	if name, is := at.(string); is {
		return r.field(v, name, line)
	}
	if d, is := v.(*dict); is {
		if i := d.find(r, at); i >= 0 {
			return (*d)[i].value, r.spend(i)
		}
	}
	i, whole := number(at).(int64)
	n, is, err := r.size(v)
	if err != nil {
		return nil, err
	}
	if !is || !whole {
		return absent(line, "%s has no item %s", kindOf(v), repr(at)), nil
	}
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return absent(line, "item %s of %d is missing", repr(at), n), nil
	}
	if s, is := v.(string); is {
		return characters(s, i, i+1), r.spend(len(s))
	}
	items, _ := ordered(v)
	return items[i], r.spend(0)
}

// size returns how many items a text, a list or a tuple has.
func (r *run) size(v value) (n int64, is bool, err error) {
	if s, is := v.(string); is {
		return int64(utf8.RuneCountInString(s)), true, r.spend(len(s))
	}
	items, is := ordered(v)
	return int64(len(items)), is, nil
}

// characters returns s[start:stop], which are in the text.
func characters(s string, start, stop int64) string {
	from, at := len(s), int64(0)
	for i := range s {
		if at == start {
			from = i
		}
		if at == stop {
			return s[min(from, i):i]
		}
		at++
	}
	return s[from:]
}

func (e *slice) eval(r *run) (value, error) {
	v, err := r.operand(e.of)
	if err != nil {
		return nil, err
	}
	var part [3]*int64
	for i, p := range e.parts {
		if p == nil {
			continue
		}
		at, err := r.operand(p)
		if err != nil {
			return nil, err
		}
		if n, is := number(at).(int64); is {
			part[i] = &n
		} else if at != nil {
			return nil, fmt.Errorf("line %d: a slice at %s", e.line, kindOf(at))
		}
	}
	n, is, err := r.size(v)
	if err != nil {
		return nil, err
	}
	if !is {
		return nil, fmt.Errorf("line %d: a slice of %s", e.line, kindOf(v))
	}
	start, stop, step, err := bounds(n, part)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", e.line, err)
	}
	if s, is := v.(string); is {
		if step == 1 {
			return characters(s, start, max(start, stop)), r.spend(len(s))
		}
		return r.stepped(s, start, stop, step)
	}
	from, _ := ordered(v)
	out := items{r: r, list: []value{}}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if err := out.add(from[i]); err != nil {
			return nil, err
		}
	}
	return like(v, out.list), nil
}

// stepped is s[start:stop:step], in bounds.
func (r *run) stepped(s string, start, stop, step int64) (value, error) {
	if err := r.grow(4 * len(s)); err != nil { // as characters
		return nil, err
	}
	from := []rune(s)
	w := writer{r: r}
	for i := start; w.err == nil && (step > 0 && i < stop || step < 0 && i > stop); i += step {
		w.rune(from[i])
	}
	return w.text()
}

// bounds is Python's slice.indices of n items.
func bounds(n int64, part [3]*int64) (start, stop, step int64, err error) {
	step = 1
	if part[2] != nil {
		step = *part[2]
	}
	if step == 0 {
		return 0, 0, 0, fmt.Errorf("a slice with step 0")
	}
	step = min(max(step, -n-1), n+1) // beyond the ends one step is as good as any
	low, high := int64(0), n
	start, stop = low, high
	if step < 0 {
		low, high = -1, n-1
		start, stop = high, low
	}
	for i, to := range []*int64{&start, &stop} {
		if part[i] == nil {
			continue
		}
		at := *part[i]
		if at < 0 {
			at = max(at+n, low)
		}
		*to = min(at, high)
	}
	return start, stop, step, nil
}

func (e *filtered) eval(r *run) (value, error) {
	v, err := r.enter(e.of)
	if err != nil {
		return nil, err
	}
	return e.apply(r, v)
}

// apply filters a value.
func (e *filtered) apply(r *run, v value) (value, error) {
	if err := r.refuse(v); err != nil && e.name != "default" && e.name != "d" {
		return nil, err
	}
	args, err := r.arguments(e.args)
	if err != nil {
		return nil, err
	}
	if v, err = r.filter(e.name, e.filter, v, args); err != nil {
		return nil, fmt.Errorf("line %d: filter %s: %w", e.line, e.name, err)
	}
	return v, nil
}

// filter calls a filter.
func (r *run) filter(name string, f filter, v value, args arguments) (value, error) {
	return r.builtin(name, v, args, func() (value, error) { return f(r, v, args) })
}

func (e *tested) eval(r *run) (value, error) {
	v, err := r.enter(e.of)
	if err != nil {
		return nil, err
	}
	args, err := r.arguments(e.args)
	if err != nil {
		return nil, err
	}
	yes, err := r.test(e.name, e.test, v, args.values)
	if err != nil {
		return nil, fmt.Errorf("line %d: test %s: %w", e.line, e.name, err)
	}
	return yes != e.inverted, nil
}
