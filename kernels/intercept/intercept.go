// Package intercept stands between the front functions of package kernels and a
// backend: one function sees every call that computes, and runs it, counts it,
// measures it, or leaves it out. What is to be said of all operations alike is
// written once here and not once for each of them.
//
//	type logging struct {
//		tensor.Device // memory: as it is
//		intercept.Calls
//	}
//
//	l := &logging{Device: be}
//	l.Around = func(c intercept.Call) { fmt.Println(c.Method); c.Run(be) }
//
// Invariants: [Calls] has every method of [kernels.Backend] that computes and none
// of [tensor.Device], so that the two embedded side by side make a backend; calls.go
// is generated from the interface, and the compiler and a test say when it has
// fallen behind. The package computes nothing itself.
package intercept

import (
	"reflect"

	"lamina/kernels"
	"lamina/tensor"
)

//go:generate go run generate.go

// Call is one call of an operation.
type Call struct {
	Method string // of kernels.Backend, e.g. "MatMul"
	Args   []any  // as they were given: a descriptor, or tensors and numbers
	// Run makes the call on a backend.
	Run func(be kernels.Backend)
}

// Calls has the methods of a backend that compute, and hands each call to Around.
// Without one they do nothing, and Custom says so: a backend for shapes alone. Around may be called
// from several goroutines at once, as a backend is.
type Calls struct {
	Around func(Call)
}

// Methods returns the names of the methods that Calls has: those of
// [kernels.Backend] that are neither the device's nor about queues.
func Methods() []string {
	device, backend := reflect.TypeFor[tensor.Device](), reflect.TypeFor[kernels.Backend]()
	var names []string
	for i := range backend.NumMethod() {
		m := backend.Method(i)
		if _, memory := device.MethodByName(m.Name); !memory && m.Name != "Queue" {
			names = append(names, m.Name)
		}
	}
	return names
}
