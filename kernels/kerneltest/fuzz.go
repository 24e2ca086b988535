package kerneltest

import (
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// Fuzz lets the fuzzer choose operations and shapes, and holds the backend to
// them as [Run] does. Shapes stay below 256 on an axis.
func Fuzz(f *testing.F, be kernels.Backend, opts Options) {
	s := newSuite(be, opts)
	f.Add(uint64(1), uint8(0), uint8(3), uint8(65), uint8(17), uint8(2))
	f.Add(uint64(2), uint8(1), uint8(2), uint8(64), uint8(33), uint8(13))
	f.Add(uint64(3), uint8(2), uint8(9), uint8(20), uint8(3), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, op, m, p, n, flags uint8) {
		s.shapes(t, seed, int(op), int(m), int(p), int(n), int(flags))
	})
}

// randomShapes is a fixed walk through what Fuzz explores.
func (s *suite) randomShapes(t *testing.T) {
	src := newSource(4242)
	for i := range 150 {
		s.shapes(t, uint64(i), i, src.Intn(40), src.Intn(150), src.Intn(100), src.Intn(256))
	}
}

// shapes checks one operation, chosen by op, on a shape of up to three sizes.
func (s *suite) shapes(t *testing.T, seed uint64, op, m, p, n, flags int) {
	src := newSource(seed)
	types := storageTypes()
	shape := productShape{
		m: m, p: p, n: n, b: types[flags/4%len(types)], transA: flags&1 != 0, transB: flags&2 != 0,
		accumulate: flags%3 == 1, bias: flags%3 == 2, whole: flags&64 != 0,
	}
	w := heads{g: 1 + flags%3, k: 1 + n%67}
	w.h = w.g * (1 + flags/8%3)
	switch op % 8 {
	case 0:
		s.check(t, s.matMulCase(src, shape.fit()))
	case 1:
		shape.m, shape.transA, shape.transB, shape.accumulate, shape.bias = m%6, false, true, false, false
		c := s.matMulCase(src, shape.fit())
		c.run = func(be kernels.Backend, o []tensor.Tensor) {
			kernels.MatVec(be, kernels.MatMulArgs{C: o[0], A: o[1], B: o[2], TransB: true})
		}
		s.check(t, c)
	case 2:
		s.check(t, attentionCase("Attention", w, ragged(src, w, 1, m%50, flags%9, p%70), kernels.Attention))
	case 3:
		batch := []sequence{newSequence(src, m%20, p, w, 1), newSequence(src, 1+n%5, flags, w, 1)}
		s.checkAlone(t, "Attention", w, batch, kernels.Attention)
	case 4:
		batch := []sequence{newSequence(src, 1, m, w, 1), newSequence(src, 1, p, w, 1), newSequence(src, 1, flags, w, 1)}
		s.checkAlone(t, "AttentionDecode", w, batch, kernels.AttentionDecode)
	case 5:
		s.check(t, attentionBackwardCase(w, ragged(src, w, 1, m%30, p%60), src))
	case 6:
		r := newNormRow(src, m, p+1, flags&1 == 0, 0, 1, tensor.BF16, true, false)
		s.check(t, r.forward())
		s.check(t, r.backward(src))
	case 7:
		s.softmaxRow(t, m, p+1, 3)
		s.crossEntropyRow(t, m, p+1, 3)
	}
}
