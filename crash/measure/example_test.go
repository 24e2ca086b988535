package measure_test

import (
	"fmt"

	"lamina/crash/measure"
)

func ExampleCKA() {
	cka, _ := measure.NewCKA(3)
	cka.Add([]float32{1, 0, 0, 1, 1, 1}, 2)
	cka.Add([]float32{0, 2, -2, 0, -2, 2}, 2) // the first, turned and doubled
	cka.Add([]float32{1, 0, 0}, 1)
	for _, row := range cka.Matrix() {
		fmt.Printf("%.3f\n", row)
	}
	// Output:
	// [1.000 1.000 0.791]
	// [1.000 1.000 0.791]
	// [0.791 0.791 1.000]
}
