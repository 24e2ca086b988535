package surface

import (
	"fmt"
	"math"

	"lamina/internal/philox"
	"lamina/nn"
	"lamina/tensor"
)

// Direction is what a coordinate multiplies: a tensor for each weight of the origin, in
// the order of its parameters. It is made by [Toward], [OfNorms] or [FilterNormalised].
type Direction struct {
	Name string

	ends   []tensor.Tensor // of the checkpoint that it leads to; nil: it leads to none
	random [][]float32     // nil per weight that it does not move; of a random direction alone
	moves  []bool
	norms  []float64 // ‖d‖ per weight
	lead   Compared  // of origin and checkpoint
}

// philoxOp numbers the draws of random directions among those of a seed.
const philoxOp = 0x5f

// Toward is the direction from the origin to another checkpoint, θ_to - θ_origin. Both have
// been read to the end then: it is an error if they do not match, if a weight of them is not
// finite, or if they are equal.
func Toward(origin, to Checkpoint) (*Direction, error) {
	if err := Match(origin, to); err != nil {
		return nil, err
	}
	byName := map[string]tensor.Tensor{}
	d := &Direction{Name: to.Name}
	own := origin.weights()
	others := to.weights()
	for i := range others {
		byName[others[i].Name] = others[i].Value
	}
	sums := newSums(origin.Decoder)
	moved := 0
	for _, w := range own {
		other := *w
		other.Value = byName[w.Name]
		c, err := compare(origin, to, w, &other)
		if err != nil {
			return nil, err
		}
		d.ends, d.moves, d.norms = append(d.ends, other.Value), append(d.moves, !c.same), append(d.norms, math.Sqrt(c.diff))
		sums.add(w, c)
		if !c.same {
			moved++
		}
	}
	if moved == 0 {
		return nil, fmt.Errorf("%s: has the weights of %s, to the bit: there is no way from one to the other", to.Name, origin.Name)
	}
	d.lead = sums.result()
	return d, nil
}

// OfNorms is a random direction in the weights that another moves, of the other's norm in
// each: independent normal deviates, scaled,
//
//	r = ξ·‖d‖/‖ξ‖ for each tensor
//
// so that it goes as far from the origin, in the same tensors, as the other does. draw tells
// several of a seed apart.
func OfNorms(origin Checkpoint, like *Direction, seed uint64, draw int) *Direction {
	d := &Direction{Name: fmt.Sprintf("random, as long as to %s", like.Name)}
	for i, w := range origin.weights() {
		var values []float32
		if like.moves[i] && like.norms[i] > 0 {
			values = normal(w.Value.Len(), seed, draw, i)
			scaleTo(values, like.norms[i])
		}
		d.add(values)
	}
	return d
}

// FilterNormalised is a random direction in every matrix of a decoder: independent normal
// deviates, each filter (the weights of one output: a row of [out in], a column of [in out],
// a row of a table) scaled to the norm of the weight's,
//
//	d_j = ξ_j·‖θ_j‖/‖ξ_j‖
//
// and vectors (biases, gains) left where they are, as Li et al. have it (section 4, and
// "biasbn" of their code). draw tells several of a seed apart. It takes 4 bytes a weight.
func FilterNormalised(origin Checkpoint, seed uint64, draw int) (*Direction, error) {
	d := &Direction{Name: "random, filter-normalised"}
	columns := inOut(origin)
	for i, w := range origin.weights() {
		err := pieces(w.Value, func(p tensor.Tensor, first int) error { return wantFinite(origin, w.Name, p.Float32s(), first) })
		if err != nil {
			return nil, err
		}
		var values []float32
		if w.Value.Rank() > 1 && w.Value.Len() > 0 {
			values = normal(w.Value.Len(), seed, draw, i)
			filterNormalise(values, w.Value.Float32s(), w.Value.Dim(0), columns[w.Name])
		}
		d.add(values)
	}
	return d, nil
}

// inOut names the weights whose filters are columns.
func inOut(c Checkpoint) map[string]bool {
	names := map[string]bool{}
	for _, field := range c.Decoder.Linears() {
		if l, ok := (*field).(*nn.Linear); ok && l.InOut {
			names[l.Weight.Name] = true
		}
	}
	return names
}

// add appends what the direction has of the next weight.
func (d *Direction) add(values []float32) {
	d.random, d.moves, d.norms = append(d.random, values), append(d.moves, values != nil), append(d.norms, norm(values))
}

// normal draws the deviates of one tensor.
func normal(n int, seed uint64, draw, weight int) []float32 {
	values := make([]float32, n)
	philox.New(seed, philox.Stream(uint32(draw), weight, philoxOp)).FillNormal(values, 0, 0, 1)
	return values
}

// norm is ‖v‖, summed in float64.
func norm(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(float64(x) * float64(x))
	}
	return math.Sqrt(sum)
}

// scaleTo gives v a norm.
func scaleTo(v []float32, to float64) {
	have := norm(v)
	if have == 0 {
		return
	}
	for i, x := range v {
		v[i] = float32(float64(x) * (to / have))
	}
}

// filterNormalise scales each filter of d, rows of [rows len/rows] or with columns set the
// columns, to the norm of the same one of w.
func filterNormalise(d, w []float32, rows int, columns bool) {
	width := len(d) / rows
	filters, inside, next, step := rows, width, width, 1
	if columns {
		filters, inside, next, step = width, rows, 1, width
	}
	for f := range filters {
		have, want := 0.0, 0.0
		for k := range inside {
			at := f*next + k*step
			have += float64(float64(d[at]) * float64(d[at]))
			want += float64(float64(w[at]) * float64(w[at]))
		}
		by := 0.0
		if have > 0 {
			by = math.Sqrt(want) / math.Sqrt(have)
		}
		for k := range inside {
			d[f*next+k*step] = float32(float64(d[f*next+k*step]) * by)
		}
	}
}

// addTo adds by·d to a run of elements of weight i, from first on, that the origin has.
func (d *Direction) addTo(sum []float64, i, first int, by float64, origin []float32) {
	if d.ends == nil {
		for j := range sum {
			sum[j] += float64(by * float64(d.random[i][first+j]))
		}
		return
	}
	t := d.ends[i]
	row := t.Len() / t.Dim(0)
	end := t.Slice(first/row, (first+len(sum))/row).Float32s()
	for j := range sum {
		sum[j] += float64(by * (float64(end[j]) - float64(origin[j])))
	}
}

// Norm is ‖d‖ over all weights.
func (d *Direction) Norm() float64 {
	sum := 0.0
	for _, n := range d.norms {
		sum += float64(n * n)
	}
	return math.Sqrt(sum)
}

// Ends compares the origin with the checkpoint that the direction leads to; nothing of a
// random one.
func (d *Direction) Ends() Compared { return d.lead }
