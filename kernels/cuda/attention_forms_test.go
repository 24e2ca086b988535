package cuda

import (
	"testing"

	"lamina/kernels/cuda/internal/pack"
)

// Every form's kernels take blocks of its threads, and shared memory that every device from
// compute capability 8.0 on gives a block: 99 KiB.
func TestAttentionFitsEveryDevice(t *testing.T) {
	const most = 99 << 10
	for _, f := range append(append(plainForms[:len(plainForms):len(plainForms)], wideForm), roundedForms[:]...) {
		for name, shared := range map[string]int{f.forward: f.forwardShared, f.queries: f.queriesShared, f.keys: f.keysShared} {
			k, ok := pack.Find(name)
			if !ok || k.Threads != f.threads || shared > most {
				t.Errorf("%s: found %v, %d bytes of shared memory, blocks of %d", name, ok, shared, f.threads)
			}
		}
	}
	for _, f := range decodeForms {
		if k, ok := pack.Find(f.name); !ok || k.Threads != decodeThreads {
			t.Errorf("%s: found %v", f.name, ok)
		}
	}
}
