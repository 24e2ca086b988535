package jinja

import (
	"fmt"
	"slices"
)

type (
	// function is what a template can call that is no method.
	function struct {
		name string
		call func(r *run, args arguments) (value, error)
	}
	// namespace is what fields can be set of, inside loops too.
	namespace struct{ fields dict }
	// macro is a macro with the scopes it was written in.
	macro struct {
		*macroStatement
		scopes []map[string]value
	}
)

type macroStatement struct {
	name     string
	names    []string
	defaults []expr // nil where a name has none
	body     []statement
}

func (s macroStatement) do(r *run) error {
	scopes, err := r.enclosing(r.scopes)
	if err == nil {
		r.scopes[len(r.scopes)-1][s.name] = &macro{&s, scopes}
	}
	return err
}

// function returns the function of a name that no variable has.
func (r *run) function(name string) (function, bool) {
	switch name {
	case "range":
		return function{name, func(r *run, args arguments) (value, error) {
			if len(args.named) > 0 {
				return nil, errNames
			}
			return r.numbers(args.values)
		}}, true
	case "dict":
		return function{name, func(r *run, args arguments) (value, error) {
			d, err := r.dictOf(args)
			return &d, err
		}}, true
	case "namespace":
		return function{name, func(r *run, args arguments) (value, error) {
			d, err := r.dictOf(args)
			return &namespace{d}, err
		}}, true
	}
	call, ok := r.options.Functions[name]
	return function{name, func(r *run, args arguments) (value, error) {
		if err := want(args.values, 1, 1); err != nil {
			return nil, err
		}
		text, err := r.str(args.values[0])
		if err != nil {
			return nil, err
		}
		return call(text)
	}}, ok
}

var errNames = fmt.Errorf("arguments with names are not known")

// dictOf is dict(...): of an object, pairs or nothing, and of arguments with names.
func (r *run) dictOf(args arguments) (d dict, err error) {
	if err := want(args.values, 0, 1); err != nil {
		return nil, err
	}
	if len(args.values) == 1 {
		if from, is := args.values[0].(*dict); is {
			if d, err = r.copied(*from); err != nil {
				return nil, err
			}
		} else if d, err = r.pairs(args.values[0]); err != nil {
			return nil, err
		}
	}
	for _, a := range args.named {
		if err := d.put(r, a.name, a.value); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// pairs makes an object of pairs.
func (r *run) pairs(v value) (d dict, err error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	for _, v := range items {
		pair, err := r.items(v)
		if err == nil && len(pair) != 2 {
			err = fmt.Errorf("%d values, want a name and a value", len(pair))
		}
		if err == nil {
			err = d.put(r, pair[0], pair[1])
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

// call is a method, a function or a macro with its arguments.
func (e *call) eval(r *run) (value, error) {
	of, err := r.operand(e.of)
	if err != nil {
		return nil, err
	}
	args, err := r.arguments(e.args)
	if err != nil {
		return nil, err
	}
	var v value
	var name string
	switch of := of.(type) {
	case method:
		name = of.name
		if err = errNames; len(args.named) == 0 {
			v, err = r.builtin(name, of.of, args, func() (value, error) { return r.method(of, args.values) })
		}
	case function:
		name = of.name
		v, err = r.builtin(name, nil, args, func() (value, error) { return of.call(r, args) })
	case *macro: // what goes wrong inside has a line of its own
		scope, err := of.scope(r, args)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", e.line, of.name, err)
		}
		return of.call(r, scope)
	default:
		return nil, fmt.Errorf("line %d: %s cannot be called", e.line, kindOf(of))
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", e.line, name, err)
	}
	return v, nil
}

// scope returns the names of a call of the macro that it gives values.
func (m *macro) scope(r *run, args arguments) (map[string]value, error) {
	if r.calls == maxCalls {
		return nil, fmt.Errorf("macros call macros, more than %d deep", maxCalls)
	}
	if err := want(args.values, 0, len(m.names)); err != nil {
		return nil, err
	}
	scope, err := r.newScope()
	if err != nil {
		return nil, err
	}
	for i, v := range args.values {
		scope[m.names[i]] = v
	}
	for _, a := range args.named {
		if _, twice := scope[a.name]; twice || !slices.Contains(m.names, a.name) {
			return nil, fmt.Errorf("the argument %.64q is not known, or comes twice", a.name)
		}
		scope[a.name] = a.value
	}
	return scope, r.spend(itemWork * (len(m.names) + 1) * (len(args.named) + 1))
}

// call returns what the macro writes with the names in scope.
func (m *macro) call(r *run, scope map[string]value) (value, error) {
	scopes, err := r.enclosing(m.scopes)
	if err != nil {
		return nil, err
	}
	outer := r.scopes
	r.scopes = append(scopes, scope)
	r.calls++
	defer func() { r.scopes = outer; r.calls-- }()
	for i, name := range m.names {
		if _, ok := scope[name]; ok {
			continue
		}
		scope[name] = undefined{error: fmt.Errorf("the argument %.64q of %.64s is missing", name, m.name)}
		if m.defaults[i] != nil {
			v, err := m.defaults[i].eval(r)
			if err != nil {
				return nil, err
			}
			scope[name] = v
		}
	}
	return r.capture(m.body)
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
	out := items{r: r, list: []value{}}
	for i := start; step > 0 && i < limits[0] || step < 0 && i > limits[0]; i += step {
		if err := out.add(i); err != nil {
			return nil, err
		}
		if i+step > i != (step > 0) {
			break // past the end of 64 bits
		}
	}
	return list(out.list), nil
}

// arguments are the values that a call, filter or test gets.
type arguments struct {
	values []value
	named  []argument
}

type argument struct {
	name  string
	value value
}

func (r *run) arguments(a argumentList) (arguments, error) {
	values, err := r.all(a.values)
	if err != nil || a.names == nil {
		return arguments{values: values}, err
	}
	plain := len(values) - len(a.names)
	out := arguments{values: values[:plain]}
	for i, name := range a.names {
		out.named = append(out.named, argument{name, values[plain+i]})
	}
	return out, nil
}

// get returns argument i, or the one of a name.
func (a arguments) get(i int, name string) (value, bool) {
	if i < len(a.values) {
		return a.values[i], true
	}
	for _, one := range a.named {
		if one.name == name {
			return one.value, true
		}
	}
	return nil, false
}
