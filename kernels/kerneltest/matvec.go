package kerneltest

import (
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

func (s *suite) matVec(t *testing.T) {
	for i, shape := range append(productShapes(), [3]int{2, 2050, 115}, [3]int{1, 96, 4100}) {
		for j, d := range storageTypes() {
			for k := range 4 {
				p := productShape{
					m: min(shape[0], 5), p: shape[1], n: shape[2], b: d,
					transB: k < 2, bias: (i+j)%2 == 1, residual: (i+j)%3 == 1, whole: k%2 == 0,
				}.fit()
				if f := activations(); !p.whole {
					p.f, p.size = f[(i+j)%len(f)], []float64{1, 1, 0x1p100}[i%3]
				}
				if !s.due(p) {
					continue
				}
				c := s.matMulCase(newSource(uint64(5000+10*i+j)), p)
				c.run = func(be kernels.Backend, o []tensor.Tensor) { kernels.MatVec(be, p.args(o)) }
				s.check(t, c.sickIf((i+j)%5 == 0))
			}
		}
	}
}

// matVecs holds groups to the bits of their products one by one.
func (s *suite) matVecs(t *testing.T) {
	kernels.MatVecs(s.be, nil)
	groups := [][]productShape{
		{{n: 33, bias: true}, {n: 16, f: kernels.GELU}, {n: 1, residual: true}},
		{{n: 300, b: tensor.Q4_1}, {n: 100, b: tensor.Q8_0}, {n: 100, b: tensor.Q4_1, bias: true}},
		{{n: 70, b: tensor.Q4_K}, {n: 5, b: tensor.Q6_K, residual: true}, {}, {n: 3, b: tensor.BF16}},
		{{n: 300, b: tensor.F16, bias: true}, {n: 520, residual: true}, {}, {n: 256, b: tensor.Q8_0}},
	}
	for i, group := range groups {
		for k := range group {
			group[k].transB = i < 3
		}
		for j, size := range [][2]int{{1, 256}, {1, 768}, {3, 512}, {0, 256}, {5, 0}} {
			if !s.dueGroup(group, false) {
				continue
			}
			c := s.matMulsCase(newSource(uint64(10*i+j)), kernels.MatVecs, group, size[0], size[1], false)
			c.name = named("MatVecs of %d, %v", len(group), size)
			s.check(t, c)
		}
	}
}
