package main

import (
	"testing"

	"lamina/kernels/cpu"
	"lamina/kernels/ref"
)

// TestHoldAgainst: the processor's kernels are within the bars of the loops that define
// them, so that what check.sh asks of a GPU can be met.
func TestHoldAgainst(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	err := holdAgainst(t.Context(), be, ref.New(), scaleOf(true), barsOf("f32"), func(name string, got, bar float64) {
		c := check{name, got, bar}
		t.Log(c)
		if !c.holds() {
			t.Error(c)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
