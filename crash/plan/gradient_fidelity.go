package plan

import "fmt"

// GradientFidelity removes one layer after another, each time the one without which the
// gradient of the trained layers stays nearest to the full model's, by 1 - cosine: what
// is trained in an emulator comes back into the full model, so what matters of it is
// which way it pulls. The aim is that of GradOT (arXiv 2507.04455), for whole layers and
// without its approximation. Which layers train must be known first; unless it is said
// they are spread over the model.
var GradientFidelity = Method{
	Name:       "gradient-fidelity",
	Help:       "one layer after another goes, the one whose removal turns the gradient of the trained layers the least",
	Needs:      []Need{NeedGradient},
	AnchorEnds: true,
	TrainAt:    AtSpread,
	Cost:       func(r Request) Cost { return Cost{Backwards: GreedyCost(r) + 1} },
	Choose: aimed(Greedy(func(r Request, kept []int) (float64, error) {
		cosine, err := r.GradientCosine(kept, r.Trained())
		return 1 - cosine, err
	})),
}

// aimed chooses where it is known which layers train.
func aimed(choose func(Request) (Choice, error)) func(Request) (Choice, error) {
	return func(r Request) (Choice, error) {
		if r.Trained() == nil {
			return Choice{}, fmt.Errorf("it has to know which layers train before it removes any: train at ends, first, last, spread, upper, gain or a list")
		}
		return choose(r)
	}
}
