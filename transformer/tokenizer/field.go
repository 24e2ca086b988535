package tokenizer

import (
	"fmt"
	"slices"
	"strconv"

	"lamina/internal/strictjson"
)

// A field is a JSON value together with its path, so that every complaint
// about it says where it stands.
type field struct {
	strictjson.Node
	path string
}

func (f field) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %s", f.path, fmt.Sprintf(format, args...))
}

// null reports whether the value is absent or null.
func (f field) null() bool { return f.Absent() || f.Kind() == strictjson.Null }

// at returns the member called name; absent members are null fields.
func (f field) at(name string) field {
	out := field{path: f.path + "." + name}
	for member, value := range f.Members() {
		if member == name {
			out.Node = value
			break
		}
	}
	return out
}

// maxItems bounds lists whose items are looked at one by one: added tokens, chat templates,
// components. Published files have up to 65,000 added tokens.
const maxItems = 1 << 17

// each returns the elements of an array.
func (f field) each() ([]field, error) {
	if f.null() {
		return nil, nil
	}
	if f.Kind() != strictjson.Array {
		return nil, f.errorf("want an array")
	}
	if n := f.Len(); n > maxItems {
		return nil, f.errorf("%d items, at most %d are taken", n, maxItems)
	}
	var out []field
	for i, item := range f.Items() {
		out = append(out, field{item, f.path + "[" + strconv.Itoa(i) + "]"})
	}
	return out, nil
}

// only refuses values that are no object, and members not named.
func (f field) only(names ...string) error {
	if f.null() || f.Kind() != strictjson.Object {
		return f.errorf("want an object")
	}
	for k := range f.Members() {
		if !slices.Contains(names, k) {
			return f.errorf("unknown member %s (known: %v)", quote(k), names)
		}
	}
	return nil
}

// text returns a string, def where it is absent or null.
func (f field) text(def string) (string, error) {
	if f.null() {
		return def, nil
	}
	if f.Kind() != strictjson.String {
		return "", f.errorf("want a string")
	}
	return f.Text(), nil
}

// boolean returns a truth value, def where it is absent or null.
func (f field) boolean(def bool) (bool, error) {
	if f.null() {
		return def, nil
	}
	if f.Kind() != strictjson.True && f.Kind() != strictjson.False {
		return false, f.errorf("want true or false")
	}
	return f.Kind() == strictjson.True, nil
}

// maxID bounds the token ids a file may name.
const maxID = 1 << 24

// integer returns a whole number in [0, limit], def where absent or null.
func (f field) integer(def, limit int) (int, error) {
	if f.null() {
		return def, nil
	}
	v, err := strconv.Atoi(f.Text())
	if f.Kind() != strictjson.Number || err != nil || v < 0 || v > limit {
		return 0, f.errorf("want a whole number from 0 to %d, got %s", limit, quote(f.Text()))
	}
	return v, nil
}

// A bag collects the first error of a row of reads, so that a component with
// five members reads as five lines.
type bag struct{ err error }

func (b *bag) keep(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *bag) text(f field, def string) string {
	v, err := f.text(def)
	b.keep(err)
	return v
}

func (b *bag) boolean(f field, def bool) bool {
	v, err := f.boolean(def)
	b.keep(err)
	return v
}

func (b *bag) integer(f field, def, limit int) int {
	v, err := f.integer(def, limit)
	b.keep(err)
	return v
}
