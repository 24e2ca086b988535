package jinja

import (
	"fmt"
	"strings"
)

// equal is a == b.
func (r *run) equal(a, b value) bool {
	r.work++
	a, b = number(a), number(b)
	if x, isX := a.(int64); isX {
		if y, isY := b.(int64); isY {
			return x == y
		}
	}
	if x, isX := float(a); isX {
		y, isY := float(b)
		return isY && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, is := b.(undefined)
		return is
	case *namespace:
		other, is := b.(*namespace)
		return is && a == other
	case string:
		s, is := b.(string)
		r.work += min(len(a), len(s))
		return is && a == s
	case list:
		other, is := b.(list)
		return is && r.equalItems(a, other)
	case tuple:
		other, is := b.(tuple)
		return is && r.equalItems(a, other)
	case *dict:
		other, is := b.(*dict)
		return is && r.equalFields(*a, other)
	}
	return false
}

// nested runs a comparison of what two values hold. Where they are nested too deep
// it spends all work that is left: the caller's next step reports it.
func (r *run) nested(same func() bool) bool {
	if r.depth == maxNest {
		r.work = r.workLimit + 1
		return false
	}
	r.depth++
	yes := same()
	r.depth--
	return yes
}

func (r *run) equalFields(a dict, other *dict) bool {
	return len(a) == len(*other) && r.nested(func() bool {
		for _, e := range a {
			if at := other.find(r, e.key); at < 0 || !r.equal(e.value, (*other)[at].value) {
				return false
			}
		}
		return true
	})
}

func (r *run) equalItems(a, b []value) bool {
	return len(a) == len(b) && r.nested(func() bool {
		for i := range a {
			if r.work > r.workLimit || !r.equal(a[i], b[i]) { // the caller's next step reports the bound
				return false
			}
		}
		return true
	})
}

// order compares two numbers, texts or lists.
func (r *run) order(a, b value) (int, error) {
	if x, is := a.(string); is {
		if y, is := b.(string); is {
			return strings.Compare(x, y), r.spend(min(len(x), len(y)))
		}
	}
	x, isX := float(a)
	y, isY := float(b)
	if !isX || !isY {
		return 0, fmt.Errorf("%s and %s have no order here", kindOf(a), kindOf(b))
	}
	if i, is := number(a).(int64); is {
		if j, is := number(b).(int64); is {
			switch {
			case i < j:
				return -1, nil
			case i > j:
				return 1, nil
			}
			return 0, nil
		}
	}
	switch {
	case x < y:
		return -1, nil
	case x > y:
		return 1, nil
	}
	return 0, nil
}

// contains is item in v.
func (r *run) contains(v, item value) (bool, error) {
	if text, is := v.(string); is {
		part, is := item.(string)
		if !is {
			return false, fmt.Errorf("%s in a text: want a text", kindOf(item))
		}
		return strings.Contains(text, part), r.spend(len(text))
	}
	items, err := r.items(v)
	if err != nil {
		return false, err
	}
	for _, v := range items {
		if r.equal(v, item) {
			return true, r.spend(0)
		}
		if r.work > r.workLimit {
			break
		}
	}
	return false, r.spend(0)
}
