package jinja

import "fmt"

// expr is an expression. Its value may be undefined: run.strict refuses that.
type expr interface{ eval(r *run) (value, error) }

type (
	literal struct{ v value }
	name    struct {
		text string
		line int
	}
	sequence struct {
		items []expr
		tuple bool
	}
	dictionary struct{ keys, values []expr }
	condition  struct{ test, then, other expr } // other: nil without an "else"
	logic      struct {
		or          bool
		left, right expr
	}
	negation struct {
		e        expr
		inverted bool
	}
	comparison struct {
		first expr
		ops   []string
		rest  []expr
	}
	arithmetic struct {
		op          string
		left, right expr
	}
	sign struct {
		e        expr
		negative bool
	}
	attribute struct {
		of   expr
		name string
		line int
	}
	item struct {
		of, at expr
		line   int
	}
	slice struct {
		of    expr
		parts [3]expr
		line  int
	}
	call struct {
		of   expr
		args argumentList
		line int
	}
	filtered struct {
		of     expr
		name   string
		filter filter
		args   argumentList
		line   int
	}
	tested struct {
		of       expr
		name     string
		test     test
		args     argumentList
		inverted bool
		line     int
	}
)

// enter evaluates an expression inside another.
func (r *run) enter(e expr) (value, error) {
	if r.depth++; r.depth > maxNest {
		return nil, fmt.Errorf("evaluates more than %d expressions inside each other", maxNest)
	}
	v, err := e.eval(r)
	r.depth--
	return v, err
}

// get evaluates an expression; with strict options what is undefined is an error
// that says why.
func (r *run) get(e expr) (value, error) {
	v, err := r.enter(e)
	if err == nil {
		err = r.refuse(v)
	}
	return v, err
}

// refuse returns the error of what is undefined, with strict options.
func (r *run) refuse(v value) error {
	if u, is := v.(undefined); is && !u.soft && !r.options.Lenient {
		return u
	}
	return nil
}

// operand evaluates what an operation needs the value of: what is undefined is an
// error whatever the options.
func (r *run) operand(e expr) (value, error) {
	v, err := r.enter(e)
	if u, is := v.(undefined); err == nil && is {
		err = u
	}
	return v, err
}

func (r *run) truth(e expr) (bool, error) {
	v, err := r.get(e)
	return truth(v), err
}

func (e literal) eval(r *run) (value, error) { return e.v, r.spend(0) }

func (e *name) eval(r *run) (value, error) {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		if v, ok := r.scopes[i][e.text]; ok {
			return v, r.spend(len(r.scopes) - 1 - i)
		}
	}
	if f, ok := r.function(e.text); ok {
		return f, r.spend(len(r.scopes))
	}
	return absent(e.line, "field %.128q is missing", e.text), r.spend(len(r.scopes) + itemWork)
}

func (r *run) all(list []expr) ([]value, error) {
	out, err := r.blank(len(list))
	if err != nil {
		return nil, err
	}
	for i, e := range list {
		if out[i], err = r.get(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (e *sequence) eval(r *run) (value, error) {
	items, err := r.all(e.items)
	if e.tuple {
		return tuple(items), err
	}
	return list(items), err
}

func (e *dictionary) eval(r *run) (value, error) {
	d := dict{}
	for i := range e.keys {
		key, err := r.get(e.keys[i])
		if err != nil {
			return nil, err
		}
		v, err := r.get(e.values[i])
		if err != nil {
			return nil, err
		}
		if err := d.put(r, key, v); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

func (e *condition) eval(r *run) (value, error) {
	yes, err := r.truth(e.test)
	switch {
	case err != nil:
		return nil, err
	case yes:
		return r.enter(e.then)
	case e.other == nil:
		return undefined{fmt.Errorf("a condition does not hold and has no \"else\""), true}, nil
	}
	return r.enter(e.other)
}

func (e *logic) eval(r *run) (value, error) {
	v, err := r.get(e.left)
	if err != nil || truth(v) == e.or {
		return v, err
	}
	return r.enter(e.right)
}

func (e *negation) eval(r *run) (value, error) {
	yes, err := r.truth(e.e)
	return yes != e.inverted, err
}

func (e *comparison) eval(r *run) (value, error) {
	left, err := r.get(e.first)
	if err != nil {
		return nil, err
	}
	for i, op := range e.ops {
		right, err := r.get(e.rest[i])
		if err != nil {
			return nil, err
		}
		yes, err := r.compare(op, left, right)
		if err != nil || !yes {
			return false, err
		}
		left = right
	}
	return true, nil
}

// compare applies one operator of comparison.
func (r *run) compare(op string, a, b value) (bool, error) {
	switch op {
	case "==", "!=":
		return r.equal(a, b) == (op == "=="), r.spend(0)
	case "in", "not in":
		in, err := r.contains(b, a)
		return in == (op == "in"), err
	}
	for _, v := range []value{a, b} {
		if u, is := v.(undefined); is {
			return false, u
		}
	}
	c, err := r.order(a, b)
	switch op {
	case "<":
		return c < 0, err
	case "<=":
		return c <= 0, err
	case ">":
		return c > 0, err
	}
	return c >= 0, err
}
