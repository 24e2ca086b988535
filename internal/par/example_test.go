package par_test

import (
	"fmt"

	"lamina/internal/par"
)

// Each chunk sums into a slot of its own, and the slots are added in order: the
// result has the same bits for any number of workers.
func ExamplePool_For() {
	pool := par.New(4)
	defer pool.Close()

	x := make([]float32, 1000)
	for i := range x {
		x[i] = 0.5
	}
	const chunk = 256
	sums := make([]float32, (len(x)+chunk-1)/chunk)
	pool.For(len(sums), func(i int) {
		for _, v := range x[i*chunk : min(len(x), (i+1)*chunk)] {
			sums[i] += v
		}
	})
	var total float32
	for _, s := range sums {
		total += s
	}
	fmt.Println(total)
	// Output: 500
}
