package layout_test

import (
	"fmt"

	"lamina/internal/layout"
)

func ExampleCheck() {
	tree := []layout.Package{
		{Path: "lamina/nn", Imports: []string{"lamina/autograd", "lamina/kernels/cpu"}},
		{Path: "lamina/tensor", Imports: []string{"lamina/autograd"}},
	}
	for _, fault := range layout.Check("lamina", tree) {
		fmt.Println(fault)
	}
	// Output:
	// nn names a device: kernels/cpu
	// tensor imports autograd: an arrow points up or aside
}
