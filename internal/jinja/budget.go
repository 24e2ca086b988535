package jinja

import (
	"fmt"
	"strings"

	"lamina/record"
)

// budget is what one rendering may do, whatever its template says: steps, and bytes
// that it makes, all together. Every filter, test, method and function is called by
// run.builtin, which charges for the texts it is given and for what it returns. One that
// makes more than it is given, or something beside what it returns, makes it by the
// functions of this file: they charge before they take memory, and no other file here
// calls what makes texts and lists longer (a test reads the code for that).
type budget struct {
	work, workLimit int // steps: one for each operation and each byte that is read
	bytes, byteMost int // made: of texts, and itemBytes for each item of a list
}

// Limits of a rendering. What it may do grows with the fields, so that a long
// conversation can be read some times and written some times. At the worst maxWork takes
// about a second.
const (
	maxWork   = 16 << 20
	inputWork = 64 // for each byte of the fields
	maxBytes  = 16 << 20
	copies    = 16 // bytes made for each byte of the fields
	itemWork  = 16 // steps for what is done to each item of a list
	itemBytes = 32 // an item in its list, and the value that it points to
	maxNest   = 10_000
	maxCalls  = 100 // macros inside macros
)

func budgetOf(fields record.Object) budget {
	size := Size(fields)
	return budget{workLimit: maxWork + inputWork*size, byteMost: maxBytes + copies*size}
}

// Size returns the bytes of a field's texts, and some for each item.
func Size(v record.Value) int {
	n := 16
	switch v := v.(type) {
	case string:
		return n + len(v)
	case record.Cell:
		return n + len(v)
	case []int64:
		return n + n*len(v)
	case record.List:
		for _, one := range v {
			n += Size(one)
		}
	case record.Object:
		for _, f := range v {
			n += Size(f.Value)
		}
	}
	return n
}

// spend charges n steps and one.
func (b *budget) spend(n int) error {
	if n < 0 || n >= b.workLimit-b.work {
		b.work = b.workLimit + 1
		return fmt.Errorf("does more than %d steps", b.workLimit)
	}
	b.work += n + 1
	return nil
}

// room refuses what would make n bytes more than are left.
func (b *budget) room(n int) error {
	if n < 0 || n > b.byteMost-b.bytes {
		return fmt.Errorf("makes more than %d bytes", b.byteMost)
	}
	return nil
}

// grow charges n bytes that are about to be made, and the steps to make them.
func (b *budget) grow(n int) error {
	if err := b.room(n); err != nil {
		return err
	}
	b.bytes += n
	return b.spend(n)
}

// sizeOf is what a value takes itself, without what its items point to.
func sizeOf(v value) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case list:
		return itemBytes * len(v)
	case tuple:
		return itemBytes * len(v)
	case *dict:
		return 2 * itemBytes * len(*v)
	case *namespace:
		return 2 * itemBytes * len(v.fields)
	}
	return 0
}

// made charges for a value that an operation made.
func (r *run) made(v value, err error) (value, error) {
	if err != nil {
		return nil, err
	}
	return v, r.grow(sizeOf(v))
}

// choosing are the builtins that return what is there already, or a part of it.
var choosing = map[string]bool{
	"first": true, "last": true, "default": true, "d": true, "get": true, "max": true, "min": true, "cycle": true,
	"string": true, "safe": true, "trim": true, "strip": true, "lstrip": true, "rstrip": true, "removeprefix": true, "removesuffix": true,
}

// builtin calls a filter, a test, a method or a function on of with args.
func (r *run) builtin(name string, of value, args arguments, call func() (value, error)) (value, error) {
	read := textSize(of)
	for _, v := range args.values {
		read += textSize(v)
	}
	for _, a := range args.named {
		read += textSize(a.value)
	}
	if err := r.spend(read); err != nil {
		return nil, err
	}
	before := r.bytes
	v, err := call()
	if err != nil || choosing[name] {
		return v, err
	}
	return v, r.grow(max(sizeOf(v)-(r.bytes-before), 0)) // what was not charged as it was made
}

// textSize is the length of a text: what is done to the items of lists is charged where
// it is done.
func textSize(v value) int {
	s, _ := v.(string)
	return len(s)
}

// items is a list that is being made.
type items struct {
	r    *run
	list []value
}

// add adds an item.
func (l *items) add(v value) error {
	if err := l.r.grow(itemBytes); err != nil {
		return err
	}
	l.list = append(l.list, v)
	return nil
}

// cloned returns a copy of items.
func (r *run) cloned(items []value) ([]value, error) {
	if err := r.grow(itemBytes * len(items)); err != nil {
		return nil, err
	}
	return append([]value{}, items...), nil
}

// mark notes where the text of a generation block stands.
func (r *run) mark(s Span) error {
	if err := r.grow(itemBytes); err != nil {
		return err
	}
	r.spans = append(r.spans, s)
	return nil
}

// blank returns a list of n items that are not there yet.
func (r *run) blank(n int) ([]value, error) {
	if err := r.grow(itemBytes * n); err != nil {
		return nil, err
	}
	return make([]value, n), nil
}

// writer is a text that is being made. After its first error it takes nothing.
type writer struct {
	r   *run
	b   strings.Builder
	err error
}

func (w *writer) add(texts ...string) {
	for _, s := range texts {
		if w.err == nil {
			w.err = w.r.grow(len(s))
		}
		if w.err == nil {
			w.b.WriteString(s)
		}
	}
}

func (w *writer) rune(c rune) { w.add(string(c)) }

// repeat adds a text n times.
func (w *writer) repeat(s string, n int) {
	if len(s) == 0 || n <= 0 || w.err != nil {
		return
	}
	if n > w.r.byteMost/len(s) {
		n = w.r.byteMost/len(s) + 1 // too many as well, and no overflow
	}
	if w.err = w.r.grow(len(s) * n); w.err == nil {
		w.b.WriteString(strings.Repeat(s, n))
	}
}

// text returns what was added.
func (w *writer) text() (string, error) { return w.b.String(), w.err }

// joined returns texts one behind the other.
func (r *run) joined(texts ...string) (string, error) {
	n := 0
	for _, s := range texts {
		n += len(s)
	}
	if err := r.grow(n); err != nil {
		return "", err
	}
	return strings.Join(texts, ""), nil
}

// recased returns what change makes of the letters of a text, of which Unicode makes at
// most three times the bytes, in some steps for each.
func (r *run) recased(s string, change func(string) string, steps int) (string, error) {
	err := r.room(3 * len(s))
	if err == nil {
		err = r.spend(steps * len(s))
	}
	if err != nil {
		return "", err
	}
	return change(s), nil
}

// replaced is strings.Replace.
func (r *run) replaced(s, old, with string, most int) (string, error) {
	n := strings.Count(s, old)
	if most >= 0 {
		n = min(n, most)
	}
	if err := r.grow(len(s) + n*max(len(with)-len(old), 0)); err != nil {
		return "", err
	}
	return strings.Replace(s, old, with, most), nil
}

// copied returns an object with the same entries.
func (r *run) copied(d dict) (dict, error) {
	if err := r.grow(2 * itemBytes * len(d)); err != nil {
		return nil, err
	}
	return append(dict{}, d...), nil
}

// newScope returns a place for names.
func (r *run) newScope() (map[string]value, error) {
	return map[string]value{}, r.grow(itemBytes)
}

// enclosing returns a copy of scopes, to which another is added.
func (r *run) enclosing(scopes []map[string]value) ([]map[string]value, error) {
	if err := r.grow(itemWork * (len(scopes) + 1)); err != nil {
		return nil, err
	}
	return append(make([]map[string]value, 0, len(scopes)+1), scopes...), nil
}
