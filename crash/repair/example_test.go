package repair_test

import (
	"fmt"

	"lamina/crash/repair"
)

// Three tokens of width 2 pass two blocks that a plan removes: together they turned
// the stream by a right angle. No scale of channels does that; a linear map does.
func Example() {
	entering := []float32{1, 0, 0, 2, 3, 1}
	leaving := []float32{0, 1, -2, 0, -1, 3}

	m := repair.NewMoments(2)
	if err := m.Add(entering, leaving, nil); err != nil {
		fmt.Println(err)
		return
	}
	patch, err := repair.LinearPatch(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	ghost, err := repair.Ghost(m, 1e-6)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("removing leaves 1.00 of what the blocks did\n")
	fmt.Printf("LinearPatch     %.2f, scales %.2f\n", patch.Left, patch.Scale)
	fmt.Printf("a Ghost map     %.2f, W = %.2f\n", ghost.Left, ghost.W)
	// Output:
	// removing leaves 1.00 of what the blocks did
	// LinearPatch     0.93, scales [0.75 1.33]
	// a Ghost map     0.00, W = [0.00 1.00 -1.00 0.00]
}
