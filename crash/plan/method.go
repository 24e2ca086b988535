package plan

import (
	"fmt"
	"strings"
)

// Method is a way of choosing the layers that an emulator keeps and trains. A new
// one is a value in a file of its own and a line in [Methods]: command line, help,
// checks and the rows of a study follow from its fields.
type Method struct {
	Name string // one word, as it stands on the command line
	Help string // what it keeps, half a sentence

	// Needs are the measurements that Choose reads from the request.
	Needs []Need
	// AnchorEnds says that Choose heeds the request's field of that name.
	AnchorEnds bool

	// Choose returns as many kept and starred layers as asked. It is called through
	// [Method.Plan], which has checked the request.
	Choose func(Request) (Choice, error)
}

// Methods are the ways of choosing, as they are offered.
var Methods = []Method{Uniform, UniformLearnable, Random, CRaSh}

// Need is a measurement of the full model that a method reads. Its text is the
// name of the command that makes it and of the flag that brings it.
type Need string

// NeedSimilarity is the likeness of all hidden states: [Request.Similarity].
const NeedSimilarity Need = "similarity"

// Request is what a method chooses from: sizes, and what was measured.
type Request struct {
	Layers    int // of the full model
	Keep      int // of them stay, the trained ones included
	Trainable int // of those train

	AnchorEnds bool   // keep the first and the last layer whatever the rule says
	Seed       uint64 // of methods that draw

	// Similarity is a matrix [L+1 L+1] of the likeness of hidden states, entry 0 the
	// embedding output, entry i the output of layer i-1. Nil where it was not measured.
	Similarity [][]float64
}

// has reports whether the request brings a measurement.
func (r Request) has(n Need) bool { return n == NeedSimilarity && r.Similarity != nil }

// Choice is what a method decided: the plan, and for methods that cluster the runs
// of layers and the centre of each, else nil.
type Choice struct {
	Plan     Plan
	Clusters [][]int
	Centres  []int
}

// Runs shows the clusters as runs of layers: 0 | 1-3 | 4-5.
func (c Choice) Runs() string {
	runs := make([]string, len(c.Clusters))
	for i, layers := range c.Clusters {
		runs[i] = fmt.Sprint(layers[0])
		if last := layers[len(layers)-1]; last > layers[0] {
			runs[i] = fmt.Sprintf("%d-%d", layers[0], last)
		}
	}
	return strings.Join(runs, " | ")
}

// Named returns the method of that name among methods.
func Named(methods []Method, name string) (Method, error) {
	for _, m := range methods {
		if m.Name == name {
			return m, nil
		}
	}
	return Method{}, fmt.Errorf("plan: method %.64q is unknown: want %s", name, strings.Join(Names(methods), ", "))
}

// Names returns the names of the methods, in order.
func Names(methods []Method) []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.Name
	}
	return names
}

// Reads reports whether the method needs a measurement.
func (m Method) Reads(n Need) bool {
	for _, have := range m.Needs {
		if have == n {
			return true
		}
	}
	return false
}

// Plan chooses. It is an error if the sizes do not fit each other, if a
// measurement is missing or of another size, if the ends are to be kept by a
// method that does not know how, and if what was chosen is not what was asked for.
func (m Method) Plan(r Request) (Choice, error) {
	if err := m.check(r); err != nil {
		return Choice{}, err
	}
	c, err := m.Choose(r)
	if err != nil {
		return Choice{}, err
	}
	if err := c.Plan.Validate(r.Layers); err != nil {
		return Choice{}, fmt.Errorf("method %s: %w", m.Name, err)
	}
	if kept, starred := len(c.Plan.Kept()), len(c.Plan.Trainable()); kept != r.Keep || starred != r.Trainable {
		return Choice{}, fmt.Errorf("plan: method %s keeps %d layers and trains %d: want %d and %d", m.Name, kept, starred, r.Keep, r.Trainable)
	}
	return c, nil
}

// check tests a request before anything is chosen.
func (m Method) check(r Request) error {
	switch {
	case r.Layers < 1 || r.Layers > maxPlaces:
		return fmt.Errorf("plan: a model of %d layers (--layers): want 1 to %d", r.Layers, maxPlaces)
	case r.Keep < 1 || r.Keep > r.Layers:
		return fmt.Errorf("plan: cannot keep %d of %d layers (--keep of --layers)", r.Keep, r.Layers)
	case r.Trainable < 1 || r.Trainable > r.Keep:
		return fmt.Errorf("plan: cannot train %d of %d kept layers (--trainable of --keep)", r.Trainable, r.Keep)
	case r.AnchorEnds && !m.AnchorEnds:
		return fmt.Errorf("plan: method %s cannot be told to keep both ends", m.Name)
	case r.AnchorEnds && r.Keep < 2 && r.Layers > 1:
		return fmt.Errorf("plan: cannot keep both ends of the model with %d kept layer", r.Keep)
	}
	for _, n := range m.Needs {
		if !r.has(n) {
			return fmt.Errorf("plan: method %s needs the %s of layers", m.Name, n)
		}
	}
	if r.Similarity != nil && len(r.Similarity) != r.Layers+1 {
		return fmt.Errorf("plan: similarity of %d states: want %d, the embedding and one a layer", len(r.Similarity), r.Layers+1)
	}
	for i, row := range r.Similarity {
		if len(row) != len(r.Similarity) {
			return fmt.Errorf("plan: similarity: row %d has %d values: want %d", i, len(row), len(r.Similarity))
		}
	}
	return nil
}

// starEvenly stars trainable of the kept layers, N of them in ascending order, at
// positions ⌈i·(N-1)/(trainable-1)⌉; one alone at the last. The rule is read off
// the index sets that the authors of CRaSh published.
func starEvenly(kept []int, trainable int) Plan {
	plan := make(Plan, len(kept))
	for i, layer := range kept {
		plan[i].Layer = layer
	}
	if trainable == 1 {
		plan[len(plan)-1].Trainable = true
		return plan
	}
	for i := range trainable {
		position := (i*(len(kept)-1) + trainable - 2) / (trainable - 1)
		plan[position].Trainable = true
	}
	return plan
}
