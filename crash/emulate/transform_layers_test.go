package emulate_test

import (
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/repair"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// watching notes what its layer is given.
type watching struct {
	nn.Projection
	x *[]float32
}

func (g watching) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	*g.x = x.T.Float32s()
	return g.Projection.Forward(p, x)
}

// layerOf is a linear layer of the full model, what stands in its place, and what a dense
// block there is given behind the emulator's places below.
type layerOf struct {
	name string
	full *nn.Linear
	made nn.Projection
	x    []float32
}

func layersAt(e *emulate.Emulator, full *transformer.Decoder, rows [][]int32, place int) (all []layerOf) {
	block := full.Blocks[e.Plan[place].Layer]
	given := inputsOf(e.Decoder, rows, place, block)
	for name, field := range nn.ProjectionsOf(block) {
		all = append(all, layerOf{name: name, full: (*field).(*nn.Linear), x: given[len(all)]})
	}
	i := 0
	for _, field := range nn.ProjectionsOf(e.Decoder.Blocks[place]) {
		all[i].made = *field
		i++
	}
	return all
}

// inputsOf returns what each linear layer of a block is given behind the places below.
func inputsOf(below *transformer.Decoder, rows [][]int32, place int, block transformer.Block) [][]float32 {
	watched := block.Clone()
	var given []*[]float32
	for _, field := range nn.ProjectionsOf(watched) {
		given = append(given, new([]float32))
		*field = watching{*field, given[len(given)-1]}
	}
	d := *below
	d.Blocks = append(slices.Clone(d.Blocks[:place]), watched)
	stream(&d, rows, place+1)
	all := make([][]float32, len(given))
	for i, x := range given {
		all[i] = *x
	}
	return all
}

// weight returns that of a linear layer or a low-rank pair, [out in], and its sizes.
func weight(l nn.Projection) (w []float64, out, in int) {
	if pair, ok := l.(*nn.LowRank); ok {
		in, rank, out := pair.Sizes()
		return compress.Factors{Out: out, Rank: rank, In: in, Up: pair.Up.Weight.Value.Floats(), Down: pair.Down.Weight.Value.Floats()}.Product(), out, in
	}
	linear := l.(*nn.Linear)
	in, out = linear.Sizes()
	stored := linear.Weight.Value.Floats()
	if !linear.InOut {
		return stored, out, in
	}
	w = make([]float64, len(stored))
	for i := range in {
		for j := range out {
			w[j*in+i] = stored[i*out+j]
		}
	}
	return w, out, in
}

// outputError returns Σ weight·|(W-V)·x|² over rows, tokens weighted by their rms or not.
func outputError(t *testing.T, w, v []float64, x []float32, in int, tokens repair.Weighting) float64 {
	t.Helper()
	weights, err := tokens.Of(x, in, make([]int, len(x)/in))
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for n := 0; n < len(x)/in; n++ {
		square := 0.0
		for i := 0; i < len(w); i += in {
			sum := 0.0
			for j := range in {
				sum += (w[i+j] - v[i+j]) * float64(x[n*in+j])
			}
			square += sum * sum
		}
		if weights != nil {
			square *= weights[n]
		}
		total += square
	}
	return total
}

// TestInputsDecideTheFactors: at every linear layer, on the emulator's own stream, the
// factors of asvd leave no more than those of svd, for tokens as they were weighted.
func TestInputsDecideTheFactors(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		for _, tokens := range []repair.Weighting{repair.ByRMS, repair.Plain} {
			e, report := fitted(t, be, full, "0* 2:asvd0.5 3:asvd0.3 5*", rows, emulate.FitOptions{Tokens: tokens})
			if len(report) != 2 || report[1].Place != 2 || report[1].What != "3:asvd0.3" || !(report[1].Left > 0 && report[1].Left < 2) {
				t.Errorf("%s: report %v", family, report)
			}
			for place := 1; place <= 2; place++ {
				for _, l := range layersAt(e, full, rows, place) {
					w, out, in := weight(l.full)
					_, rank, _ := l.made.(*nn.LowRank).Sizes()
					plain, err := compress.SVD(w, out, in, rank)
					if err != nil {
						t.Fatal(err)
					}
					aware, _, _ := weight(l.made)
					a, b := outputError(t, w, aware, l.x, in, tokens), outputError(t, w, plain.Product(), l.x, in, tokens)
					if !(a <= b*(1+1e-5)) { // factors are stored as float32
						t.Errorf("%s, %v: %s leaves %v with its inputs, %v without", family, tokens, l.name, a, b)
					}
				}
			}
		}
	}
}

// TestChannelsThatGoAreMadeUpFor: the MLP's last layer leaves no more than it does with
// the channels just left out, and the channels that stay compute what they did.
func TestChannelsThatGoAreMadeUpFor(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		e, _ := fitted(t, be, full, "0* 2:width0.5 3:width0.8 5*", rows, emulate.FitOptions{Tokens: repair.Plain})
		for place := 1; place <= 2; place++ {
			layers := layersAt(e, full, rows, place)
			down := layers[len(layers)-1]
			w, out, channels := weight(down.full)
			made, _, keep := weight(down.made)
			up, _, in := weight(layers[len(layers)-2].full)
			some, _, _ := weight(layers[len(layers)-2].made)
			if keep != int(channels*5/10) && keep != int(channels*8/10) || len(some) != keep*in {
				t.Fatalf("%s: %d channels of %d", family, keep, channels)
			}
			repaired, removed := make([]float64, len(w)), make([]float64, len(w))
			k := 0
			for c := range channels {
				if k == keep || !slices.Equal(up[c*in:(c+1)*in], some[k*in:(k+1)*in]) {
					continue
				}
				for i := range out {
					repaired[i*channels+c], removed[i*channels+c] = made[i*keep+k], w[i*channels+c]
				}
				k++
			}
			if k != keep {
				t.Fatalf("%s: %d of %d channels are rows of the model's", family, k, keep)
			}
			a, b := outputError(t, w, repaired, down.x, channels, repair.Plain), outputError(t, w, removed, down.x, channels, repair.Plain)
			if !(a < b) {
				t.Errorf("%s, place %d: %v is left repaired, %v removed", family, place, a, b)
			}
		}
	}
}

// TestWandaTakesTheLeastOfEachOutput: no weight that stays is less, times the norm of its
// input on the emulator's own stream, than one of the same output that went. That it leaves
// less of the outputs than magnitudes do is what is found, and no theorem.
func TestWandaTakesTheLeastOfEachOutput(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		e, _ := fitted(t, be, full, "0* 2:wanda0.5 3:wanda0.5 5*", rows, emulate.FitOptions{Tokens: repair.Plain})
		for _, l := range layersAt(e, full, rows, 2) {
			w, out, in := weight(l.full)
			made, _, _ := weight(l.made)
			norms := make([]float64, in)
			for i, v := range l.x {
				norms[i%in] += float64(v) * float64(v)
			}
			for i := range out {
				gone, left, zeros := 0.0, math.Inf(1), 0
				for j := range in {
					score := math.Abs(w[i*in+j]) * math.Sqrt(norms[j])
					switch made[i*in+j] {
					case 0:
						gone, zeros = max(gone, score), zeros+1
					case w[i*in+j]:
						left = min(left, score)
					default:
						t.Fatalf("%s: %s has another weight", family, l.name)
					}
				}
				if zeros != in/2 || !(gone <= left*(1+1e-6)) { // rows are seen as float32
					t.Errorf("%s: %s, output %d: %d zeros, up to %v, of %v left", family, l.name, i, zeros, gone, left)
				}
			}
		}
	}
}

// TestHeadsThatGoAreMadeUpFor: heads that stay give to the bit what they gave (of BLOOM at
// their own rate with the distance), and the output projection leaves no more than it does
// with the others just left out.
func TestHeadsThatGoAreMadeUpFor(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		c := full.Config
		s, _ := transformer.SublayersOf(full.Blocks[2])
		output := len(s.Attend) // the layer behind queries, keys and values
		e, _ := fitted(t, be, full, "0* 2:heads0.5 3:heads0.75 5*", rows, emulate.FitOptions{Tokens: repair.Plain})
		for place := 1; place <= 2; place++ {
			dense := layersAt(e, full, rows, place)[output]
			given := inputsOf(e.Decoder, rows, place, e.Decoder.Blocks[place])[output]
			w, out, n := weight(dense.full)
			made, _, kept := weight(dense.made)
			size := n / c.KVHeads // of the output of a key/value head
			repaired, removed := make([]float64, len(w)), make([]float64, len(w))
			k := 0
			for g := range c.KVHeads {
				if k == kept || !sameColumns(dense.x, n, g*size, given, kept, k, size) {
					continue
				}
				for i := range out {
					copy(repaired[i*n+g*size:i*n+(g+1)*size], made[i*kept+k:i*kept+k+size])
					copy(removed[i*n+g*size:i*n+(g+1)*size], w[i*n+g*size:i*n+(g+1)*size])
				}
				k += size
			}
			if k != kept {
				t.Fatalf("%s, place %d: %d of %d numbers of heads that stay are those of the model's", family, place, k, kept)
			}
			a, b := outputError(t, w, repaired, dense.x, n, repair.Plain), outputError(t, w, removed, dense.x, n, repair.Plain)
			if !(a < b) {
				t.Errorf("%s, place %d: %v is left repaired, %v removed", family, place, a, b)
			}
		}
	}
}

// sameColumns compares n columns of a from i on with those of b from j on.
func sameColumns(a []float32, aWidth, i int, b []float32, bWidth, j, n int) bool {
	for row := range len(a) / aWidth {
		if !slices.Equal(a[row*aWidth+i:row*aWidth+i+n], b[row*bWidth+j:row*bWidth+j+n]) {
			return false
		}
	}
	return true
}
