// Package cases says how many of its cases a test goes through. Some tests have thousands, and
// minutes of them: all types, shapes and layouts of a product, every operation at which a disk can
// fail, each absurd value of every flag. All run where the environment has LAMINA_TESTS=whole, as
// in the project's own checks; else some of each kind do, for whoever has changed a line and waits.
//
//	for i, c := range table {
//		if i%cases.Each(3) != 0 {
//			continue
//		}
//		…
//	}
//
// Which ones run depends on nothing else: two runs are the same tests. What has one case, or is
// quick, asks nothing here; -short is for what the race detector makes too slow.
package cases

import (
	"fmt"
	"os"
)

// Few reports whether some of each kind are enough.
func Few() bool {
	switch asked := os.Getenv("LAMINA_TESTS"); asked {
	case "":
		return true
	case "whole":
		return false
	default:
		panic(fmt.Sprintf("cases: LAMINA_TESTS=%s: it is whole, for all cases of every test, or not set", asked))
	}
}

// Each returns 1 where all cases run, and else n, for each n-th to do so.
func Each(n int) int {
	if Few() {
		return n
	}
	return 1
}
