package units_test

import (
	"fmt"

	"lamina/internal/units"
)

func Example() {
	fmt.Println(units.Bytes(0), units.Bytes(1023), units.Bytes(1536), units.Bytes(3<<40))
	fmt.Println(units.Count(7), units.Count(1000), units.Count(134515008))
	// Output:
	// 0 B 1023 B 1.5 KiB 3.0 TiB
	// 7 1,000 134,515,008
}
