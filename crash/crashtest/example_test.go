package crashtest_test

import (
	"fmt"

	"lamina/crash/crashtest"
	"lamina/kernels/ref"
)

// A decoder that is small enough for any test, of each family.
func ExampleSmall() {
	for _, family := range crashtest.Families {
		d := crashtest.Small(ref.New(), family)
		fmt.Println(family, len(d.Blocks), "layers of width", d.Config.Width)
	}
	// Output:
	// opt 6 layers of width 24
	// llama 6 layers of width 24
	// gpt2 6 layers of width 24
	// bloom 6 layers of width 24
}
