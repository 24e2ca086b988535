package jinja

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
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
	w := writer{r: r}
	for i, v := range items {
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			w.add(glue)
		}
		if w.add(s); w.err != nil {
			break
		}
	}
	return w.text()
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
	keys, err := r.keyed(items, arguments{}, 0, false)
	if err != nil {
		return nil, err
	}
	best := 0
	for i := range items {
		c, err := r.order(keys[i], keys[best])
		if err != nil && i > 0 {
			return nil, err
		}
		if c*sign > 0 {
			best = i
		}
	}
	return items[best], nil
}

// folded is a text in lower case.
func (r *run) folded(v value) (value, error) {
	if s, is := v.(string); is {
		return r.made(r.recased(s, lower, 0))
	}
	return v, nil
}

// keyed returns what items are sorted or told apart by: themselves, or a field of
// theirs, texts without case unless exact.
func (r *run) keyed(items []value, args arguments, at int, exact value) ([]value, error) {
	field, byField := args.get(at, "attribute")
	keys, err := r.blank(len(items))
	if err != nil {
		return nil, err
	}
	for i, v := range items {
		if byField && field != nil {
			if v, err = r.path(v, field); err != nil {
				return nil, err
			}
			if u, is := v.(undefined); is {
				return nil, u
			}
		}
		if !truth(exact) {
			if v, err = r.folded(v); err != nil {
				return nil, err
			}
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
	if err := r.spend(len(name)); err != nil {
		return nil, err
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
	if err := r.grow(itemWork * len(items)); err != nil {
		return nil, err
	}
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
	if err != nil {
		return nil, err
	}
	out, err := r.blank(len(items))
	if err != nil {
		return nil, err
	}
	for i, from := range at {
		out[i] = items[from]
	}
	return list(out), nil
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
	from, err := r.items(v)
	if err != nil {
		return nil, err
	}
	exact, _ := args.get(0, "case_sensitive")
	keys, err := r.keyed(from, args, 1, exact)
	if err != nil {
		return nil, err
	}
	out := items{r: r, list: []value{}}
	for i, v := range from {
		before, err := r.contains(list(keys[:i]), keys[i])
		if err != nil {
			return nil, err
		}
		if before {
			continue
		}
		if err := out.add(v); err != nil {
			return nil, err
		}
	}
	return list(out.list), nil
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
	if s, is := v.(string); is {
		return r.stepped(s, int64(utf8.RuneCountInString(s))-1, -1, -1)
	}
	all, err := r.items(v)
	if err == nil {
		all, err = r.cloned(all)
	}
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	return like(v, all), nil
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
		each = func(v value) (value, error) { return r.filter(name, f.filter, v, inner) }
	}
	out, err := r.blank(len(items))
	if err != nil {
		return nil, err
	}
	for i, v := range items {
		if out[i], err = each(v); err == nil {
			err = r.refuse(out[i])
		}
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return list(out), nil
}

// selected keeps the items that pass a test, or those that do not; without a test
// those that are true. By field it is one field of theirs that is tested.
func selected(r *run, v value, args arguments, keep, byField bool) (value, error) {
	from, err := r.some(v)
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
	out := items{r: r, list: []value{}}
	for _, v := range from {
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
		if yes != keep {
			continue
		}
		if err := out.add(v); err != nil {
			return nil, err
		}
	}
	return list(out.list), r.spend(itemWork * len(from))
}
