package plan

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/internal/philox"
)

// noise is a number in [0, 1) that depends on some layers and a seed, and on nothing
// else: a measurement as unruly as they come.
func noise(seed uint64, layers []int) float64 {
	place := uint64(0)
	for _, layer := range layers {
		place = place*31 + uint64(layer) + 1
	}
	return float64(philox.New(seed, 9).Float32(place))
}

// everything is a request that brings all that any method reads.
func everything(layers, keep, trainable int) Request {
	square := func(seed uint64) [][]float64 {
		m := alike(layers)
		for i := range m {
			for j := range i {
				m[i][j] = noise(seed, []int{i, j})
				m[j][i] = m[i][j]
			}
			m[i][i] = 1
		}
		return m
	}
	r := Request{Layers: layers, Keep: keep, Trainable: trainable, Similarity: square(1), Cosine: square(2), Angle: square(3), List: span(0, keep)}
	for i := range layers {
		r.Gains = append(r.Gains, noise(4, []int{i}))
	}
	r.TextLoss = func(kept []int) (float64, error) { return noise(5, kept), nil }
	r.AnswerLoss = func(kept []int) (float64, error) { return noise(6, kept), nil }
	r.Neighbours = func(kept []int) ([]float64, error) {
		alike := make([]float64, len(kept)-1)
		for i := range alike {
			alike[i] = noise(7, append([]int{i}, kept...))
		}
		return alike, nil
	}
	r.GradientCosine = func(kept, trained []int) (float64, error) {
		return noise(8, append(slices.Clone(trained), kept...)), nil
	}
	r.Gram = func(kept, trained []int) (Gram, error) {
		g := Gram{Q: make([][]float64, layers), Apart: 1, Full: 2}
		for i := range layers {
			g.Drift = append(g.Drift, noise(10, append([]int{i}, kept...))-0.5)
			g.Saliency = append(g.Saliency, noise(11, append([]int{i}, kept...))-0.5)
			g.Q[i] = make([]float64, layers)
		}
		for i := range layers { // of vectors of three numbers
			for j := range layers {
				for k := range 3 {
					g.Q[i][j] += (noise(12, []int{i, k, len(kept)}) - 0.5) * (noise(12, []int{j, k, len(kept)}) - 0.5)
				}
			}
		}
		return g, nil
	}
	return r
}

// subsets yields the sets of n of some layers, in the order of numbers.
func subsets(of []int, n int) (all [][]int) {
	for mask := range 1 << len(of) {
		var set []int
		for i, layer := range of {
			if mask>>i&1 == 1 {
				set = append(set, layer)
			}
		}
		if len(set) == n {
			all = append(all, set)
		}
	}
	slices.SortFunc(all, slices.Compare)
	return all
}

// leastSlow returns the index of the least number, the first of equal ones.
func leastSlow(values []float64) int {
	best := 0
	for i, v := range values {
		if v < values[best] {
			best = i
		}
	}
	return best
}

// slow are the methods that score, each written down directly: it returns what is kept.
var slow = map[string]func(r Request, free []int) []int{
	"block-influence": func(r Request, free []int) []int {
		kept := span(0, r.Layers)
		for len(kept) > r.Keep {
			least := math.Inf(1)
			gone := -1
			for _, layer := range free {
				if v := 1 - r.Cosine[layer][layer+1]; v < least && slices.Contains(kept, layer) {
					least, gone = v, layer
				}
			}
			kept = without(kept, []int{gone})
		}
		return kept
	},
	"angular":     func(r Request, free []int) []int { return slowSpan(r, free, r.Angle, 1) },
	"streamline":  func(r Request, free []int) []int { return slowSpan(r, free, r.Cosine, -1) },
	"sleb":        func(r Request, free []int) []int { return slowGreedy(r, free, true, 5) },
	"sleb-answer": func(r Request, free []int) []int { return slowGreedy(r, free, true, 6) },
	"gradient-fidelity": func(r Request, free []int) []int {
		kept := span(0, r.Layers)
		for len(kept) > r.Keep {
			var values []float64
			var at []int
			for _, layer := range kept {
				if slices.Contains(free, layer) {
					rest := without(kept, []int{layer})
					values, at = append(values, 1-noise(8, append(without(span(0, r.Layers), free), rest...))), append(at, layer)
				}
			}
			kept = without(kept, []int{at[leastSlow(values)]})
		}
		return kept
	},
	"iterative-drop": func(r Request, free []int) []int {
		kept := span(0, r.Layers)
		for len(kept) > r.Keep {
			best, upper := -1.0, 0
			for i := range len(kept) - 1 {
				if v := noise(7, append([]int{i}, kept...)); v > best && slices.Contains(free, kept[i+1]) {
					best, upper = v, kept[i+1]
				}
			}
			kept = without(kept, []int{upper})
		}
		return kept
	},
	"gradient-gram": func(r Request, free []int) []int {
		kept := span(0, r.Layers)
		for len(kept) > r.Keep {
			n := min(3, len(kept)-r.Keep)
			g, _ := r.Gram(kept, nil)
			sets := subsets(free, n)
			values := make([]float64, len(sets))
			for i, set := range sets {
				values[i] = g.Apart / g.Full
				for _, a := range set {
					values[i] -= 2 * g.Drift[a] / g.Full
					for _, b := range set {
						values[i] += g.Q[a][b] / g.Full
					}
				}
			}
			gone := sets[leastSlow(values)]
			kept, free = without(kept, gone), without(free, gone)
		}
		return kept
	},
}

func slowSpan(r Request, free []int, matrix [][]float64, sign float64) []int {
	n := r.Layers - r.Keep
	best, from := math.Inf(1), -1
	for l := 0; l+n <= r.Layers; l++ {
		allowed := true
		for i := l; i < l+n; i++ {
			allowed = allowed && slices.Contains(free, i)
		}
		if v := sign * matrix[l][l+n]; allowed && v < best {
			best, from = v, l
		}
	}
	return without(span(0, r.Layers), span(from, from+n))
}

func slowGreedy(r Request, free []int, barriers bool, seed uint64) []int {
	kept := span(0, r.Layers)
	for len(kept) > r.Keep {
		var values []float64
		var at []int
		for i, layer := range kept {
			if slices.Contains(free, layer) && (!barriers || i > 0 && i < len(kept)-1) {
				values, at = append(values, noise(seed, without(kept, []int{layer}))), append(at, layer)
			}
		}
		kept = without(kept, []int{at[leastSlow(values)]})
	}
	return kept
}

// TestScoredMethodsEqualSlowOnes for many sizes, with and without layers that must stay.
func TestScoredMethodsEqualSlowOnes(t *testing.T) {
	for name, direct := range slow {
		m, err := Named(Methods, name)
		if err != nil {
			t.Fatal(err)
		}
		for layers := 2; layers <= 9; layers++ {
			for keep := 2; keep <= layers; keep++ {
				for _, at := range []string{"", "last"} {
					r := everything(layers, keep, 2)
					r.TrainAt, _ = ParseTrainAt(at)
					free := span(0, layers)
					switch {
					case at == "last":
						free = span(0, layers-2)
					case m.TrainAt == AtSpread:
						free = span(1, layers-1)
					}
					if n := layers - keep; at == "last" && (name == "iterative-drop" || strings.HasPrefix(name, "sleb")) && n > layers-3 {
						continue // layer 0 stays too
					}
					c, err := m.Plan(r)
					if err != nil {
						t.Fatalf("%s %d/%d at %q: %v", name, layers, keep, at, err)
					}
					if want := direct(r, free); !slices.Equal(c.Plan.Kept(), want) {
						t.Errorf("%s %d/%d at %q: %v, want %v", name, layers, keep, at, c.Plan, want)
					}
				}
			}
		}
	}
}

// TestCostsAreWhatIsAsked: no method asks oftener than it says, and those that do not
// remember ask exactly as often.
func TestCostsAreWhatIsAsked(t *testing.T) {
	for _, m := range Methods {
		for _, keep := range []int{4, 8, 11} {
			r := everything(11, keep, 2)
			asked := 0
			count := func() { asked++ }
			loss, answer, near, cosine, gram := r.TextLoss, r.AnswerLoss, r.Neighbours, r.GradientCosine, r.Gram
			r.TextLoss = func(kept []int) (float64, error) { count(); return loss(kept) }
			r.AnswerLoss = func(kept []int) (float64, error) { count(); return answer(kept) }
			r.Neighbours = func(kept []int) ([]float64, error) { count(); return near(kept) }
			r.GradientCosine = func(kept, trained []int) (float64, error) { count(); return cosine(kept, trained) }
			r.Gram = func(kept, trained []int) (Gram, error) { count(); return gram(kept, trained) }
			if m.Name == "fixed" {
				r.List = span(0, keep)
			}
			m := m.As(r) // whose measurements are read
			if _, err := m.Plan(r); err != nil {
				t.Fatalf("%s: %v", m.Name, err)
			}
			cost, err := r.CostOf(m)
			if err != nil {
				t.Fatal(err)
			}
			said := cost.Forwards + cost.Backwards
			if m.Reads(NeedGradient) { // the full model's own gradient
				said--
			}
			if m.Reads(NeedSimilarity) || m.Reads(NeedDirections) {
				said--
			}
			if asked > said || asked < said && m.Name != "shapley" {
				t.Errorf("%s, keep %d: asked %d times, said %d", m.Name, keep, asked, said)
			}
		}
	}
}

// TestQuestionsFail: an error and a score that is no number end the choosing, by name.
func TestQuestionsFail(t *testing.T) {
	broken := errors.New("broken")
	for _, name := range []string{"sleb", "sleb-answer", "shapley", "iterative-drop", "gradient-fidelity", "gradient-gram"} {
		m, err := Named(Methods, name)
		if err != nil {
			t.Fatal(err)
		}
		r := everything(6, 3, 2)
		fails := func([]int) (float64, error) { return 0, broken }
		r.TextLoss, r.AnswerLoss = fails, fails
		r.Neighbours = func([]int) ([]float64, error) { return nil, broken }
		r.GradientCosine = func(_, _ []int) (float64, error) { return 0, broken }
		r.Gram = func(_, _ []int) (Gram, error) { return Gram{}, broken }
		if _, err := m.Plan(r); !errors.Is(err, broken) || !strings.Contains(err.Error(), "method "+name) {
			t.Errorf("%s: %v", name, err)
		}
		nan := func([]int) (float64, error) { return math.NaN(), nil }
		r.TextLoss, r.AnswerLoss = nan, nan
		r.Neighbours = func(kept []int) ([]float64, error) { return slices.Repeat([]float64{math.NaN()}, len(kept)-1), nil }
		r.GradientCosine = func(_, _ []int) (float64, error) { return math.NaN(), nil }
		r.Gram = func(_, _ []int) (Gram, error) {
			g, err := everything(6, 3, 2).Gram(span(0, 6), nil)
			g.Q[2][2] = math.NaN()
			return g, err
		}
		if _, err := m.Plan(r); err == nil || !strings.Contains(err.Error(), "is not a number") {
			t.Errorf("%s of NaN: %v", name, err)
		}
	}
	r := everything(6, 3, 2)
	r.Gram = func(_, _ []int) (Gram, error) { return Gram{}, nil }
	if _, err := GradientGram.Plan(r); err == nil || !strings.Contains(err.Error(), "the gradient of layers 0, 5 is 0") {
		t.Errorf("no gradient: %v", err)
	}
}
