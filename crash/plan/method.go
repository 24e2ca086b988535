package plan

import (
	"fmt"
	"slices"
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
	// TrainAt is where layers train if nobody says so; the zero value: at the centres.
	TrainAt TrainAt
	// Options are the numbers that can be set, by name; see [Request.Option].
	Options []Option
	// Cost returns how often Choose runs the model; nil: as often as its needs do, once.
	Cost func(Request) Cost
	// Trainable is how many layers train where nobody says, or all that stay if they are
	// fewer; 0: somebody has to say.
	Trainable int
	// Advised are what the method stands for, by the share of layers that stay: needs,
	// options, costs and choice are those of [Method.As], and [Method.Advice] says what the
	// method wants made of its plan. nil: it stands for itself.
	Advised []Advice

	// Choose returns as many kept and starred layers as asked. It is called through
	// [Method.Plan], which has checked the request and puts the stars elsewhere where
	// the request says where they stand. It heeds [Request.Fixed].
	Choose func(Request) (Choice, error)
}

// Methods are the ways of choosing, as they are offered.
var Methods = []Method{
	Uniform, UniformLearnable, Random, Normal, LeftNormal, RightNormal, InverseNormal, Fixed,
	CRaSh, HierarchicalSingle, HierarchicalAverage, HierarchicalComplete, IterativeDrop,
	BlockInfluence, Angular, Streamline, SLEB, SLEBAnswer, Shapley, GradientFidelity, GradientGram,
	Auto,
}

// Choice is what a method decided: the plan, and what it was made of where there is
// something to show, else nil.
type Choice struct {
	Plan     Plan    `json:"plan"`
	Clusters [][]int `json:"clusters,omitempty"`   // of methods that cluster: the layers of each, ascending
	Centres  []int   `json:"centres,omitempty"`    // the one of each that stays
	Merges   []Merge `json:"dendrogram,omitempty"` // of methods that build a tree of clusters
	Steps    []Step  `json:"steps,omitempty"`      // of methods that score: each decision, in order
}

// Step is one decision of a method that scores: what could be removed, and what was.
type Step struct {
	Removed    []int       `json:"removed"`
	Score      float64     `json:"score,omitempty"` // of what was removed, together
	Candidates []Candidate `json:"candidates"`
}

// Candidate is what could be removed at a step, and its score: the least one wins, of
// equal ones the first.
type Candidate struct {
	Removed []int   `json:"removed"`
	Score   float64 `json:"score"`
}

// Runs shows the clusters as runs of layers: 0 | 1-3 | 4-5, or 0,4-5 where one has a
// hole.
func (c Choice) Runs() string {
	clusters := make([]string, len(c.Clusters))
	for i, layers := range c.Clusters {
		var runs []string
		for first := 0; first < len(layers); {
			last := first
			for last+1 < len(layers) && layers[last+1] == layers[last]+1 {
				last++
			}
			run := fmt.Sprint(layers[first])
			if last > first {
				run += fmt.Sprintf("-%d", layers[last])
			}
			runs, first = append(runs, run), last+1
		}
		clusters[i] = strings.Join(runs, ",")
	}
	return strings.Join(clusters, " | ")
}

// String shows people what the choice was made of, in lines: nothing of a method that
// measures nothing.
func (c Choice) String() string {
	var b strings.Builder
	if c.Clusters != nil {
		fmt.Fprintf(&b, "clusters: %s\ncentres: %s\n", c.Runs(), strings.Trim(fmt.Sprint(c.Centres), "[]"))
	}
	for _, s := range c.Steps {
		fmt.Fprintf(&b, "removed: %s", listText(s.Removed))
		if s.Score != 0 {
			fmt.Fprintf(&b, " (%.6g)", s.Score)
		}
		b.WriteByte('\n')
	}
	return b.String()
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
func (m Method) Reads(n Need) bool { return slices.Contains(m.Needs, n) }

// Plan chooses. It is an error if the sizes do not fit each other, if a
// measurement is missing, of another size or not a number, if something is asked that
// the method does not know, and if what was chosen is not what was asked for.
func (m Method) Plan(r Request) (Choice, error) {
	m = m.As(r)
	if err := m.check(&r); err != nil {
		return Choice{}, err
	}
	c, err := m.Choose(r)
	if err != nil {
		return Choice{}, fmt.Errorf("method %s: %w", m.Name, err)
	}
	if r.TrainAt != (TrainAt{}) && len(c.Plan) > 0 {
		c.Plan = r.restarred(c.Plan)
	}
	if err := c.Plan.Validate(r.Layers); err != nil {
		return Choice{}, fmt.Errorf("method %s: %w", m.Name, err)
	}
	if kept, starred := len(c.Plan.Kept()), len(c.Plan.Trainable()); kept != r.Keep || starred != r.Trainable {
		return Choice{}, fmt.Errorf("plan: method %s keeps %d layers and trains %d: want %d and %d", m.Name, kept, starred, r.Keep, r.Trainable)
	}
	return c, nil
}

// check tests a request before anything is chosen, and notes in it which layers train.
func (m Method) check(r *Request) error {
	if err := m.checkSizes(r); err != nil {
		return err
	}
	if err := r.setOptions(m); err != nil {
		return err
	}
	for _, n := range m.Needs {
		if !r.Has(n) {
			return fmt.Errorf("plan: method %s needs the %s of layers", m.Name, n)
		}
	}
	if err := r.checkMatrices(); err != nil {
		return err
	}
	return r.setTrained(m)
}

// checkSizes tests that the numbers of a request fit each other.
func (m Method) checkSizes(r *Request) error {
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
	return nil
}

// starEvenly stars trainable of the kept layers, N of them in ascending order, at
// positions ⌈i·(N-1)/(trainable-1)⌉; one alone at the last. The rule is read off
// the index sets that the authors of CRaSh published.
func starEvenly(kept []int, trainable int) Plan {
	plan := planOf(kept)
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

// planOf returns the plan that keeps layers and trains none.
func planOf(kept []int) Plan {
	plan := make(Plan, len(kept))
	for i, layer := range kept {
		plan[i].Layer = layer
	}
	return plan
}
