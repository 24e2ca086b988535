package study

import (
	"fmt"
	"slices"

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
	Ready    Ready        // an emulator that was made beforehand, whose plan Plan is
	Sharing  plan.Sharing // fills the places of removed layers
	Repair   plan.Repair  // fills the gaps that removed layers leave; "": nothing does
	Trains   Trains       // what is trained, and comes back
	Restored bool         // no layer is removed: the chosen ones are trained inside the full model
	Given    bool         // where the experiment is given a plan, the row takes that instead of what its method chooses
	Draws    int          // so many rows of this kind, each with a seed of its own; 0: one
	Keep     int          // so many layers stay, whatever the protocol says; 0: as it says

	// Compress makes the frozen layers smaller; the zero value: nothing does. Without an
	// amount, where its kind has one, it makes them as much smaller as [emulate.EqualShare]
	// says: the emulator of FullDepth holds no more weights than one of the kept layers.
	Compress  plan.Transform
	FullDepth bool // no layer is removed: those that are not chosen to train are made smaller

	// OwnerTrains says that the model owner trains the emulator before handing it out: the
	// row is not free of training, as those are that cut, share or solve for something.
	OwnerTrains bool

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
	{Name: "share-damped", Help: "crash, removed places filled with the nearest layer, scaled as fits best",
		Method: plan.CRaSh, Given: true, Sharing: plan.ShareDamped, Trains: Starred},
	{Name: "sleb", Help: plan.SLEB.Help, Method: plan.SLEB, Trains: Starred},
	{Name: "gradient-fidelity", Help: plan.GradientFidelity.Help, Method: plan.GradientFidelity, Trains: Starred},
	{Name: "crash-ghost", Help: "crash, a linear map in each gap", Method: plan.CRaSh, Given: true, Repair: plan.Repair(plan.Ghost), Trains: Starred},
	{Name: "sleb-ghost", Help: "sleb, likewise", Method: plan.SLEB, Repair: plan.Repair(plan.Ghost), Trains: Starred},
	{Name: "uniform-ghost", Help: "uniform, likewise", Method: plan.Uniform, Repair: plan.Repair(plan.Ghost), Trains: Starred},
	{Name: "patch", Help: "crash, a scale for each channel in each gap", Method: plan.CRaSh, Given: true, Repair: plan.Repair(plan.Patch), Trains: Starred},
	{Name: "replaceme", Help: "crash, each gap behind a frozen block folded into its MLP",
		Method: plan.CRaSh, Given: true, Repair: plan.FoldRepair, Trains: Starred},
	{Name: "svd", Help: "the layers of crash trained, of every other one two factors, with as many weights in all as crash",
		Method: plan.CRaSh, Given: true, Compress: plan.Transform{Name: "svd"}, FullDepth: true, Trains: Starred},
	{Name: "asvd", Help: "svd, by what each layer is given",
		Method: plan.CRaSh, Given: true, Compress: plan.Transform{Name: "asvd"}, FullDepth: true, Trains: Starred},
	{Name: "nystrom", Help: "svd, but of every other layer fewer channels of the MLP", Method: plan.CRaSh, Given: true,
		Compress: plan.Transform{Name: "width"}, FullDepth: true, Trains: Starred},
	{Name: "gradot", Help: "svd, but of every other layer directions of attention and channels of the MLP by GradOT's score",
		Method: plan.CRaSh, Given: true, Compress: plan.Transform{Name: "gradot"}, FullDepth: true, Trains: Starred},
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

func (r Recipe) repairs() bool { return r.Repair != "" && r.Repair != plan.NoRepair }

// changes reports whether something is made of the plan that a method chooses.
func (r Recipe) changes() bool {
	return r.Sharing != plan.ShareNone || r.repairs() || r.Compress.Name != "" || r.FullDepth
}

// advised returns the recipe with the method that its own stands for where so many layers
// stay, and with what that method wants made of its plan, where the recipe asks for nothing
// else and layers are left out.
func (r Recipe) advised(q plan.Request) Recipe {
	a, ok := r.Method.Advice(q)
	if !ok {
		return r
	}
	r.Method = r.Method.As(q)
	if !r.Restored && !r.FullDepth {
		s := plan.Shape{Share: r.Sharing, Repair: r.Repair, Compress: r.Compress}.Or(a.Shape)
		r.Sharing, r.Repair, r.Compress = s.Share, s.Repair, s.Compress
	}
	return r
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
	case r.Keep < 0 || r.Keep > 0 && (!chooses || r.Restored):
		return fmt.Errorf("row %s: %d layers stay: want 1 or more, of an emulator whose layers a method chooses", r.Name, r.Keep)
	case r.changes() && (r.Restored || !chooses):
		return fmt.Errorf("row %s: sharing, repair and compression are of emulators whose layers a method chooses", r.Name)
	case r.Sharing != plan.ShareNone && r.repairs():
		return fmt.Errorf("row %s: shared places leave no gap to repair", r.Name)
	case r.FullDepth && (r.Sharing != plan.ShareNone || r.repairs() || r.Compress.Name == ""):
		return fmt.Errorf("row %s: of full depth there is nothing to share or repair, and layers are made smaller: want a compression alone", r.Name)
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
