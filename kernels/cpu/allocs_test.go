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
		// The first round on a busy machine may be the first in which both workers run.
		bytes := min(bytesPerCall(op.run), bytesPerCall(op.run), bytesPerCall(op.run))
		if bytes > most {
			t.Errorf("%s: %d bytes a call, want at most %d", op.name, bytes, most)
		}
	}
}

func bytesPerCall(run func()) uint64 {
	const calls = 20
	run()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		run()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / calls
}
