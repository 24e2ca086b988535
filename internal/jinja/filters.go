package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// filter is what stands after "|".
type filter func(r *run, v value, args arguments) (value, error)

const filterNames = "abs, capitalize, count, d, default, dictsort, first, float, indent, int, items, join, last, length, list, lower, map, max, min, reject, rejectattr, replace, reverse, round, safe, select, selectattr, sort, string, sum, title, tojson (of chat templates), trim, unique, upper"

// filterOf returns the filter of a name, nil if there is none.
func filterOf(name string, o Options) filter {
	switch name {
	case "map":
		return mapped
	case "join":
		return joined
	case "select", "reject":
		return func(r *run, v value, args arguments) (value, error) {
			return selected(r, v, args, name == "select", false)
		}
	case "selectattr", "rejectattr":
		return func(r *run, v value, args arguments) (value, error) {
			return selected(r, v, args, name == "selectattr", true)
		}
	case "tojson":
		if o.Chat {
			return toJSON
		}
		return nil
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
	"round": rounded,
	"list": func(r *run, v value, _ arguments) (value, error) {
		items, err := r.cloned(v)
		return list(items), err
	},
	"items": func(r *run, v value, _ arguments) (value, error) {
		switch v := v.(type) {
		case *dict:
			return r.dictMethod(v, "items", nil)
		case undefined:
			return list{}, nil
		}
		return nil, fmt.Errorf("%s, want an object", kindOf(v))
	},
	"dictsort":   dictSorted,
	"unique":     unique,
	"lower":      made(lower),
	"upper":      made(upper),
	"capitalize": made(capitalize),
	"title":      made(titleWords),
	"string":     made(func(s string) string { return s }),
	"safe":       made(func(s string) string { return s }),
	"indent":     indented,
	"max":        func(r *run, v value, _ arguments) (value, error) { return extreme(r, v, 1) },
	"min":        func(r *run, v value, _ arguments) (value, error) { return extreme(r, v, -1) },
	"sort":       sorted,
	"sum":        sum,
	"reverse":    reversed,
	"replace": func(r *run, v value, args arguments) (value, error) {
		s, err := r.str(v)
		if err == nil {
			err = want(args.values, 2, 3)
		}
		if err != nil {
			return nil, err
		}
		return r.replaceIn(s, args.values)
	},
	"trim": func(r *run, v value, args arguments) (value, error) {
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		set, err := text(args.values, 0)
		if err != nil {
			return nil, err
		}
		return strings.TrimFunc(s, inSet(args.values, set)), nil
	},
}

// made is a filter of texts.
func made(change func(string) string) filter {
	return func(r *run, v value, _ arguments) (value, error) {
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		s = change(s)
		return s, r.spend(len(s))
	}
}

// indented is indent: lines after the first, or all, after some spaces.
func indented(r *run, v value, args arguments) (value, error) {
	s, is := v.(string)
	if !is {
		return nil, fmt.Errorf("%s, want a text", kindOf(v))
	}
	by := strings.Repeat(" ", 4)
	switch width, _ := args.get(0, "width"); width := number(width).(type) {
	case int64:
		if width > maxTemplate {
			return nil, fmt.Errorf("%d spaces", width)
		}
		by = strings.Repeat(" ", int(max(width, 0)))
	case string:
		by = width
	}
	first, _ := args.get(1, "first")
	blank, _ := args.get(2, "blank")
	parts := lines(s + "\n")
	if err := r.spend(len(parts) * (len(by) + itemWork)); err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, part := range parts {
		line := part.(string)
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == 0 && truth(first) || i > 0 && (line != "" || truth(blank)) {
			b.WriteString(by)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// rounded is round: half to even, up (ceil) or down (floor), to some decimals.
func rounded(_ *run, v value, args arguments) (value, error) {
	f, is := float(v)
	if !is {
		return nil, fmt.Errorf("%s, want a number", kindOf(v))
	}
	decimals := int64(0)
	if n, ok := args.get(0, "precision"); ok {
		if decimals, is = number(n).(int64); !is || decimals < 0 || decimals > 15 {
			return nil, fmt.Errorf("a precision of %s, want 0 to 15", repr(n))
		}
	}
	scale := math.Pow(10, float64(decimals))
	switch how, _ := args.get(1, "method"); how {
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	case nil, "common":
	default:
		return nil, fmt.Errorf("the method %s is not known: want common, ceil or floor", repr(how))
	}
	if n, is := number(v).(int64); is {
		return n, nil
	}
	f, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(decimals), 64), 64)
	return f, err
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
		return undefined{error: fmt.Errorf("an empty %s has no first and no last item", strings.TrimPrefix(kindOf(v), "a "))}, nil
	case last:
		return items[len(items)-1], nil
	}
	return items[0], nil
}

// toInt is int(v), or the argument (0) where that fails.
func toInt(_ *run, v value, args arguments) (value, error) {
	if u, is := v.(undefined); is {
		return nil, u
	}
	other, ok := args.get(0, "default")
	if !ok {
		other = int64(0)
	}
	switch v := number(v).(type) {
	case int64:
		return v, nil
	case float64:
		if math.Abs(v) >= 1<<62 && !math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s does not fit 64 bits", repr(v))
		}
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
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
	if u, is := v.(undefined); is {
		return nil, u
	}
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
