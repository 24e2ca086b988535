package compress_test

import (
	"fmt"

	"lamina/crash/compress"
)

// The third input is nearly always 0: the largest number of W is worth nothing there, and
// factors that know it keep the other two.
func ExampleActivationSVD() {
	w := []float32{
		1, 0, 9,
		0, 2, 0,
		1, 2, 0,
	}
	inputs := compress.NewMoments(3)
	if err := inputs.Add([]float32{3, 1, 0, -1, 2, 0.01, 2, -2, -0.01, 0, 1, 0}); err != nil {
		fmt.Println(err)
		return
	}
	plain, _ := compress.SVD(w, 3, 3, 2)
	aware, _ := compress.ActivationSVD(w, 3, 2, inputs, 1e-9)
	fmt.Println("[3 1 0] becomes [3.00 2.00 5.00]; at rank 2")
	for _, f := range []compress.Factors{plain, aware} {
		p := f.Product()
		fmt.Printf("%.2f\n", []float64{3*p[0] + p[1], 3*p[3] + p[4], 3*p[6] + p[7]})
	}
	// Output:
	// [3 1 0] becomes [3.00 2.00 5.00]; at rank 2
	// [3.01 3.34 3.82]
	// [3.00 2.00 5.00]
}

// Of channels that say the same one is enough, if the last layer knows.
func ExampleNystrom() {
	hidden := compress.NewMoments(3)
	if err := hidden.Add([]float32{1, 0, 2, 0, 3, 0, 2, 1, 4}); err != nil {
		fmt.Println(err)
		return
	}
	down := []float64{1, 1, 1}
	n, err := compress.Nystrom(down, 1, 2, hidden, 1e-9)
	fmt.Printf("%d %.3f %v\n", n.Kept, n.Down, err)
	fmt.Println(compress.Rows([]float32{10, 11, 20, 21, 30, 31}, 3, n.Kept))
	// Output:
	// [1 2] [1.000 1.500] <nil>
	// [20 21 30 31]
}
