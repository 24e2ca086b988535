package jinja

import "fmt"

func (e *attribute) eval(r *run) (value, error) {
	v, err := r.strict(e.of)
	if err != nil {
		return nil, err
	}
	if hasMethod(v, e.name) {
		return method{v, e.name}, r.spend(0)
	}
	if d, is := v.(*dict); is {
		if at := d.find(r, e.name); at >= 0 {
			return (*d)[at].value, r.spend(at)
		}
	}
	return undefined{fmt.Errorf("line %d: %s has no field %.128q", e.line, kindOf(v), e.name)}, nil
}

func (e *item) eval(r *run) (value, error) {
	v, err := r.strict(e.of)
	if err != nil {
		return nil, err
	}
	at, err := r.strict(e.at)
	if err != nil {
		return nil, err
	}
	if d, is := v.(*dict); is {
		if i := d.find(r, at); i >= 0 {
			return (*d)[i].value, r.spend(i)
		}
	}
	if name, is := at.(string); is {
		if hasMethod(v, name) {
			return method{v, name}, nil
		}
		return undefined{fmt.Errorf("line %d: %s has no field %.128q", e.line, kindOf(v), name)}, nil
	}
	items, is := r.sequence(v)
	i, whole := number(at).(int64)
	if !is || !whole {
		return undefined{fmt.Errorf("line %d: %s has no item %s", e.line, kindOf(v), repr(at))}, nil
	}
	n := int64(len(items))
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return undefined{fmt.Errorf("line %d: item %s of %d is missing", e.line, repr(at), n)}, nil
	}
	return items[i], r.spend(0)
}

func (e *slice) eval(r *run) (value, error) {
	v, err := r.strict(e.of)
	if err != nil {
		return nil, err
	}
	var part [3]*int64
	for i, p := range e.parts {
		if p == nil {
			continue
		}
		at, err := r.strict(p)
		if err != nil {
			return nil, err
		}
		if n, is := number(at).(int64); is {
			part[i] = &n
		} else if at != nil {
			return nil, fmt.Errorf("line %d: a slice at %s", e.line, kindOf(at))
		}
	}
	items, is := r.sequence(v)
	if !is {
		return nil, fmt.Errorf("line %d: a slice of %s", e.line, kindOf(v))
	}
	start, stop, step, err := bounds(int64(len(items)), part)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", e.line, err)
	}
	out := []value{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		out = append(out, items[i])
	}
	return like(v, out), r.spend(itemWork * len(out))
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

// call is a method, or range.
func (e *call) eval(r *run) (value, error) {
	of, err := r.strict(e.of)
	if err != nil {
		return nil, err
	}
	m, is := of.(method)
	if !is {
		return nil, fmt.Errorf("line %d: %s cannot be called", e.line, kindOf(of))
	}
	args, err := r.arguments(e.args)
	if err != nil {
		return nil, err
	}
	if len(args.named) > 0 {
		return nil, fmt.Errorf("line %d: %s: arguments with names are not known", e.line, m.name)
	}
	var v value
	if m.of == nil {
		v, err = r.numbers(args.values)
	} else {
		v, err = r.method(m, args.values)
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", e.line, m.name, err)
	}
	return v, nil
}

// numbers is range(...).
func (r *run) numbers(args []value) (value, error) {
	limits := make([]int64, len(args))
	for i, v := range args {
		n, is := number(v).(int64)
		if !is {
			return nil, fmt.Errorf("%s, want a whole number", kindOf(v))
		}
		limits[i] = n
	}
	start, step := int64(0), int64(1)
	switch len(limits) {
	case 1:
	case 2, 3:
		start = limits[0]
		if len(limits) == 3 {
			step = limits[2]
		}
		limits = limits[1:]
	default:
		return nil, fmt.Errorf("%d arguments, want 1 to 3", len(args))
	}
	if step == 0 {
		return nil, fmt.Errorf("step 0")
	}
	out := list{}
	for i := start; step > 0 && i < limits[0] || step < 0 && i > limits[0]; i += step {
		if err := r.spend(itemWork); err != nil {
			return nil, err
		}
		out = append(out, i)
		if i+step > i != (step > 0) {
			break // past the end of 64 bits
		}
	}
	return out, nil
}

// arguments are the values that a call, filter or test gets.
type arguments struct {
	values []value
	named  map[string]value
}

func (r *run) arguments(a argumentList) (arguments, error) {
	values, err := r.all(a.values)
	if err != nil || a.names == nil {
		return arguments{values: values}, err
	}
	plain := len(values) - len(a.names)
	out := arguments{values[:plain], map[string]value{}}
	for i, name := range a.names {
		out.named[name] = values[plain+i]
	}
	return out, nil
}

// get returns argument i, or the one of a name.
func (a arguments) get(i int, name string) (value, bool) {
	if i < len(a.values) {
		return a.values[i], true
	}
	v, ok := a.named[name]
	return v, ok
}

func (e *filtered) eval(r *run) (value, error) {
	v, err := e.of.eval(r)
	if err != nil {
		return nil, err
	}
	if u, is := v.(undefined); is && e.name != "default" && e.name != "d" {
		return nil, u
	}
	args, err := r.arguments(e.args)
	if err != nil {
		return nil, err
	}
	if v, err = e.filter(r, v, args); err != nil {
		return nil, fmt.Errorf("line %d: filter %s: %w", e.line, e.name, err)
	}
	return v, r.spend(0)
}

func (e *tested) eval(r *run) (value, error) {
	v, err := e.of.eval(r)
	if err != nil {
		return nil, err
	}
	if u, is := v.(undefined); is && e.name != "defined" && e.name != "undefined" {
		return nil, u
	}
	args, err := r.arguments(e.args)
	if err != nil {
		return nil, err
	}
	yes, err := e.test(r, v, args.values)
	if err != nil {
		return nil, fmt.Errorf("line %d: test %s: %w", e.line, e.name, err)
	}
	return yes != e.inverted, nil
}
