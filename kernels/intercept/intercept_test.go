package intercept_test

import (
	"fmt"
	"reflect"
	"testing"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// logging prints the calls it passes on.
type logging struct {
	tensor.Device
	intercept.Calls
}

func (l *logging) Queue() (kernels.Backend, error) { return l, nil }

func Example() {
	be := ref.New()
	l := &logging{Device: be}
	l.Around = func(c intercept.Call) {
		fmt.Println(c.Method, c.Args[1])
		c.Run(be)
	}
	x := tensor.MustFromFloats(l, tensor.F32, []float64{1, 2}, 2)
	kernels.AddScaled(l, x, tensor.MustFromFloats(l, tensor.F32, []float64{10, 20}, 2), 2)
	fmt.Println(x.Floats())
	// Output:
	// AddScaled F32[2]
	// [21 42]
}

// TestEveryMethodIsIntercepted: each method of a backend that computes reaches
// Around under its own name and with its arguments, and Run calls the same.
func TestEveryMethodIsIntercepted(t *testing.T) {
	for _, name := range intercept.Methods() {
		var inner, outer []intercept.Call
		target := &logging{Calls: intercept.Calls{Around: func(c intercept.Call) { inner = append(inner, c) }}}
		l := &logging{Calls: intercept.Calls{Around: func(c intercept.Call) { outer = append(outer, c); c.Run(target) }}}
		method := reflect.ValueOf(l).MethodByName(name)
		args := make([]reflect.Value, method.Type().NumIn())
		for i := range args {
			args[i] = reflect.Zero(method.Type().In(i))
		}
		method.Call(args)
		if len(outer) != 1 || len(inner) != 1 || outer[0].Method != name || inner[0].Method != name {
			t.Errorf("%s: intercepted as %v, run as %v", name, outer, inner)
			continue
		}
		for i, a := range inner[0].Args {
			if !reflect.DeepEqual(a, args[i].Interface()) {
				t.Errorf("%s: argument %d arrives as %v", name, i, a)
			}
		}
		reflect.ValueOf(&logging{}).MethodByName(name).Call(args) // no Around: nothing happens
	}
}
