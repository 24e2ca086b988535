package leak_test

import (
	"fmt"

	"lamina/crash/leak"
)

// How well a score tells rows that trained a model from others: 0.5 is guessing.
func ExampleAUC() {
	members := []float64{-0.1, -0.2, -0.4, -1.1, -0.3, -0.2}
	others := []float64{-0.9, -1.4, -0.3, -2.0, -1.2, -0.8}
	a := leak.AUC(members, others)
	fmt.Printf("%.3f, %.3f to %.3f\n", a.Value, a.Low, a.High)
	// Output: 0.875, 0.671 to 1.000
}
