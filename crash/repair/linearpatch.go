package repair

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Patch is a scale for each channel of a basis, h ← h·H·diag(Scale)·Hᵀ.
type Patch struct {
	Scale []float64 // [D]
	Block int       // width of H's blocks; 1 where H = I
	Left  float64   // ‖XW-Y‖/‖Y-X‖
}

// LinearPatch returns LinearPatch's map without its rotation, H = I:
// d_k = Σ_n|Y_nk| / Σ_n|X_nk| (arXiv 2505.24680). The authors' code forms the quotient
// for each text and averages over texts; here all rows are one text. A channel that is
// zero in every row of X has no scale and is an error.
func LinearPatch(m *Moments) (Patch, error) { return m.patch("LinearPatch", m.plain, 1) }

// HadamardPatch returns LinearPatch's map with the magnitudes taken in a Hadamard
// basis, which spreads a massive channel over its block: d is of XH and YH. H is the
// normalised Sylvester matrix, symmetric, repeated along the diagonal in blocks of
// [HadamardBlock] where the width is no power of two: 576 channels are 9 blocks of 64.
// An odd width has no such basis and is an error.
func HadamardPatch(m *Moments) (Patch, error) {
	block := HadamardBlock(m.width)
	if block == 1 {
		return Patch{}, fmt.Errorf("repair: HadamardPatch: width %d is odd and has no Hadamard basis: use LinearPatch", m.width)
	}
	return m.patch("HadamardPatch", m.hadamard, block)
}

// HadamardBlock returns the largest power of two that divides width.
func HadamardBlock(width int) int { return width & -width }

func (m *Moments) patch(op string, size magnitudes, block int) (Patch, error) {
	scale, err := m.ratios(op, size)
	if err != nil {
		return Patch{}, err
	}
	p := Patch{Scale: scale, Block: block}
	delta := mat.NewDense(m.width, m.width, p.Matrix())
	addIdentity(delta, -1)
	p.Left = m.left(delta)
	return p, nil
}

// ratios returns Σ|y|/Σ|x| of every channel.
func (m *Moments) ratios(op string, size magnitudes) ([]float64, error) {
	if err := m.ready(op); err != nil {
		return nil, err
	}
	scale := make([]float64, m.width)
	for k, in := range size.in {
		if in == 0 {
			return nil, fmt.Errorf("repair: %s: channel %d of %d is zero in all %d rows that enter, and has no scale: give more text, or use Ghost with a ridge", op, k, m.width, m.rows)
		}
		scale[k] = size.out[k] / in
	}
	return scale, nil
}

// Matrix returns W = H·diag(Scale)·Hᵀ [D D], row-major.
func (p Patch) Matrix() []float64 {
	width := len(p.Scale)
	w := make([]float64, width*width)
	for i := range width {
		row := w[i*width : (i+1)*width]
		row[i] = 1
		transform(row, p.Block)
		for k := range row {
			row[k] *= p.Scale[k]
		}
		transform(row, p.Block)
	}
	return w
}

// transform replaces a row h by h·H, with H of normalised Hadamard blocks.
func transform(row []float64, block int) {
	for half := 1; half < block; half *= 2 {
		for i := range row {
			if i&half == 0 {
				row[i], row[i+half] = row[i]+row[i+half], row[i]-row[i+half]
			}
		}
	}
	norm := 1 / math.Sqrt(float64(block))
	for i := range row {
		row[i] *= norm
	}
}

// Scalar is one factor of the whole stream, h ← S·h.
type Scalar struct {
	S    float64
	Left float64 // ‖S·X-Y‖/‖Y-X‖
}

// PruneComp returns Prune&Comp's magnitude compensation (arXiv 2507.18212): the mean
// over channels of Σ_n|Y_nk|/Σ_n|X_nk|, the scales of [LinearPatch], texts taken
// together as there. The authors fold it into the embedding and into the attention and
// MLP output projections of all blocks before the gap, which scales the stream there.
func PruneComp(m *Moments) (Scalar, error) {
	scale, err := m.ratios("PruneComp", m.plain)
	if err != nil {
		return Scalar{}, err
	}
	var s float64
	for _, v := range scale {
		s += v
	}
	s /= float64(m.width)
	var along float64 // <X, D>
	for i := range m.width {
		along += m.cross[i*m.width+i]
	}
	return Scalar{S: s, Left: share((s-1)*(s-1)*m.trace()-2*(s-1)*along+m.change, m.change)}, nil
}
