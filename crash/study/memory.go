package study

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/crash/train"
	"lamina/internal/units"
	"lamina/nn"
)

// Smaller is a run that takes less memory than another.
type Smaller struct {
	How     string // flags, or what else to do
	Comes   string // of the weights that come out: one of the three below
	Trainer *train.Trainer
}

// What comes of [Smaller.How]. A gradient summed by parts of a batch is the same sum, in
// which products of matrices add in another order.
const (
	sameBits  = "the same weights come out"
	sameSum   = "the same weights but for rounding"
	otherwise = "and trains something else"
)

// shortener is an objective whose examples can be cut, as --max-length does.
type shortener interface {
	Longest() (tokens, least int)
	Shortened(most int) train.Objective
}

// smaller lists what a trainer's own settings can do for its memory.
func smaller(t *train.Trainer, need train.Memory) (ways []Smaller) {
	add := func(how string, comes string, change func(t *train.Trainer)) {
		again := *t
		change(&again)
		ways = append(ways, Smaller{how, comes, &again})
	}
	cut := min(t.Settings.Batch, t.Train.Len()) > 1 && t.Settings.MicroBatch != 1 && t.Settings.Private == nil
	one := func(t *train.Trainer) { t.Settings.MicroBatch = 1 }
	recompute := func(t *train.Trainer) { t.Recompute = true }
	if cut {
		add("--micro-batch 1", sameSum, one)
	}
	if !t.Recompute {
		add("--recompute", sameBits, recompute)
	}
	if cut && !t.Recompute {
		add("--micro-batch 1 --recompute", sameSum, func(t *train.Trainer) { one(t); recompute(t) })
	}
	if need.Streams > 0 {
		add("--cache-prefix off", sameBits, func(t *train.Trainer) { t.Train, t.Valid = train.Unkept(t.Train), train.Unkept(t.Valid) })
	}
	if s, ok := t.Train.(shortener); ok {
		longest, least := s.Longest()
		if half := max(longest/2, least); half < longest {
			add(fmt.Sprintf("--max-length %d", half), otherwise, func(t *train.Trainer) { t.Train = s.Shortened(half) })
		}
	}
	return ways
}

// TooLarge is the error of a run that takes more memory than there is.
type TooLarge struct{ text string }

func (e *TooLarge) Error() string { return e.text }

// CheckMemory refuses a run that takes more memory than there is, process bytes beside the
// trainer's, and names ways to take less, each with what it would take: those of the
// trainer's settings, and others. What is available, to the whole process, is 0 where the
// system does not say. The refusal is a [*TooLarge].
func CheckMemory(t *train.Trainer, process, available int, others ...Smaller) error {
	need, err := t.Memory()
	if err != nil {
		return err
	}
	total := need.Total() + process
	if available == 0 || total <= available {
		return nil
	}
	parts := []string{
		"frozen weights " + units.Bytes(need.Frozen), "trained ones with gradient and moments " + units.Bytes(need.Trained),
		"activations of the longest batch " + units.Bytes(need.Pass),
	}
	if need.Streams > 0 {
		parts = append(parts, "streams kept of frozen places "+units.Bytes(need.Streams))
	}
	remedy, err := remedies(append(smaller(t, need), others...), process, total, available)
	if err != nil {
		return err
	}
	return &TooLarge{fmt.Sprintf("training takes about %s (%s, the rest %s) and %s are available: %s; --overcommit tries anyway",
		units.Bytes(total), strings.Join(parts, ", "), units.Bytes(process), units.Bytes(available), remedy)}
}

// mostWays is how many are named.
const mostWays = 3

// remedies tells of ways that take less than a total: those that fit, in their order, else
// those that take least.
func remedies(ways []Smaller, process, total, available int) (string, error) {
	type way struct {
		Smaller
		bytes int
	}
	var fit, rest []way
	for _, w := range ways {
		need, err := w.Trainer.Memory()
		if err != nil {
			return "", err
		}
		switch bytes := need.Total() + process; {
		case bytes <= available:
			fit = append(fit, way{w, bytes})
		case bytes < total:
			rest = append(rest, way{w, bytes})
		}
	}
	slices.SortStableFunc(rest, func(a, b way) int { return cmp.Compare(a.bytes, b.bytes) })
	var texts []string
	for _, w := range append(fit, rest...)[:min(mostWays, len(fit)+len(rest))] {
		text := fmt.Sprintf("%s takes %s", w.How, units.Bytes(w.bytes))
		switch {
		case w.bytes > available && w.Comes != otherwise:
			text += " (too much as well)"
		case w.bytes > available:
			text += " (too much as well, " + otherwise + ")"
		default:
			text += " (" + w.Comes + ")"
		}
		texts = append(texts, text)
	}
	if len(fit) == 0 {
		texts = append(texts, "nothing of this fits: free memory, or take a smaller model")
	}
	return strings.Join(texts, "; "), nil
}

// Planned is what a run was said to hold at its peak, in bytes.
type Planned struct {
	train.Memory
	Process int `json:"process"` // beside the trainer's
	Total   int `json:"total"`
}

func plannedOf(t *train.Trainer, process int) (*Planned, error) {
	m, err := t.Memory()
	return &Planned{m, process, m.Total() + process}, err
}

// CheckMemory is [CheckMemory] of a fine-tuning, after Load.
func (f *Finetuning) CheckMemory(available int) (err error) {
	if f.planned, err = plannedOf(f.Trainer, f.Model.Config.ProcessMemory()); err != nil {
		return err
	}
	return CheckMemory(f.Trainer, f.Model.Config.ProcessMemory(), available, f.fewer()...)
}

// fewer is the training of the highest starred place alone, of several.
func (f *Finetuning) fewer() []Smaller {
	if f.attached != nil {
		return f.fewerBeside()
	}
	e := f.Part
	places, what := e.Plan.TrainablePlaces(), "one starred block"
	if e.Plan == nil {
		for place := range e.Decoder.Blocks {
			places = append(places, place)
		}
		what = "--plan with one starred block"
	}
	if len(places) < 2 && e.Plan != nil || len(places) == 0 {
		return nil
	}
	last := slices.Max(places)
	again := *f.Trainer
	again.Params = nn.ParamsOf(e.Decoder.Blocks[last])
	return []Smaller{{fmt.Sprintf("%s, of place %d,", what, last), otherwise, &again}}
}

// fewerBeside is that of what PEFT trains in the highest layer alone, of several.
func (f *Finetuning) fewerBeside() []Smaller {
	of := map[int][]*autograd.Parameter{}
	for w := range f.Trainer.Params {
		layer, _, _ := f.Model.Config.SplitLayerName(w.Name)
		of[layer] = append(of[layer], w)
	}
	if len(of) < 2 {
		return nil
	}
	last := slices.Max(slices.Collect(maps.Keys(of)))
	again := *f.Trainer
	again.Params = nn.List(of[last]...)
	return []Smaller{{fmt.Sprintf("--layers %d", last), otherwise, &again}}
}

// CheckMemory is [CheckMemory] of a distillation, after Load.
func (d *Distillation) CheckMemory(available int) error {
	var ways []Smaller
	var err error
	if d.planned, err = plannedOf(d.Trainer, d.Model.Config.ProcessMemory()); err != nil {
		return err
	}
	if d.Weights.PPD > 0 && !d.Kind.Local && d.Weights.LM+d.Weights.KD > 0 {
		weights := d.Weights
		weights.PPD = 0
		objective, err := d.Kind.Objective(d.Part, d.Model.Decoder, d.objective.Rows(), weights)
		if err != nil {
			return err
		}
		again := *d.Trainer
		again.Train, again.Held = objective, objective.Held(again.Params)
		ways = append(ways, Smaller{"--ppd 0", otherwise, &again})
	}
	return CheckMemory(d.Trainer, d.Model.Config.ProcessMemory(), available, ways...)
}
