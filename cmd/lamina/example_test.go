package main

import (
	"context"
	"os"
)

// A plan needs no model: it is text that other commands take.
func Example() {
	run(context.Background(), []string{"plan", "uniform", "--layers", "12", "--keep", "6", "--trainable", "2", "--share", "all"}, os.Stdout, os.Stderr)
	// Output: 0* 1 1 4 4 4 7 7 7 10 10 11*
}
