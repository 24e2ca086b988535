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
		all, err := r.items(v)
		if err == nil {
			all, err = r.cloned(all)
		}
		return list(all), err
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
	"lower":      ofText(lower, 0),
	"upper":      ofText(upper, 0),
	"capitalize": ofText(capitalize, 0),
	"title":      ofText(titleWords, itemWork),
	"string":     func(r *run, v value, _ arguments) (value, error) { return r.str(v) },
	"safe":       func(r *run, v value, _ arguments) (value, error) { return r.str(v) },
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
		drop, err := r.inSet(args.values)
		if err != nil {
			return nil, err
		}
		return strings.TrimFunc(s, drop), nil
	},
}

// ofText is a filter of texts that writes other letters and takes some steps for each.
func ofText(change func(string) string, steps int) filter {
	return func(r *run, v value, _ arguments) (value, error) {
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		return r.recased(s, change, steps)
	}
}

// indented is indent: lines after the first, or all, after some spaces.
func indented(r *run, v value, args arguments) (value, error) {
	s, is := v.(string)
	if !is {
		return nil, fmt.Errorf("%s, want a text", kindOf(v))
	}
	by, times := " ", 4
	switch width, _ := args.get(0, "width"); width := number(width).(type) {
	case int64:
		times = int(width)
	case string:
		by, times = width, 1
	}
	first, _ := args.get(1, "first")
	blank, _ := args.get(2, "blank")
	s, err := r.joined(s, "\n")
	w, i := writer{r: r, err: err}, 0
	for line := range lines(s) {
		if i > 0 {
			w.add("\n")
		}
		if i == 0 && truth(first) || i > 0 && (line != "" || truth(blank)) {
			w.repeat(by, times)
		}
		w.add(line)
		if i++; w.err != nil {
			break
		}
	}
	return w.text()
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
	if n, is, err := r.size(v); is || err != nil {
		return n, err
	}
	if d, is := v.(*dict); is {
		return int64(len(*d)), nil
	}
	_, err := r.items(v)
	return nil, err
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
	if s, is := v.(string); is && s != "" {
		_, first := utf8.DecodeRuneInString(s)
		_, final := utf8.DecodeLastRuneInString(s)
		if last {
			return s[len(s)-final:], nil
		}
		return s[:first], nil
	}
	items, is := ordered(v)
	if !is {
		var err error
		if items, err = r.items(v); err != nil {
			return nil, err
		}
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
func toInt(r *run, v value, args arguments) (value, error) {
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
		s, err := r.replaced(strings.TrimFunc(v, isSpace), "_", "", -1)
		if err != nil {
			return nil, err
		}
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
