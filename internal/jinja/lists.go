package jinja

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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
		if v, err = mapped(r, v, arguments{named: []argument{{"attribute", field}}}); err != nil {
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
		return undefined{error: fmt.Errorf("no items")}, nil
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

// cloned returns a copy of the items of v.
func (r *run) cloned(v value) ([]value, error) {
	items, err := r.items(v)
	if err == nil {
		err = r.spend(itemWork * len(items))
	}
	if err != nil {
		return nil, err
	}
	return slices.Clone(items), nil
}

// keyed returns what items are sorted or told apart by: themselves, or a field of
// theirs, texts without case unless exact.
func (r *run) keyed(items []value, args arguments, at int, exact value) ([]value, error) {
	field, byField := args.get(at, "attribute")
	keys := make([]value, len(items))
	for i, v := range items {
		if byField && field != nil {
			var err error
			if v, err = r.path(v, field); err != nil {
				return nil, err
			}
			if u, is := v.(undefined); is {
				return nil, u
			}
		}
		if !truth(exact) {
			v = folded(v)
		}
		keys[i] = v
	}
	return keys, r.spend(itemWork * len(items))
}

// path is what attribute arguments name: a field of v, or of its field after dots.
func (r *run) path(v, field value) (value, error) {
	name, is := field.(string)
	if !is {
		return r.item(v, field, 0)
	}
	for part := range strings.SplitSeq(name, ".") {
		if u, is := v.(undefined); is {
			return nil, u
		}
		var at value = part
		if n, err := strconv.ParseInt(part, 10, 64); err == nil {
			at = n
		}
		var err error
		if v, err = r.item(v, at, 0); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func sorted(r *run, v value, args arguments) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	down, _ := args.get(0, "reverse")
	exact, _ := args.get(1, "case_sensitive")
	keys, err := r.keyed(items, args, 2, exact)
	if err != nil {
		return nil, err
	}
	return r.sortBy(items, keys, truth(down))
}

// sortBy returns items in the order of their keys; equal ones stay as they are.
func (r *run) sortBy(items, keys []value, down bool) (value, error) {
	at := make([]int, len(items))
	for i := range at {
		at[i] = i
	}
	var err error
	slices.SortStableFunc(at, func(a, b int) int {
		if err != nil {
			return 0
		}
		var c int
		if c, err = r.order(keys[a], keys[b]); down {
			c = -c
		}
		return c
	})
	out := make(list, len(items))
	for i, from := range at {
		out[i] = items[from]
	}
	return out, err
}

// dictSorted is dictsort: the names and values of an object as tuples, in order.
func dictSorted(r *run, v value, args arguments) (value, error) {
	d, is := v.(*dict)
	if !is {
		return nil, fmt.Errorf("%s, want an object", kindOf(v))
	}
	exact, _ := args.get(0, "case_sensitive")
	by, ok := args.get(1, "by")
	down, _ := args.get(2, "reverse")
	at := 0
	if by == "value" {
		at = 1
	} else if ok && by != "key" {
		return nil, fmt.Errorf("by %s: want key or value", repr(by))
	}
	items, err := r.dictMethod(d, "items", nil)
	if err != nil {
		return nil, err
	}
	keys, err := r.keyed(items.(list), arguments{named: []argument{{"attribute", int64(at)}}}, 0, exact)
	if err != nil {
		return nil, err
	}
	return r.sortBy(items.(list), keys, truth(down))
}

// unique keeps the first of equal items.
func unique(r *run, v value, args arguments) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	exact, _ := args.get(0, "case_sensitive")
	keys, err := r.keyed(items, args, 1, exact)
	if err != nil {
		return nil, err
	}
	out := list{}
	for i, v := range items {
		before, err := r.contains(list(keys[:i]), keys[i])
		if err != nil {
			return nil, err
		}
		if !before {
			out = append(out, v)
		}
	}
	return out, nil
}

func sum(r *run, v value, args arguments) (value, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	field, byField := args.get(0, "attribute")
	total, ok := args.get(1, "start")
	if !ok {
		total = int64(0)
	}
	for _, v := range items {
		if byField && field != nil {
			if v, err = r.path(v, field); err != nil {
				return nil, err
			}
		}
		if total, err = r.arithmetic("+", total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func reversed(r *run, v value, _ arguments) (value, error) {
	items, err := r.cloned(v)
	if err != nil {
		return nil, err
	}
	slices.Reverse(items)
	return like(v, items), nil
}

// some returns the items of v; what is false has none, as map and select have it.
func (r *run) some(v value) ([]value, error) {
	if !truth(v) {
		return nil, nil
	}
	return r.items(v)
}

// mapped is map(attribute="name", default=v) or map("filter", arguments).
func mapped(r *run, v value, args arguments) (value, error) {
	items, err := r.some(v)
	if err != nil {
		return nil, err
	}
	each := func(v value) (value, error) {
		field, _ := args.get(len(args.values), "attribute")
		found, err := r.path(v, field)
		if _, is := found.(undefined); is && err == nil {
			if other, ok := args.get(len(args.values), "default"); ok {
				return other, nil
			}
		}
		return found, err
	}
	if _, byField := args.get(len(args.values), "attribute"); !byField {
		name, err := text(args.values, 0)
		if err != nil {
			return nil, err
		}
		f := &filtered{name: name, filter: filterOf(name, r.options)}
		if f.filter == nil {
			return nil, fmt.Errorf("the filter %.64q is not known: want one of %s", name, filterNames)
		}
		inner := arguments{args.values[1:], args.named}
		each = func(v value) (value, error) { return f.filter(r, v, inner) }
	}
	out := make(list, len(items))
	for i, v := range items {
		if out[i], err = each(v); err == nil {
			err = r.spend(itemWork)
		}
		if err == nil {
			err = r.refuse(out[i])
		}
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return out, nil
}

// selected keeps the items that pass a test, or those that do not; without a test
// those that are true. By field it is one field of theirs that is tested.
func selected(r *run, v value, args arguments, keep, byField bool) (value, error) {
	items, err := r.some(v)
	if err != nil {
		return nil, err
	}
	var field value
	if byField {
		if len(args.values) == 0 {
			return nil, fmt.Errorf("the name of a field is missing")
		}
		field, args.values = args.values[0], args.values[1:]
	}
	pass, name := func(_ *run, v value, _ []value) (bool, error) { return truth(v), nil }, ""
	if len(args.values) > 0 {
		if name, err = text(args.values, 0); err != nil {
			return nil, err
		}
		if pass = tests[name]; pass == nil {
			return nil, fmt.Errorf("the test %.64q is not known: want one of %s", name, testNames)
		}
		args.values = args.values[1:]
	}
	out := list{}
	for _, v := range items {
		tried := v
		if byField {
			if tried, err = r.path(v, field); err != nil {
				return nil, err
			}
		}
		yes, err := r.test(name, pass, tried, args.values)
		if err != nil {
			return nil, err
		}
		if yes == keep {
			out = append(out, v)
		}
	}
	return out, r.spend(itemWork * len(items))
}
