package compress

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// FewerHeads says how attention of fewer heads is made.
type FewerHeads struct {
	KVHeads []int     // the key/value heads that stay, ascending: rows of k and v
	Heads   []int     // the query heads that stay, all of these: rows of q
	Kept    []int     // their columns of the output projection
	Out     []float64 // weight of the output projection [out len(Kept)]; the bias stays
	Costs   []float64 // of every key/value head: what is lost if it goes alone
}

// NystromHeads keeps some key/value heads of attention, each with all its query heads, and
// lets the output projection, of weight W [out heads·width], make up for the others. Query
// heads i·heads/kvHeads and on read key/value head i, and attention's output has the heads
// side by side; inputs are moments of it, so that width = inputs.Width()/heads.
//
// Of removed columns r and kept ones k the projection becomes
//
//	Out = W_k + W_r·C_rk·(C_kk + λI)⁻¹
//
// as in [Nystrom]: C is the mean of a·aᵀ of its inputs a, λ the ridge. Over the rows that
// costs, by the inverse of a Schur complement,
//
//	min over Δ of mean |W_r·a_r - Δ·a_k|² + λ|Δ|² = tr W_r·([(C + λI)⁻¹]_rr⁻¹ - λI)·W_rᵀ
//
// and the heads go one after another, each the one that makes this least, the last among
// equals (as Optimal Brain Surgeon takes weights: Hassibi and Stork, 1993; for heads,
// ZipLM, arXiv 2302.04089). keep is 1 to kvHeads, see [CountFor]; keeping all returns W.
// Moments that are singular, ridge included, are an error.
func NystromHeads[F Float](w []F, out, heads, kvHeads, keep int, inputs *Moments, ridge float64) (FewerHeads, error) {
	const op = "NystromHeads"
	n := inputs.width
	if kvHeads < 1 || heads%kvHeads != 0 || n%heads != 0 {
		panic(fmt.Sprintf("compress: %s: %d inputs of %d heads with %d key/value heads", op, n, heads, kvHeads))
	}
	m, err := matrix(op, w, out, n)
	if err != nil {
		return FewerHeads{}, err
	}
	if keep < 1 || keep > kvHeads {
		return FewerHeads{}, fmt.Errorf("compress: %s: %d of %d key/value heads: want 1 to %d", op, keep, kvHeads, kvHeads)
	}
	e, err := newElimination(op, m, n/kvHeads, inputs, ridge)
	if err != nil {
		return FewerHeads{}, err
	}
	costs, err := e.costs()
	if err != nil {
		return FewerHeads{}, inputs.singular(op, ridge)
	}
	f := FewerHeads{Costs: costs}
	for range kvHeads - keep {
		if err := e.removeLeast(); err != nil {
			return FewerHeads{}, inputs.singular(op, ridge)
		}
	}
	per := heads / kvHeads
	for g, gone := range e.gone {
		if gone {
			continue
		}
		f.KVHeads = append(f.KVHeads, g)
		f.Heads = append(f.Heads, run(g*per, per)...)
		f.Kept = append(f.Kept, run(g*e.size, e.size)...)
	}
	narrow, err := made(op, m, f.Kept, inputs, ridge)
	if err != nil {
		return FewerHeads{}, err
	}
	f.Out = narrow.RawMatrix().Data
	return f, nil
}

// run returns the n numbers from first on.
func run(first, n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = first + i
	}
	return numbers
}

// errSingular is told to who knows the moments, and says what to do.
var errSingular = errors.New("singular")

// An elimination removes groups of inputs of a layer one after another.
type elimination struct {
	size    int        // of a group
	gone    []bool     // the groups removed
	w       *mat.Dense // of the layer as it was
	made    *mat.Dense // the layer that makes up for what is gone
	inverse *mat.Dense // of C + λI over what is left
	added   float64    // λ
}

func newElimination(op string, w *mat.Dense, size int, inputs *Moments, ridge float64) (*elimination, error) {
	c, added, err := inputs.regular(op, ridge)
	if err != nil {
		return nil, err
	}
	var inverse mat.SymDense
	if err := c.InverseTo(&inverse); err != nil {
		return nil, inputs.singular(op, ridge)
	}
	return &elimination{
		size: size, gone: make([]bool, inputs.width/size), added: added,
		w: w, made: mat.DenseCopyOf(w), inverse: mat.DenseCopyOf(&inverse),
	}, nil
}

// among returns the factorised inverse within group g.
func (e *elimination) among(g int) (*mat.Cholesky, error) {
	block := mat.NewSymDense(e.size, nil)
	for i := range e.size {
		for j := i; j < e.size; j++ {
			block.SetSym(i, j, e.inverse.At(g*e.size+i, g*e.size+j))
		}
	}
	var f mat.Cholesky
	if !f.Factorize(block) {
		return nil, errSingular
	}
	return &f, nil
}

// costs returns the cost of each group; of those removed, infinity.
func (e *elimination) costs() ([]float64, error) {
	costs := make([]float64, len(e.gone))
	for g, gone := range e.gone {
		costs[g] = math.Inf(1)
		if gone {
			continue
		}
		cost, err := e.cost(g)
		if err != nil {
			return nil, err
		}
		costs[g] = cost
	}
	return costs, nil
}

// removeLeast removes the group that costs least, the last among equals.
func (e *elimination) removeLeast() error {
	costs, err := e.costs()
	if err != nil {
		return err
	}
	least := 0
	for g, cost := range costs {
		if cost <= costs[least] {
			least = g
		}
	}
	return e.remove(least)
}

// cost returns what the removal of group g adds to what is lost:
// tr V_g·P_gg⁻¹·V_gᵀ - λ|W_g|², with V the layer so far and P the inverse.
func (e *elimination) cost(g int) (float64, error) {
	f, err := e.among(g)
	if err != nil {
		return 0, err
	}
	out, _ := e.w.Dims()
	var solved mat.Dense
	now := e.made.Slice(0, out, g*e.size, (g+1)*e.size)
	if err := f.SolveTo(&solved, now.T()); err != nil {
		return 0, err
	}
	cost := 0.0
	for i := range e.size {
		for j := range out {
			w := e.w.At(j, g*e.size+i)
			cost += now.At(j, i)*solved.At(i, j) - e.added*w*w
		}
	}
	return cost, nil
}

// remove takes group g away: V and P lose V_g·P_gg⁻¹·P_g and P_·g·P_gg⁻¹·P_g.
func (e *elimination) remove(g int) error {
	f, err := e.among(g)
	if err != nil {
		return err
	}
	n, _ := e.inverse.Dims()
	out, _ := e.w.Dims()
	from, to := g*e.size, (g+1)*e.size
	across := mat.DenseCopyOf(e.inverse.Slice(from, to, 0, n))
	var solved, made, inverse mat.Dense
	if err := f.SolveTo(&solved, across); err != nil {
		return err
	}
	made.Mul(e.made.Slice(0, out, from, to), &solved)
	inverse.Mul(across.T(), &solved)
	e.made.Sub(e.made, &made)
	e.inverse.Sub(e.inverse, &inverse)
	e.gone[g] = true
	return nil
}
