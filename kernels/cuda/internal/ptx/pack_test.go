package ptx_test

import (
	"testing"

	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/ptx"
)

// Every kernel that is shipped consists of instructions that are known.
func TestPackIsUnderstood(t *testing.T) {
	for _, module := range pack.Names() {
		src, err := pack.PTX(module)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ptx.Parse(src)
		if err != nil {
			t.Errorf("%s: %v", module, err)
			continue
		}
		if len(p.Entries()) == 0 {
			t.Errorf("%s has no kernel", module)
		}
	}
}
