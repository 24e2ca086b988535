package surface_test

import (
	"fmt"

	"lamina/crash/surface"
)

// A hill between two checkpoints: the loss at the middle is above the chord of the ends.
func ExampleBarrierOf() {
	at := func(x, loss surface.Number) surface.LinePoint {
		return surface.LinePoint{X: x, Measured: surface.Measured{Loss: loss}}
	}
	ends := [2]surface.LinePoint{at(0, 2.5), at(1, 2.25)}
	b := surface.BarrierOf([]surface.LinePoint{ends[0], at(0.25, 2.5), at(0.5, 2.875), ends[1]}, ends)
	fmt.Printf("%v nats a token at x = %v\n", b.Height, b.X)
	// Output: 0.5 nats a token at x = 0.5
}
