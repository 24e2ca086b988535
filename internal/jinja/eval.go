package jinja

import (
	"fmt"
	"math"
	"strings"
)

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

// strict evaluates an expression; what is undefined is an error that says why.
func (r *run) strict(e expr) (value, error) {
	v, err := e.eval(r)
	if u, is := v.(undefined); err == nil && is {
		err = u
	}
	return v, err
}

func (r *run) truth(e expr) (bool, error) {
	v, err := r.strict(e)
	return truth(v), err
}

func (e literal) eval(r *run) (value, error) { return e.v, r.spend(0) }

func (e *name) eval(r *run) (value, error) {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		if v, ok := r.scopes[i][e.text]; ok {
			return v, r.spend(0)
		}
	}
	if e.text == "range" {
		return method{nil, "range"}, nil
	}
	return undefined{fmt.Errorf("line %d: field %.128q is missing", e.line, e.text)}, nil
}

func (r *run) all(list []expr) ([]value, error) {
	out := make([]value, len(list))
	for i, e := range list {
		var err error
		if out[i], err = r.strict(e); err != nil {
			return nil, err
		}
	}
	return out, r.spend(len(out))
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
		key, err := r.strict(e.keys[i])
		if err != nil {
			return nil, err
		}
		v, err := r.strict(e.values[i])
		if err != nil {
			return nil, err
		}
		if err := r.spend(len(d)); err != nil {
			return nil, err
		}
		if at := d.find(r, key); at >= 0 {
			d[at].value = v
		} else {
			d = append(d, entry{key, v})
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
		return e.then.eval(r)
	case e.other == nil:
		return undefined{fmt.Errorf("a condition does not hold and has no \"else\"")}, nil
	}
	return e.other.eval(r)
}

func (e *logic) eval(r *run) (value, error) {
	v, err := r.strict(e.left)
	if err != nil || truth(v) == e.or {
		return v, err
	}
	return e.right.eval(r)
}

func (e *negation) eval(r *run) (value, error) {
	yes, err := r.truth(e.e)
	return yes != e.inverted, err
}

func (e *comparison) eval(r *run) (value, error) {
	left, err := r.strict(e.first)
	if err != nil {
		return nil, err
	}
	for i, op := range e.ops {
		right, err := r.strict(e.rest[i])
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

func (e *sign) eval(r *run) (value, error) {
	v, err := r.strict(e.e)
	if err != nil {
		return nil, err
	}
	if b, is := v.(bool); is {
		v = number(b)
	}
	switch v := v.(type) {
	case int64:
		if e.negative {
			return -v, nil
		}
		return v, nil
	case float64:
		if e.negative {
			return -v, nil
		}
		return v, nil
	}
	return nil, fmt.Errorf("a sign before %s", kindOf(v))
}

func (e *arithmetic) eval(r *run) (value, error) {
	a, err := r.strict(e.left)
	if err != nil {
		return nil, err
	}
	b, err := r.strict(e.right)
	if err != nil {
		return nil, err
	}
	return r.arithmetic(e.op, a, b)
}

func (r *run) arithmetic(op string, a, b value) (value, error) {
	if op == "~" {
		left, err := r.str(a)
		if err != nil {
			return nil, err
		}
		right, err := r.str(b)
		if err != nil {
			return nil, err
		}
		return left + right, r.spend(len(left) + len(right))
	}
	a, b = number(a), number(b)
	switch x := a.(type) {
	case string:
		if y, is := b.(string); is && op == "+" {
			return x + y, r.spend(len(x) + len(y))
		}
	case list:
		if y, is := b.(list); is && op == "+" {
			return append(append(list{}, x...), y...), r.spend(itemWork * (len(x) + len(y)))
		}
	case int64:
		if y, is := b.(int64); is && op != "/" {
			return integers(op, x, y)
		}
	}
	if op == "*" {
		if n, is := a.(int64); is {
			if v, err, ok := r.repeat(b, n); ok {
				return v, err
			}
		}
		if n, is := b.(int64); is {
			if v, err, ok := r.repeat(a, n); ok {
				return v, err
			}
		}
	}
	x, isX := float(a)
	y, isY := float(b)
	if !isX || !isY {
		return nil, fmt.Errorf("%s %s %s: Python has no such operation here", kindOf(a), op, kindOf(b))
	}
	return floats(op, x, y)
}

// repeat returns a text or a list n times.
func (r *run) repeat(v value, n int64) (value, error, bool) {
	n = max(n, 0)
	size := 0
	switch v := v.(type) {
	case string:
		size = len(v)
	case list:
		size = itemWork * len(v)
	default:
		return nil, nil, false
	}
	if n > maxWork || r.spend(size*int(n)) != nil {
		return nil, fmt.Errorf("does more than %d steps", maxWork), true
	}
	if s, is := v.(string); is {
		return strings.Repeat(s, int(n)), nil, true
	}
	out := list{}
	for range n {
		out = append(out, v.(list)...)
	}
	return out, nil, true
}

// integers applies an operator to whole numbers as Python does: division rounds
// down. What does not fit 64 bits is an error.
func integers(op string, x, y int64) (value, error) {
	if (op == "//" || op == "%") && y == 0 {
		return nil, fmt.Errorf("division by zero")
	}
	var z int64
	ok := true
	switch op {
	case "+":
		z = x + y
		ok = (z > x) == (y > 0)
	case "-":
		z = x - y
		ok = (z < x) == (y > 0)
	case "*":
		z = x * y
		ok = x == 0 || z/x == y && (x != -1 || y != math.MinInt64)
	case "//", "%":
		z = x % y
		if z != 0 && (z < 0) != (y < 0) {
			z += y
		}
		if op == "//" {
			z = (x - z) / y
		}
	case "**":
		if y < 0 {
			return math.Pow(float64(x), float64(y)), nil
		}
		f := math.Pow(float64(x), float64(y))
		if ok = math.Abs(f) < 1<<53; ok {
			z = int64(f)
		}
	}
	if !ok {
		return nil, fmt.Errorf("%d %s %d does not fit 64 bits", x, op, y)
	}
	return z, nil
}

func floats(op string, x, y float64) (value, error) {
	if y == 0 && (op == "/" || op == "//" || op == "%") {
		return nil, fmt.Errorf("division by zero")
	}
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "/":
		return x / y, nil
	case "**":
		return math.Pow(x, y), nil
	}
	rest := math.Mod(x, y)
	if rest != 0 && (rest < 0) != (y < 0) {
		rest += y
	}
	if op == "%" {
		return rest, nil
	}
	return math.Floor((x-rest)/y + 0.5), nil
}
