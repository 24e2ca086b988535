package sim

import (
	"fmt"
	"unsafe"
)

// add makes a handle of an object. No handle is used twice.
func (m *Machine) add(o any) uintptr {
	m.next += 0x40
	m.objects[m.next] = o
	return m.next
}

// get returns the object of a handle, or keeps a fault that says what the handle is.
func get[T any](m *Machine, call string, handle uintptr) (T, bool) {
	o, ok := m.objects[handle].(T)
	if !ok {
		m.fault("%s: %s", call, m.describe(handle, kindOf(o)))
	}
	return o, ok
}

// remove takes a handle back.
func remove[T any](m *Machine, call string, handle uintptr) (T, bool) {
	o, ok := get[T](m, call, handle)
	if ok {
		delete(m.objects, handle)
		m.retired[handle] = kindOf(o)
	}
	return o, ok
}

// describe says what is wrong with a handle.
func (m *Machine) describe(handle uintptr, want string) string {
	if o, ok := m.objects[handle]; ok {
		return fmt.Sprintf("%#x is of kind %s, want %s", handle, kindOf(o), want)
	}
	if kind, ok := m.retired[handle]; ok {
		return fmt.Sprintf("%s %#x was given back before", kind, handle)
	}
	return fmt.Sprintf("%#x is no %s", handle, want)
}

func kindOf(o any) string {
	switch o.(type) {
	case *device:
		return "context"
	case *stream:
		return "stream"
	case *event:
		return "event"
	case *module:
		return "module"
	case *kernel:
		return "function"
	case *graph:
		return "graph"
	case *node:
		return "node"
	case *exec:
		return "executable graph"
	}
	return "handle"
}

// at returns what lies at an address that the caller gave.
func at[T any](address uintptr) *T {
	return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&address)))
}

// hostBytes returns n bytes at an address that the caller gave.
func hostBytes(address uintptr, n int) []byte { return unsafe.Slice(at[byte](address), n) }

// hostString reads the text at an address.
func hostString(address uintptr) string {
	n := 0
	for *at[byte](address + uintptr(n)) != 0 {
		n++
	}
	return string(hostBytes(address, n))
}

// text returns the address of a text, which stays where it is.
func (m *Machine) text(s string) uintptr {
	b, ok := m.texts[s]
	if !ok {
		b = append([]byte(s), 0)
		m.texts[s] = b
	}
	return uintptr(unsafe.Pointer(&b[0]))
}
