package jinja

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// filter is what stands after "|".
type filter func(r *run, v value, args arguments) (value, error)

// test is what stands after "is".
type test func(r *run, v value, args []value) (bool, error)

const filterNames = "abs, count, d, default, first, float, int, join, last, length, list, lower, map, max, min, reject, replace, reverse, select, sort, string, sum, trim, upper"

// filterOf returns the filter of a name, nil if there is none.
func filterOf(name string) filter {
	switch name {
	case "map":
		return mapped
	case "join":
		return joined
	case "select", "reject":
		return func(r *run, v value, args arguments) (value, error) { return selected(r, v, args, name == "select") }
	}
	return filters[name]
}

// filters are those that know no others.
var filters = map[string]filter{
	"abs": func(_ *run, v value, _ arguments) (value, error) {
		switch v := number(v).(type) {
		case int64:
			return max(v, -v), nil
		case float64:
			return max(v, -v), nil
		}
		return nil, fmt.Errorf("%s, want a number", kindOf(v))
	},
	"count": length, "length": length,
	"d": otherwise, "default": otherwise,
	"first": func(r *run, v value, _ arguments) (value, error) { return edge(r, v, false) },
	"last":  func(r *run, v value, _ arguments) (value, error) { return edge(r, v, true) },
	"int":   toInt, "float": toFloat,
	"list": func(r *run, v value, _ arguments) (value, error) {
		items, err := r.items(v)
		return list(slices.Clone(items)), err
	},
	"lower":   func(r *run, v value, _ arguments) (value, error) { s, err := r.str(v); return lower(s), err },
	"upper":   func(r *run, v value, _ arguments) (value, error) { s, err := r.str(v); return upper(s), err },
	"string":  func(r *run, v value, _ arguments) (value, error) { return r.str(v) },
	"max":     func(r *run, v value, _ arguments) (value, error) { return extreme(r, v, 1) },
	"min":     func(r *run, v value, _ arguments) (value, error) { return extreme(r, v, -1) },
	"sort":    sorted,
	"sum":     sum,
	"reverse": reversed,
	"replace": func(r *run, v value, args arguments) (value, error) {
		s, err := r.str(v)
		if err == nil {
			err = want(args.values, 2, 3)
		}
		if err != nil {
			return nil, err
		}
		old, err := text(args.values, 0)
		if err != nil {
			return nil, err
		}
		return r.replace(s, old, args.values)
	},
	"trim": func(r *run, v value, args arguments) (value, error) {
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		set, err := text(args.values, 0)
		return strings.TrimFunc(s, inSet(args.values, set)), err
	},
}

func length(r *run, v value, _ arguments) (value, error) {
	if s, is := v.(string); is {
		return int64(utf8.RuneCountInString(s)), r.spend(len(s))
	}
	items, err := r.items(v)
	return int64(len(items)), err
}

// otherwise is default: for what is undefined, or false if its second argument is
// true.
func otherwise(_ *run, v value, args arguments) (value, error) {
	other, ok := args.get(0, "default_value")
	if !ok {
		other = ""
	}
	all, _ := args.get(1, "boolean")
	if _, is := v.(undefined); is || truth(all) && !truth(v) {
		return other, nil
	}
	return v, nil
}

func edge(r *run, v value, last bool) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	switch {
	case len(items) == 0:
		return undefined{fmt.Errorf("an empty %s has no first and no last item", strings.TrimPrefix(kindOf(v), "a "))}, nil
	case last:
		return items[len(items)-1], nil
	}
	return items[0], nil
}

// toInt is int(v), or the argument (0) where that fails.
func toInt(_ *run, v value, args arguments) (value, error) {
	other, ok := args.get(0, "default")
	if !ok {
		other = int64(0)
	}
	switch v := number(v).(type) {
	case int64:
		return v, nil
	case float64:
		if v > -1<<62 && v < 1<<62 {
			return int64(v), nil
		}
	case string:
		s := strings.ReplaceAll(strings.TrimFunc(v, isSpace), "_", "")
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, nil
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && f > -1<<62 && f < 1<<62 {
			return int64(f), nil
		}
	}
	return other, nil
}

func toFloat(_ *run, v value, args arguments) (value, error) {
	other, ok := args.get(0, "default")
	if !ok {
		other = 0.0
	}
	if f, is := float(v); is {
		return f, nil
	}
	if s, is := v.(string); is {
		if f, err := strconv.ParseFloat(strings.TrimFunc(s, isSpace), 64); err == nil {
			return f, nil
		}
	}
	return other, nil
}

func joined(r *run, v value, args arguments) (value, error) {
	sep, ok := args.get(0, "d")
	if !ok {
		sep = ""
	}
	glue, err := r.str(sep)
	if err != nil {
		return nil, err
	}
	if field, ok := args.get(1, "attribute"); ok {
		if v, err = mapped(r, v, arguments{named: map[string]value{"attribute": field}}); err != nil {
			return nil, err
		}
	}
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	texts := make(list, len(items))
	for i, v := range items {
		if texts[i], err = r.str(v); err != nil {
			return nil, err
		}
	}
	return r.join(glue, texts)
}

// extreme returns the largest (sign 1) or smallest item; texts count without case.
func extreme(r *run, v value, sign int) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return undefined{fmt.Errorf("no items")}, nil
	}
	best := items[0]
	for _, v := range items[1:] {
		c, err := r.order(folded(v), folded(best))
		if err != nil {
			return nil, err
		}
		if c*sign > 0 {
			best = v
		}
	}
	return best, nil
}

// folded is a text in lower case.
func folded(v value) value {
	if s, is := v.(string); is {
		return lower(s)
	}
	return v
}

func sorted(r *run, v value, args arguments) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	down, _ := args.get(0, "reverse")
	exact, _ := args.get(1, "case_sensitive")
	if _, ok := args.get(2, "attribute"); ok {
		return nil, fmt.Errorf("the argument %q is not known here", "attribute")
	}
	out := slices.Clone(items)
	slices.SortStableFunc(out, func(a, b value) int {
		if err != nil {
			return 0
		}
		if !truth(exact) {
			a, b = folded(a), folded(b)
		}
		var c int
		if c, err = r.order(a, b); truth(down) {
			c = -c
		}
		return c
	})
	return list(out), err
}

func sum(r *run, v value, args arguments) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	if len(args.values)+len(args.named) > 0 {
		return nil, fmt.Errorf("arguments are not known here")
	}
	var total value = int64(0)
	for _, v := range items {
		if total, err = r.arithmetic("+", total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func reversed(r *run, v value, _ arguments) (value, error) {
	items, err := r.items(v)
	out := slices.Clone(items)
	slices.Reverse(out)
	return like(v, out), err
}

// mapped is map(attribute="name") or map("filter", arguments).
func mapped(r *run, v value, args arguments) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	field, byField := args.get(len(args.values), "attribute")
	var each filter
	if !byField {
		name, err := text(args.values, 0)
		if err != nil {
			return nil, err
		}
		if each = filterOf(name); each == nil {
			return nil, fmt.Errorf("the filter %.64q is not known: want one of %s", name, filterNames)
		}
		args.values = args.values[1:]
	}
	out := make(list, len(items))
	for i, v := range items {
		if byField {
			out[i], err = r.strict(&item{of: literal{v}, at: literal{field}})
		} else {
			out[i], err = each(r, v, args)
		}
		if err == nil {
			err = r.spend(0)
		}
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return out, nil
}

// selected keeps the items that pass a test, or those that do not; without a test
// those that are true.
func selected(r *run, v value, args arguments, keep bool) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	pass := func(_ *run, v value, _ []value) (bool, error) { return truth(v), nil }
	if len(args.values) > 0 {
		name, err := text(args.values, 0)
		if err != nil {
			return nil, err
		}
		if pass = tests[name]; pass == nil {
			return nil, fmt.Errorf("the test %.64q is not known: want one of %s", name, testNames)
		}
		args.values = args.values[1:]
	}
	out := list{}
	for _, v := range items {
		yes, err := pass(r, v, args.values)
		if err != nil {
			return nil, err
		}
		if yes == keep {
			out = append(out, v)
		}
	}
	return out, r.spend(len(items))
}

const testNames = "boolean, defined, divisibleby, eq, equalto, even, false, float, ge, gt, in, integer, le, lt, mapping, ne, none, number, odd, sequence, string, true, undefined"

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
	"sequence":    func(r *run, v value, _ []value) (bool, error) { _, err := r.items(v); return err == nil, nil },
	"even":        func(_ *run, v value, _ []value) (bool, error) { return divides(v, []value{int64(2)}, 0) },
	"odd":         func(_ *run, v value, _ []value) (bool, error) { return divides(v, []value{int64(2)}, 1) },
	"divisibleby": func(_ *run, v value, args []value) (bool, error) { return divides(v, args, 0) },
	"eq":          comparing("=="), "equalto": comparing("=="), "ne": comparing("!="), "in": comparing("in"),
	"lt": comparing("<"), "le": comparing("<="), "gt": comparing(">"), "ge": comparing(">="),
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
