package jinja

import (
	"fmt"
	"math"
)

func (e *sign) eval(r *run) (value, error) {
	v, err := r.operand(e.e)
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
	a, err := r.get(e.left)
	if err != nil {
		return nil, err
	}
	b, err := r.get(e.right)
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
		return r.joined(left, right)
	}
	for _, v := range []value{a, b} {
		if u, is := v.(undefined); is {
			return nil, u
		}
	}
	a, b = number(a), number(b)
	switch x := a.(type) {
	case string:
		if y, is := b.(string); is && op == "+" {
			return r.joined(x, y)
		}
	case list:
		if y, is := b.(list); is && op == "+" {
			both, err := r.blank(len(x) + len(y))
			copy(both, x)
			copy(both[min(len(x), len(both)):], y)
			return list(both), err
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
	switch v := v.(type) {
	case string:
		w := writer{r: r}
		w.repeat(v, int(n))
		text, err := w.text()
		return text, err, true
	case list:
		n = min(n, int64(r.byteMost/itemBytes)) // no more than is refused
		many, err := r.blank(len(v) * int(n))
		for at := 0; at < len(many); at += len(v) {
			copy(many[at:], v)
		}
		return list(many), err, true
	}
	return nil, nil, false
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
