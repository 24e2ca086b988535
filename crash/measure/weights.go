package measure

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/mat"

	"lamina/autograd"
	"lamina/nn"
	"lamina/transformer"
)

// Weights says how the blocks of a decoder differ as numbers: each tensor of a block is held
// against the same tensor of every other block.
type Weights struct {
	Layers  int             `json:"layers"`
	Tensors []TensorWeights `json:"tensors"`
	Model   string          `json:"model,omitempty"`
}

// TensorWeights are the diagnostics of one tensor W, by block.
type TensorWeights struct {
	Name  string `json:"name"` // in a block, such as "fc2.weight"
	Shape []int  `json:"shape"`
	// Distance [i j] is |Wᵢ - Wⱼ|, the root of the sum of squares. Two matrices that have
	// nothing to do with each other have √(Norm²ᵢ + Norm²ⱼ).
	Distance [][]float64 `json:"distance"`
	Norm     []float64   `json:"norm"`     // |Wᵢ|
	Variance []float64   `json:"variance"` // of the values of Wᵢ, around their mean
	// Rank is the effective rank (Roy and Vetterli, "The effective rank: a measure of
	// effective dimensionality", 2007), of matrices:
	//
	//	exp(-Σₖ pₖ·ln pₖ),  pₖ = σₖ / Σ σ
	//
	// with σ the singular values. It is at most the smaller size of the matrix.
	Rank []float64 `json:"rank,omitempty"`
}

// Relative is the distance of two blocks' tensors in that of two of their norms that have
// nothing in common; 0 where both are 0.
func (t TensorWeights) Relative(i, j int) float64 {
	if d := math.Hypot(t.Norm[i], t.Norm[j]); d > 0 {
		return t.Distance[i][j] / d
	}
	return 0
}

// BlockWeights measures the tensors that all blocks of a decoder have and that choose
// accepts. release is told when a parameter is done with, for models larger than memory; it
// may be nil. progress counts tensors of single blocks. Of one tensor, a part of each
// block's is held at a time, and for its rank one whole in float64.
func BlockWeights(ctx context.Context, d *transformer.Decoder, choose func(name string) bool, release func(*autograd.Parameter), progress func(done, total int)) (Weights, error) {
	tensors := sameTensors(d, choose)
	if len(tensors) == 0 {
		return Weights{}, fmt.Errorf("no tensor that is asked for stands in all %d blocks: of block 0 there are %v", len(d.Blocks), namesOf(d, 0))
	}
	w := Weights{Layers: len(d.Blocks)}
	done := 0
	for _, t := range tensors {
		r, err := t.measure(ctx, func() {
			if done++; progress != nil {
				progress(done, len(tensors)*len(d.Blocks))
			}
		})
		if err != nil {
			return Weights{}, err
		}
		for _, p := range t.params {
			if release != nil {
				release(p)
			}
		}
		w.Tensors = append(w.Tensors, r)
	}
	return w, nil
}

// sameTensor is a tensor of every block.
type sameTensor struct {
	name   string
	params []*autograd.Parameter
}

// sameTensors returns the tensors that all blocks have in one shape, in the order of the
// first block.
func sameTensors(d *transformer.Decoder, choose func(name string) bool) (all []sameTensor) {
	blocks := make([]map[string]*autograd.Parameter, len(d.Blocks))
	for i, b := range d.Blocks {
		blocks[i] = map[string]*autograd.Parameter{}
		for p := range nn.ParamsOf(b) {
			blocks[i][ownName(d, p)] = p
		}
	}
	for _, name := range namesOf(d, 0) {
		t := sameTensor{name: name}
		for _, b := range blocks {
			if p := b[name]; p != nil && p.Value.SameShape(blocks[0][name].Value) {
				t.params = append(t.params, p)
			}
		}
		if len(t.params) == len(blocks) && (choose == nil || choose(name)) {
			all = append(all, t)
		}
	}
	return all
}

// namesOf returns the names of a block's parameters, in its order.
func namesOf(d *transformer.Decoder, block int) (names []string) {
	if block < len(d.Blocks) {
		for p := range nn.ParamsOf(d.Blocks[block]) {
			names = append(names, ownName(d, p))
		}
	}
	return names
}

// ownName is the name of a parameter behind that of its layer.
func ownName(d *transformer.Decoder, p *autograd.Parameter) string {
	if _, own, ok := d.Config.SplitLayerName(p.Name); ok {
		return own
	}
	return p.Name
}

// weightPiece is about how many values of each block are decoded at a time.
const weightPiece = 1 << 18

func (t sameTensor) measure(ctx context.Context, count func()) (r TensorWeights, err error) {
	layers := len(t.params)
	r = TensorWeights{Name: t.name, Shape: t.params[0].Value.Shape(), Distance: square(layers)}
	rows := r.Shape[0]
	step := max(weightPiece*rows/t.params[0].Value.Len(), 1)
	sums, squares := make([]float64, layers), make([]float64, layers)
	values := make([][]float32, layers)
	for from := 0; from < rows; from += step {
		for i, p := range t.params {
			values[i] = p.Value.Slice(from, min(from+step, rows)).Float32s()
			for _, v := range values[i] {
				sums[i] += float64(v)
				squares[i] += float64(float64(v) * float64(v))
			}
		}
		parallel(layers, runtime.GOMAXPROCS(0), func(i int) {
			for j := range i {
				r.Distance[i][j] += apart(values[i], values[j])
			}
		})
		if err := ctx.Err(); err != nil {
			return r, err
		}
	}
	n := float64(t.params[0].Value.Len())
	for i := range layers {
		if math.IsNaN(squares[i]) || math.IsInf(squares[i], 0) {
			return r, fmt.Errorf("%s has values that are not finite", t.params[i].Name)
		}
		r.Norm = append(r.Norm, math.Sqrt(squares[i]))
		for j := range i {
			v := math.Sqrt(r.Distance[i][j])
			r.Distance[i][j], r.Distance[j][i] = v, v
		}
		spread, rank, err := t.alone(i, sums[i]/n)
		if err != nil {
			return r, err
		}
		r.Variance = append(r.Variance, spread/n)
		if t.isMatrix() {
			r.Rank = append(r.Rank, rank)
		}
		count()
		if err := ctx.Err(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// isMatrix reports whether the tensor has an effective rank.
func (t sameTensor) isMatrix() bool {
	v := t.params[0].Value
	return len(v.Shape()) == 2 && min(v.Dim(0), v.Dim(1)) > 1
}

// alone returns the sum of squares of one block's values around their mean, and the
// effective rank of a matrix, else 0.
func (t sameTensor) alone(i int, mean float64) (spread, rank float64, err error) {
	v := t.params[i].Value
	rows := v.Dim(0)
	step := max(weightPiece*rows/v.Len(), 1)
	var all []float64
	if t.isMatrix() {
		all = make([]float64, 0, v.Len())
	}
	for from := 0; from < rows; from += step {
		for _, x := range v.Slice(from, min(from+step, rows)).Float32s() {
			y := float64(x) - mean
			spread += float64(y * y)
			if t.isMatrix() {
				all = append(all, float64(x))
			}
		}
	}
	if t.isMatrix() {
		rank, err = EffectiveRank(all, v.Dim(0), v.Dim(1))
		if err != nil {
			err = fmt.Errorf("%s: %w", t.params[i].Name, err)
		}
	}
	return spread, rank, err
}

// apart returns Σ (a - b)².
func apart(a, b []float32) (sum float64) {
	b = b[:len(a)]
	for i, v := range a {
		d := float64(v) - float64(b[i])
		sum += float64(d * d)
	}
	return sum
}

// EffectiveRank returns that of a matrix [rows columns]: see [TensorWeights]. One of zeros
// has 0. It is an error if its singular values do not converge.
func EffectiveRank(w []float64, rows, columns int) (float64, error) {
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(rows, columns, w), mat.SVDNone) {
		return 0, fmt.Errorf("the singular values of a matrix [%d %d] do not converge", rows, columns)
	}
	values := svd.Values(nil)
	slices.Reverse(values) // the small ones first
	total, entropy := sum(values), 0.0
	if total == 0 {
		return 0, nil
	}
	for _, v := range values {
		if p := v / total; p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	return math.Exp(entropy), nil
}
