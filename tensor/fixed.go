package tensor

import (
	"fmt"
	"sync"
)

// Fixed is where backends keep what they make of a tensor whose elements stay as they are,
// to use it again: a weight packed as products want it. See [Tensor.Fix].
type Fixed struct {
	mu    sync.Mutex
	forms map[any]Form
}

// Form is one such thing. Free gives its memory back.
type Form interface{ Free() }

// Form returns what is kept under a key, a type of its own package that names the backend
// too. Where there is nothing it asks create, whose answer it keeps unless that is nil, and
// created is true.
func (f *Fixed) Form(key any, create func() Form) (form Form, created bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if form, ok := f.forms[key]; ok {
		return form, false
	}
	if form = create(); form == nil {
		return nil, false
	}
	if f.forms == nil {
		f.forms = map[any]Form{}
	}
	f.forms[key] = form
	return form, true
}

// Free gives back everything that is kept; nothing uses it meanwhile. A nil Fixed has nothing.
func (f *Fixed) Free() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, form := range f.forms {
		form.Free()
	}
	f.forms = nil
}

// Fix returns t as one whose elements nobody writes any more, so that backends may keep
// what they make of them until t is freed. Setting elements of the result panics, as does a
// kernel that is to write them; views of it ([Tensor.Slice], [Tensor.Reshape], [Tensor.As])
// are plain tensors, which are as little to be written.
func (t Tensor) Fix() Tensor {
	if t.fixed == nil {
		t.fixed = &Fixed{}
	}
	return t
}

// Fixed returns where backends keep what they make of t, or nil if t was not fixed.
func (t Tensor) Fixed() *Fixed { return t.fixed }

// wantFree panics if t is fixed.
func (t Tensor) wantFree(op string) {
	if t.fixed != nil {
		panic(fmt.Sprintf("tensor: %s: elements of %v are fixed", op, t))
	}
}
