package jinja

import (
	"fmt"
	"strings"
	"unicode"
)

// test is what stands after "is".
type test func(r *run, v value, args []value) (bool, error)

// test applies a test. With strict options what is undefined can only be asked
// what it is.
func (r *run) test(name string, t test, v value, args []value) (bool, error) {
	if err := r.refuse(v); err != nil {
		switch name {
		case "sequence":
			return false, nil
		case "boolean", "callable", "defined", "false", "float", "integer", "mapping", "none", "number", "sameas", "string", "true", "undefined":
		default:
			return false, err
		}
	}
	is, err := r.builtin(name, v, arguments{values: args}, func() (value, error) { return t(r, v, args) })
	if err != nil {
		return false, err
	}
	return is.(bool), nil
}

const testNames = "boolean, callable, defined, divisibleby, eq, equalto, even, false, float, ge, greaterthan, gt, in, integer, iterable, le, lessthan, lower, lt, mapping, ne, none, number, odd, sameas, sequence, string, true, undefined, upper"

var tests = map[string]test{
	"defined":     func(_ *run, v value, _ []value) (bool, error) { _, is := v.(undefined); return !is, nil },
	"undefined":   func(_ *run, v value, _ []value) (bool, error) { _, is := v.(undefined); return is, nil },
	"none":        func(_ *run, v value, _ []value) (bool, error) { return v == nil, nil },
	"boolean":     func(_ *run, v value, _ []value) (bool, error) { _, is := v.(bool); return is, nil },
	"true":        func(_ *run, v value, _ []value) (bool, error) { b, is := v.(bool); return is && b, nil },
	"false":       func(_ *run, v value, _ []value) (bool, error) { b, is := v.(bool); return is && !b, nil },
	"string":      func(_ *run, v value, _ []value) (bool, error) { _, is := v.(string); return is, nil },
	"integer":     func(_ *run, v value, _ []value) (bool, error) { _, is := v.(int64); return is, nil },
	"float":       func(_ *run, v value, _ []value) (bool, error) { _, is := v.(float64); return is, nil },
	"number":      func(_ *run, v value, _ []value) (bool, error) { _, is := float(v); return is, nil },
	"mapping":     func(_ *run, v value, _ []value) (bool, error) { _, is := v.(*dict); return is, nil },
	"sequence":    func(_ *run, v value, _ []value) (bool, error) { return hasItems(v), nil },
	"iterable":    func(_ *run, v value, _ []value) (bool, error) { return hasItems(v), nil },
	"callable":    isCallable,
	"sameas":      sameAs,
	"lower":       func(r *run, v value, _ []value) (bool, error) { s, err := r.str(v); return isLower(s), err },
	"upper":       func(r *run, v value, _ []value) (bool, error) { s, err := r.str(v); return isUpper(s), err },
	"even":        func(_ *run, v value, _ []value) (bool, error) { return divides(v, []value{int64(2)}, 0) },
	"odd":         func(_ *run, v value, _ []value) (bool, error) { return divides(v, []value{int64(2)}, 1) },
	"divisibleby": func(_ *run, v value, args []value) (bool, error) { return divides(v, args, 0) },
	"eq":          comparing("=="), "equalto": comparing("=="), "ne": comparing("!="), "in": comparing("in"),
	"lt": comparing("<"), "le": comparing("<="), "gt": comparing(">"), "ge": comparing(">="),
	"lessthan": comparing("<"), "greaterthan": comparing(">"),
	"==": comparing("=="), "!=": comparing("!="), "<": comparing("<"), "<=": comparing("<="), ">": comparing(">"), ">=": comparing(">="),
}

// hasItems reports whether a loop can run over v.
func hasItems(v value) bool {
	switch v.(type) {
	case string, list, tuple, *dict, undefined:
		return true
	}
	return false
}

func isCallable(_ *run, v value, _ []value) (bool, error) {
	switch v.(type) {
	case method, function, *macro, undefined:
		return true, nil
	}
	return false, nil
}

// sameAs is "is" of Python for what there is one of: none, true and false.
func sameAs(r *run, v value, args []value) (bool, error) {
	if err := want(args, 1, 1); err != nil {
		return false, err
	}
	switch other := args[0].(type) {
	case nil:
		return v == nil, nil
	case bool:
		b, is := v.(bool)
		return is && b == other, nil
	}
	return false, fmt.Errorf("%s: want none, true or false", kindOf(args[0]))
}

// isLower is s.islower() of Python.
func isLower(s string) bool { return hasCase(s, unicode.IsLower, unicode.IsUpper) }

// isUpper is s.isupper() of Python.
func isUpper(s string) bool { return hasCase(s, unicode.IsUpper, unicode.IsLower) }

// hasCase reports whether some letter has the one case and none the other or that
// of titles.
func hasCase(s string, one, other func(rune) bool) bool {
	return strings.ContainsFunc(s, one) && !strings.ContainsFunc(s, other) && !strings.ContainsFunc(s, unicode.IsTitle)
}

func comparing(op string) test {
	return func(r *run, v value, args []value) (bool, error) {
		if err := want(args, 1, 1); err != nil {
			return false, err
		}
		return r.compare(op, v, args[0])
	}
}

// divides reports whether v leaves rest when divided by the argument.
func divides(v value, args []value, rest int64) (bool, error) {
	if err := want(args, 1, 1); err != nil {
		return false, err
	}
	x, isX := number(v).(int64)
	y, isY := number(args[0]).(int64)
	if !isX || !isY || y == 0 {
		return false, fmt.Errorf("%s by %s: want whole numbers", repr(v), repr(args[0]))
	}
	left, err := integers("%", x, y)
	return left == value(rest), err
}
