package simd

import "math"

// AdamWStep holds the constants of one step of [AdamW].
type AdamWStep struct {
	Coef         float32 // gradient clip coefficient
	Decay        float32 // 1 - lr·weightDecay
	Beta2        float32
	Rest1, Rest2 float32 // 1-β1, 1-β2
	Size         float32 // lr/(1-β1^t)
	Correction   float32 // 1/√(1-β2^t)
	Eps          float32
}

// AdamW does, for every i,
//
//	g    = s.Coef·grad[i]
//	m[i] = m[i] + s.Rest1·(g - m[i])
//	v[i] = s.Beta2·v[i] + (s.Rest2·g)·g
//	w[i] = s.Decay·w[i] - s.Size·m[i]/(√v[i]·s.Correction + s.Eps)
//
// rounding after every operation: the terms of both moments are torch's.
func AdamW(w, grad, m, v []float32, s *AdamWStep) {
	grad, m, v = grad[:len(w)], m[:len(w)], v[:len(w)]
	if level == Generic {
		adamWGeneric(w, grad, m, v, s)
		return
	}
	adamWVector(w, grad, m, v, s)
}

func adamWGeneric(w, grad, m, v []float32, s *AdamWStep) {
	for i := range w {
		g := float32(s.Coef * grad[i])
		m[i] += float32(s.Rest1 * float32(g-m[i]))
		v[i] = float32(s.Beta2*v[i]) + float32(float32(s.Rest2*g)*g)
		root := float32(math.Sqrt(float64(v[i])))
		step := float32(s.Size*m[i]) / (float32(root*s.Correction) + s.Eps)
		w[i] = float32(s.Decay*w[i]) - step
	}
}
