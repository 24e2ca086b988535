package nn

import "lamina/autograd"

// Norm normalises each row x [D]: a layer norm is
//
//	y = (x - mean(x)) / √(mean((x - mean(x))²) + Eps) · Gain + Bias
//
// and with RMS, the root-mean-square norm, y = x / √(mean(x²) + Eps) · Gain.
type Norm struct {
	Gain *autograd.Parameter // [D], or nil
	Bias *autograd.Parameter // [D], or nil
	Eps  float64
	RMS  bool
}

// NewLayerNorm takes "weight" and "bias", both [D], unless affine is false.
func NewLayerNorm(w Weights, d int, eps float64, affine bool) *Norm {
	n := &Norm{Eps: eps}
	if affine {
		n.Gain, n.Bias = w.Get("weight", Ones, d), w.Get("bias", Zeros, d)
	}
	return n
}

// NewRMSNorm takes "weight" [D].
func NewRMSNorm(w Weights, d int, eps float64) *Norm {
	return &Norm{Gain: w.Get("weight", Ones, d), Eps: eps, RMS: true}
}

// Forward normalises the rows of x [N D].
func (n *Norm) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	if n.RMS {
		return p.RMSNorm(x, p.Param(n.Gain), n.Eps)
	}
	return p.LayerNorm(x, p.Param(n.Gain), p.Param(n.Bias), n.Eps)
}

// Params yields gain and bias.
func (n *Norm) Params() Params { return List(n.Gain, n.Bias) }

// Clone returns a frozen layer over the same values.
func (n *Norm) Clone() *Norm { return &Norm{Clone(n.Gain), Clone(n.Bias), n.Eps, n.RMS} }
