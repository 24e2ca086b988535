package study

import (
	"fmt"
	"slices"
	"strings"

	"lamina/crash/emulate"
	"lamina/crash/plan"
)

// Recipe says how a row of the table is made: which layers stay, how the places of
// the others are filled, what is trained in that decoder and comes back into the
// full model. A new row is a value in [Recipes]; command line, help, checks and
// report follow from its fields.
type Recipe struct {
	Name string // of the row, and of its directory
	Help string // what it shows, half a sentence

	Method   plan.Method  // chooses the layers; without one, and without a Plan, all stay
	Plan     plan.Plan    // of one's own, instead of a method
	Sharing  plan.Sharing // fills the places of removed layers
	Trains   Trains       // what is trained, and comes back
	Restored bool         // no layer is removed: the chosen ones are trained inside the full model
	Given    bool         // where the experiment is given a plan, the row takes that instead of what its method chooses
	Draws    int          // so many rows of this kind, each with a seed of its own; 0: one

	// OwnerTrains says that the model owner trains the emulator before handing it out: the
	// row is not free of training, as those are that cut, share or solve for something.
	OwnerTrains bool

	Compression emulate.Compression // applied to the emulator before it is run or trained; the zero value: none

	// Baseline says that every other emulator is held against this one, whichever comes out
	// best.
	Baseline bool
	// Default says that the row is made where nobody asks for particular ones.
	Default bool
}

// Trains is what a row trains, and so what comes back from the data owner.
type Trains int

// The parts that can be trained.
const (
	Nothing    Trains = iota // the row is a measurement of the model as it is
	Starred                  // the starred layers of the plan: an adapter comes back
	Everything               // every weight, embeddings and head included: the model itself comes back
)

// Recipes are the rows that are offered, in the order they are run: those of the table
// below, and one of every other method that needs nobody to tell it layers.
var Recipes = withMethods(recipes, plan.Methods)

var recipes = []Recipe{
	{Name: "zs", Help: "the full model, untrained", Trains: Nothing, Default: true},
	{Name: "full", Help: "the full model, all of it trained", Trains: Everything, Default: true},
	{Name: "ceiling", Help: "the layers of crash, trained inside the full model: what a plug-in can reach",
		Method: plan.CRaSh, Given: true, Trains: Starred, Restored: true, Default: true},
	{Name: "uniform", Help: "offsite-tuning: evenly spread layers", Method: plan.Uniform, Trains: Starred, Baseline: true, Default: true},
	{Name: "uniform-learnable", Help: "the layers of uniform, others of them trained", Method: plan.UniformLearnable, Trains: Starred},
	{Name: "random", Help: "layers by chance, five draws", Method: plan.Random, Trains: Starred, Draws: 5, Baseline: true},
	{Name: "crash", Help: "centres of clusters", Method: plan.CRaSh, Given: true, Trains: Starred, Baseline: true, Default: true},
	{Name: "share-all", Help: "crash, removed places filled with the nearest layer",
		Method: plan.CRaSh, Given: true, Sharing: plan.ShareAll, Trains: Starred, Default: true},
	{Name: "share-frozen", Help: "crash, removed places filled with frozen layers",
		Method: plan.CRaSh, Given: true, Sharing: plan.ShareFrozen, Trains: Starred, Default: true},
}

// withMethods appends a row for each method that has none by its name.
func withMethods(rows []Recipe, methods []plan.Method) []Recipe {
	for _, m := range methods {
		if !slices.Contains(Names(rows), m.Name) && !m.Reads(plan.NeedList) {
			rows = append(rows, Recipe{Name: m.Name, Help: m.Help, Method: m, Trains: Starred})
		}
	}
	return rows
}

// Names returns the names of recipes, in order.
func Names(recipes []Recipe) []string {
	names := make([]string, len(recipes))
	for i, r := range recipes {
		names[i] = r.Name
	}
	return names
}

// Defaults returns the recipes that are made where nobody asks for particular ones.
func Defaults(recipes []Recipe) []Recipe {
	return slices.DeleteFunc(slices.Clone(recipes), func(r Recipe) bool { return !r.Default })
}

// Select returns the recipes that words ask for: names of offered ones, which come
// back in the order of offered and once, then name=plan for rows with a plan of
// one's own in the order of words. read turns what stands after = into a plan.
func Select(offered []Recipe, words []string, read func(text string) (plan.Plan, error)) ([]Recipe, error) {
	asked := map[string]bool{}
	var own []Recipe
	for _, word := range words {
		name, text, isOwn := strings.Cut(word, "=")
		if isOwn {
			if err := freeName(name, offered, own); err != nil {
				return nil, err
			}
			p, err := read(text)
			if err != nil {
				return nil, fmt.Errorf("row %s: %w", name, err)
			}
			if len(p) == 0 {
				return nil, fmt.Errorf("row %s: %.128q holds no plan", name, text)
			}
			own = append(own, Recipe{Name: name, Help: "a plan of one's own", Plan: p, Trains: Starred})
			continue
		}
		if !slices.Contains(Names(offered), name) {
			return nil, fmt.Errorf("row %.64q is not known (%s); name=PLAN or name=@FILE is one with a plan of your own", name, strings.Join(Names(offered), ", "))
		}
		asked[name] = true
	}
	chosen := slices.DeleteFunc(slices.Clone(offered), func(r Recipe) bool { return !asked[r.Name] })
	return append(chosen, own...), nil
}

// freeName returns an error unless a row of one's own can have this name: it is a
// directory's too, on file systems that take a for A as well, and no other row's.
func freeName(name string, offered, own []Recipe) error {
	const most = 64
	foreign := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if name == "" || len(name) > most || strings.ContainsFunc(name, foreign) {
		return fmt.Errorf("row %.80q: want a name of letters, digits, - and _, at most %d", name, most)
	}
	for _, r := range append(slices.Clone(offered), own...) {
		for _, taken := range append(r.rowNames(), r.Name) {
			if strings.EqualFold(taken, name) {
				return fmt.Errorf("row %q: the name is taken by the row %s", name, r.Name)
			}
		}
	}
	return nil
}

// rowNames returns the names of the rows that a recipe makes.
func (r Recipe) rowNames() []string {
	if r.Draws == 0 {
		return []string{r.Name}
	}
	names := make([]string, r.Draws)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", r.Name, i+1)
	}
	return names
}

// emulates reports whether the row runs a decoder that is not the full model.
func (r Recipe) emulates() bool {
	return !r.Restored && (r.Plan != nil || r.Method.Choose != nil)
}

// check returns an error for a recipe that cannot be made of a model of so many
// layers.
func (r Recipe) check(layers int) error {
	chooses := r.Method.Choose != nil
	switch {
	case r.Name == "":
		return fmt.Errorf("a row without a name")
	case chooses && r.Plan != nil:
		return fmt.Errorf("row %s: a plan and a method, %s: want one of them", r.Name, r.Method.Name)
	case r.Trains == Starred && !chooses && r.Plan == nil:
		return fmt.Errorf("row %s: trains starred layers and has neither method nor plan", r.Name)
	case r.Trains != Starred && r.emulates():
		return fmt.Errorf("row %s: an emulator of which no starred layer is trained", r.Name)
	case r.Draws < 0:
		return fmt.Errorf("row %s: %d draws", r.Name, r.Draws)
	case r.Plan == nil:
		return nil
	}
	if err := r.Plan.Validate(layers); err != nil {
		return fmt.Errorf("row %s: %w", r.Name, err)
	}
	if err := r.Plan.WantStar(); err != nil {
		return fmt.Errorf("row %s: %w", r.Name, err)
	}
	return nil
}

// makeRows returns the rows of a recipe with their plans. Draws are apart in the
// upper half of the seed.
func (r Recipe) makeRows(q plan.Request, choose func(plan.Method, plan.Request) (plan.Choice, error)) ([]variant, error) {
	var rows []variant
	for i, name := range r.rowNames() {
		v := variant{Recipe: r, row: name, plan: plan.Identity(q.Layers, nil)}
		draw := q
		draw.Seed += uint64(i) << 32
		switch {
		case r.Plan != nil:
			v.plan = r.Plan
		case r.Method.Choose != nil:
			chosen, err := choose(r.Method, draw)
			if err != nil {
				return nil, fmt.Errorf("row %s: %w", name, err)
			}
			v.plan, v.clusters = chosen.Plan, chosen.Clusters
		}
		if r.Restored {
			v.plan = plan.Identity(q.Layers, v.plan.Trainable())
		} else if r.Sharing != plan.ShareNone {
			shared, err := plan.Share(v.plan, q.Layers, r.Sharing)
			if err != nil {
				return nil, fmt.Errorf("row %s: %w", name, err)
			}
			v.plan = shared
		}
		rows = append(rows, v)
	}
	return rows, nil
}

// variant is one row before it is run: a recipe, or a draw of it, with its plan.
type variant struct {
	Recipe
	row      string
	plan     plan.Plan
	clusters [][]int
}
