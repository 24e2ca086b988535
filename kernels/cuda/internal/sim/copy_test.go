package sim_test

import (
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/sim"
)

// Pinned memory that is freed before its copy is done is found when it is done.
func TestPinnedMemoryFreedTooEarly(t *testing.T) {
	c := start(t, sim.Options{})
	s, p, h := c.make("cuStreamCreate", 1), c.make("cuMemAlloc_v2", 8), c.make("cuMemHostAlloc", 8, 1)
	if code := c.call("cuMemcpyHtoDAsync_v2", p, h, 8, s); code != 0 {
		t.Fatal(code)
	}
	c.call("cuMemFreeHost", h)
	if code := c.call("cuStreamSynchronize", s); code != 700 {
		t.Errorf("code %d", code)
	}
	if err := c.m.Err(); err == nil || !strings.Contains(err.Error(), "cuMemcpyHtoDAsync: the pinned memory at") {
		t.Errorf("the simulation says %v", err)
	}
}
