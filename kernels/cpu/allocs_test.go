package cpu

import (
	"runtime"
	"testing"
)

// A warm call makes its closures and nothing that grows with the operands.
func TestCallsAllocateClosuresOnly(t *testing.T) {
	be := New(Options{Threads: 2})
	defer be.Close()
	const most = 512 // bytes: two closures and what they share
	b := &bench{be: be}
	args, grads := b.attention(2, 70, 6, 3, 16)
	step := b.decoding(100)
	for _, op := range append(b.operations(64, 128, 320, 512),
		opBench{name: "Attention", run: func() { be.Attention(args) }},
		opBench{name: "AttentionBackward", run: func() { be.AttentionBackward(grads) }},
		opBench{name: "AttentionDecode", run: func() { be.AttentionDecode(step) }},
	) {
		for range 3 {
			op.run()
		}
		var before, after runtime.MemStats
		const calls = 20
		runtime.ReadMemStats(&before)
		for range calls {
			op.run()
		}
		runtime.ReadMemStats(&after)
		if bytes := (after.TotalAlloc - before.TotalAlloc) / calls; bytes > most {
			t.Errorf("%s: %d bytes a call, want at most %d", op.name, bytes, most)
		}
	}
}
