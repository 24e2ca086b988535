package kerneltest

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var normRows = []row{
	{"LayerNorm", (*suite).layerNorm},
	{"RMSNorm", (*suite).rmsNorm},
}

// normRow is one normalisation with what its bounds need: per row mean, mean
// absolute value, and rstd in float64.
type normRow struct {
	n, d     int
	centred  bool // LayerNorm
	eps      float64
	x        []float64
	gain     operand // name "" for none
	bias     operand
	gains    []float64 // their values; 1 and 0 for none
	biases   []float64
	mean     []float64
	size     []float64 // mean |x|
	variance []float64 // of x, or mean x²
	rstd     []float64
}

func newNormRow(src source, n, d int, centred bool, offset, scale float64, gain tensor.DType, withGain, withBias bool) *normRow {
	r := &normRow{n: n, d: d, centred: centred, eps: 1e-5, x: src.normal(n*d, scale)}
	for i := range r.x {
		r.x[i] = float64(float32(r.x[i] + offset))
	}
	if withGain {
		r.gain = src.weight("Gain", gain, false, d)
	}
	if withBias {
		r.bias = src.weight("Bias", gain, false, d)
	}
	r.gains, r.biases = valuesOr(r.gain, d, 1), valuesOr(r.bias, d, 0)
	for i := range n {
		row := r.x[i*d : (i+1)*d]
		mean, size, squares := 0.0, 0.0, 0.0
		for _, v := range row {
			mean += v / float64(d)
			size += math.Abs(v) / float64(d)
		}
		if !centred {
			mean = 0
		}
		for _, v := range row {
			squares += (v - mean) * (v - mean) / float64(d)
		}
		r.mean, r.size, r.variance = append(r.mean, mean), append(r.size, size), append(r.variance, squares)
		r.rstd = append(r.rstd, 1/math.Sqrt(squares+r.eps))
	}
	return r
}

// valuesOr returns an operand of n elements as the call sees it, or n times none
// if it has no name.
func valuesOr(o operand, n int, none float64) []float64 {
	if o.name != "" {
		return o.floats(tensor.F64)
	}
	values := make([]float64, n)
	for i := range values {
		values[i] = none
	}
	return values
}

// shift bounds, in units of u, the error of x - mean at element i: that of the
// mean, and one rounding.
func (r *normRow) shift(i int) float64 {
	if !r.centred {
		return 0
	}
	return math.Abs(r.x[i]) + walk(r.d)*r.size[i/r.d]
}

// rstdError bounds the relative error of rstd: roundings, and the square of the
// mean's error, which adds to the variance.
func (r *normRow) rstdError(row int, u float64) float64 {
	e := u * walk(r.d)
	if r.centred {
		delta := u * walk(r.d) * r.size[row]
		e += delta * delta / (r.variance[row] + r.eps)
	}
	return e
}

func (r *normRow) String() string {
	return named("[%d %d] gain %s %q bias %q", r.n, r.d, r.gain.dtype, r.gain.name, r.bias.name)
}

// forward is the case with operands Y, Mean, Rstd, X, and Gain and Bias.
func (r *normRow) forward() testCase {
	c := testCase{
		name:     "LayerNorm " + r.String(),
		operands: []operand{out("Y", r.n, r.d).rows(), out("Rstd", r.n).rows(), in("X", r.x, r.n, r.d).rows()},
		poison:   []int{2},
	}
	meanAt, gainAt, biasAt := -1, -1, -1
	add := func(o operand) int { c.operands = append(c.operands, o); return len(c.operands) - 1 }
	if r.centred {
		meanAt = add(out("Mean", r.n).rows())
	} else {
		c.name = "RMSNorm " + r.String()
	}
	if r.gain.name != "" {
		gainAt = add(r.gain)
	}
	if r.bias.name != "" {
		biasAt = add(r.bias)
	}
	c.run = func(be kernels.Backend, o []tensor.Tensor) {
		a := kernels.NormArgs{
			Y: o[0], Rstd: o[1], X: o[2], Mean: pick(o, meanAt), Gain: pick(o, gainAt), Bias: pick(o, biasAt), Eps: r.eps,
		}
		if r.centred {
			kernels.LayerNorm(be, a)
		} else {
			kernels.RMSNorm(be, a)
		}
	}
	c.bound = func(o, i int, want, u float64) float64 {
		switch o {
		case 1:
			return math.Abs(want) * r.rstdError(i, u)
		case meanAt:
			return u * walk(r.d) * r.size[i]
		}
		row, col := i/r.d, i%r.d
		gain := math.Abs(r.gains[col]) * r.rstd[row]
		return gain*(u*r.shift(i)+math.Abs(r.x[i]-r.mean[row])*(r.rstdError(row, u)+4*u)) + 2*u*math.Abs(r.biases[col])
	}
	return c
}

// pick returns operand i, or none for -1.
func pick(o []tensor.Tensor, i int) tensor.Tensor {
	if i < 0 {
		return tensor.Tensor{}
	}
	return o[i]
}

// backward is the case with operands DX, DGain, DBias, DY, X, Rstd, and Mean
// and Gain.
func (r *normRow) backward(src source) testCase {
	n, d := r.n, r.d
	dY, dGain, dBias := src.normal(n*d, 1), src.normal(d, 1), src.normal(d, 1)
	r.mean, r.rstd = rounded(r.mean, tensor.F32), rounded(r.rstd, tensor.F32)
	c := testCase{
		name: "LayerNormBackward " + r.String(),
		operands: []operand{
			out("DX", n, d).rows(), inOut("DGain", dGain, d), inOut("DBias", dBias, d),
			in("DY", dY, n, d).rows(), in("X", r.x, n, d).rows(), in("Rstd", r.rstd, n).rows(),
		},
		alias:  [][2]int{{0, 3}},
		poison: []int{3, 4},
	}
	meanAt, gainAt := -1, -1
	if r.centred {
		c.operands, meanAt = append(c.operands, in("Mean", r.mean, n).rows()), 6
	} else {
		c.name = "RMSNormBackward " + r.String()
		c.operands[2].written = false
	}
	if r.gain.name != "" {
		c.operands, gainAt = append(c.operands, r.gain), len(c.operands)
	}
	c.run = func(be kernels.Backend, o []tensor.Tensor) {
		a := kernels.NormGrads{
			DX: o[0], DGain: o[1], DBias: o[2], DY: o[3], X: o[4], Rstd: o[5], Mean: pick(o, meanAt), Gain: pick(o, gainAt),
		}
		if r.centred {
			kernels.LayerNormBackward(be, a)
		} else {
			a.DBias = tensor.Tensor{}
			kernels.RMSNormBackward(be, a)
		}
	}
	c.bound = r.gradientBound(dY, dGain, dBias)
	return c
}

// accumulated is a case of backward with the gradient added to DX.
func (r *normRow) accumulated(src source, c testCase) testCase {
	dX := src.normal(r.n*r.d, 1)
	plain, run := c.bound, c.run
	c.name, c.alias = c.name+" accumulated", nil
	c.operands = append([]operand(nil), c.operands...)
	c.operands[0] = inOut("DX", dX, r.n, r.d).rows()
	c.run = func(be kernels.Backend, o []tensor.Tensor) { run(accumulating{be}, o) }
	c.bound = func(o, i int, want, u float64) float64 {
		if o == 0 {
			return plain(o, i, want, u) + u*math.Abs(want)
		}
		return plain(o, i, want, u)
	}
	return c
}

// accumulating adds the gradients of norms.
type accumulating struct{ kernels.Backend }

func (b accumulating) LayerNormBackward(a kernels.NormGrads) {
	a.Accumulate = true
	b.Backend.LayerNormBackward(a)
}

func (b accumulating) RMSNormBackward(a kernels.NormGrads) {
	a.Accumulate = true
	b.Backend.RMSNormBackward(a)
}

// gradientBound bounds the errors of DX, DGain and DBias through that of x̂, 2u of
// its parts, and through sums of absolute values.
func (r *normRow) gradientBound(dY, dGain, dBias []float64) func(o, i int, want, u float64) float64 {
	n, d := r.n, r.d
	meanG, meanGX, meanGE := make([]float64, n), make([]float64, n), make([]float64, n)
	sumGX, sumGE, sumG := make([]float64, d), make([]float64, d), make([]float64, d)
	unitError := func(i int) float64 { return 4 * (math.Abs(r.x[i]) + math.Abs(r.mean[i/d])) * r.rstd[i/d] }
	unit := func(i int) float64 { return math.Abs(r.x[i]-r.mean[i/d]) * r.rstd[i/d] }
	gain := magnitudes(r.gains)
	for i, v := range dY {
		g, row, col := math.Abs(v), i/d, i%d
		sumG[col] += g
		sumGX[col] += g * unit(i)
		sumGE[col] += g * unitError(i)
		g *= gain[col] / float64(d)
		meanG[row] += g
		meanGX[row] += g * unit(i)
		meanGE[row] += g * unitError(i)
	}
	return func(o, i int, _, u float64) float64 {
		switch o {
		case 1:
			return u * (2*math.Abs(dGain[i]) + walk(n)*sumGX[i] + sumGE[i])
		case 2:
			return u * (2*math.Abs(dBias[i]) + walk(n)*sumG[i])
		}
		row, col := i/d, i%d
		g := math.Abs(dY[i]) * gain[col]
		total := 8*g + walk(d)*(meanG[row]+unit(i)*meanGX[row]) + unitError(i)*meanGX[row] + unit(i)*meanGE[row]
		return u * r.rstd[row] * total
	}
}

func (s *suite) layerNorm(t *testing.T) {
	for _, shape := range rowShapes() {
		n, d := shape[0], shape[1]
		for i, gain := range []tensor.DType{tensor.Invalid, tensor.BF16, tensor.F16, tensor.F32} {
			src := newSource(uint64(100*n+d) + uint64(i))
			offset, scale := []float64{0, 1000, -3, 0}[i], []float64{1, 1, 0, 1e-4}[i]
			r := newNormRow(src, n, d, true, offset, scale, gain, true, i != 2)
			s.check(t, r.forward())
			back := r.backward(src)
			s.check(t, back)
			s.check(t, r.accumulated(src, back))
		}
		for i, scale := range []float64{1, 1e15, 1e-15} {
			src := newSource(uint64(100*n+d) + 9 + uint64(i))
			r := newNormRow(src, n, d, true, 0, scale, tensor.Invalid, false, false)
			s.check(t, r.forward())
			s.check(t, r.backward(src))
		}
	}
	s.normOptional(t)
}

func (s *suite) rmsNorm(t *testing.T) {
	for _, shape := range rowShapes() {
		n, d := shape[0], shape[1]
		for i, gain := range []tensor.DType{tensor.Invalid, tensor.BF16, tensor.F16, tensor.F32} {
			src := newSource(uint64(100*n+d) + uint64(i))
			r := newNormRow(src, n, d, false, 0, []float64{1, 1000, 1e-4, 1e15}[i], gain, true, false)
			s.check(t, r.forward())
			back := r.backward(src)
			s.check(t, back)
			s.check(t, r.accumulated(src, back))
		}
	}
}

// normOptional leaves optional operands out: what is left keeps its bits.
func (s *suite) normOptional(t *testing.T) {
	src := newSource(77)
	r := newNormRow(src, 5, 33, true, 0, 1, tensor.Invalid, true, true)
	full, back := r.forward(), r.backward(src)
	for _, d := range s.types {
		want := full.execute(t, s.be, d, aligned)
		lean := full
		lean.name = "LayerNorm without Mean and Rstd"
		lean.operands = append([]operand(nil), full.operands...)
		lean.operands[1].written, lean.operands[3].written = false, false
		lean.run = func(be kernels.Backend, o []tensor.Tensor) {
			kernels.LayerNorm(be, kernels.NormArgs{Y: o[0], X: o[2], Gain: o[4], Bias: o[5], Eps: r.eps})
		}
		lean.wantBits(t, "against all operands", d, want, lean.execute(t, s.be, d, aligned))

		want = back.execute(t, s.be, d, aligned)
		for skip, name := range []string{"DX", "DGain", "DBias"} {
			lean := back
			lean.name = "LayerNormBackward without " + name
			lean.operands = append([]operand(nil), back.operands...)
			lean.operands[skip].written = false
			lean.run = func(be kernels.Backend, o []tensor.Tensor) {
				a := kernels.NormGrads{DX: o[0], DGain: o[1], DBias: o[2], DY: o[3], X: o[4], Rstd: o[5], Mean: o[6], Gain: o[7]}
				*[]*tensor.Tensor{&a.DX, &a.DGain, &a.DBias}[skip] = tensor.Tensor{}
				kernels.LayerNormBackward(be, a)
			}
			lean.wantBits(t, "against all operands", d, want, lean.execute(t, s.be, d, aligned))
		}
	}
}
