package sweep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/internal/units"
	"lamina/kernels"
	"lamina/kernels/replay"
	"lamina/transformer"
)

// Place is where a study would run, for [Study.Check].
type Place struct {
	// Model and Data say where what is called so lies, if it is here; nothing is fetched.
	Model, Data func(name string) (path string, err error)
	Backend     kernels.Backend // on which some calls are measured; nil: no time is estimated
	Available   int             // bytes of memory to a process; 0: not known
}

// Checked is what a study would take.
type Checked struct {
	Study   string       `json:"study"`
	Cells   int          `json:"cells"`
	Rows    []CheckedRow `json:"rows"`
	Missing []string     `json:"missing"` // what is not here
	TooMuch []string     `json:"too_much"`
	// Assumed says which numbers are those of the study file, or of nobody, since files are
	// not here.
	Assumed   []string `json:"assumed,omitempty"`
	Seconds   float64  `json:"seconds"` // of all cells, one after the other; 0: not known
	Available int      `json:"available"`
}

// CheckedRow is a row of a model: what takes most of its cells.
type CheckedRow struct {
	Model   string  `json:"model"`
	Row     string  `json:"row"`
	Cells   int     `json:"cells"`
	Bytes   int     `json:"bytes"`   // of memory, in the cell that takes most
	Length  int     `json:"length"`  // tokens of an example there
	Seconds float64 `json:"seconds"` // of all its cells
}

// Check says what the study would take, without reading a weight: how many cells, the memory
// of each row by a dry run of its largest step, the time by the calls of a step, of which one
// of each kind is made, and what is not there.
func (s *Study) Check(ctx context.Context, here Place) (Checked, error) {
	out := Checked{Study: s.Name, Cells: len(s.List()), Available: here.Available, Missing: []string{}, TooMuch: []string{}}
	tasks := make([]taskData, len(s.Tasks))
	for t := range s.Tasks {
		tasks[t] = s.gather(t, here, &out)
	}
	for m := range s.Models {
		c, err := s.describe(m, here, &out)
		if err != nil {
			return out, err
		}
		if c == nil {
			continue
		}
		err = s.checkModel(ctx, m, c, tasks, here, &out)
		c.Close()
		if err != nil {
			return out, fmt.Errorf("model %s: %w", s.Models[m].Name, err)
		}
	}
	return out, nil
}

// describe opens what is known of a model: its files, else the configuration that the study
// names. Nil where neither is there.
func (s *Study) describe(m int, here Place, out *Checked) (*transformer.Checkpoint, error) {
	model := s.Models[m]
	path, err := s.source.file(model.Path)
	if err == nil {
		path, err = here.Model(path)
	}
	if err == nil && !transformer.IsDescription(path) {
		return transformer.Open(path)
	}
	if err == nil {
		err = fmt.Errorf("%s: has no weights", path)
	} else {
		path = ""
	}
	out.Missing = append(out.Missing, fmt.Sprintf("model %s: %v", model.Name, err))
	if model.Config != "" {
		path, err = s.source.file(model.Config)
		if err != nil || !exists(path) {
			return nil, s.source.errorf(fmt.Sprintf("$.models[%d].config", m), "config: %s: no such file", model.Config)
		}
	}
	if path == "" {
		out.Missing = append(out.Missing, fmt.Sprintf("model %s: how large it is: give config, a config.json", model.Name))
		return nil, nil
	}
	out.Assumed = append(out.Assumed, fmt.Sprintf("model %s: sizes of %s; weights as its configuration says", model.Name, path))
	return transformer.OpenDescription(path)
}

// checkModel adds the rows of a model.
func (s *Study) checkModel(ctx context.Context, m int, c *transformer.Checkpoint, tasks []taskData, here Place, out *Checked) error {
	block := 0.0
	if here.Backend != nil {
		var err error
		if block, err = blockSeconds(ctx, c.Outline(), here.Backend); err != nil {
			return err
		}
	}
	amounts := make([]amount, len(s.Tasks))
	for t := range s.Tasks {
		amounts[t] = s.amount(m, t, c, tasks[t], out)
		amounts[t].on = here.Backend
	}
	for r, recipe := range s.recipes {
		row := CheckedRow{Model: s.Models[m].Name, Row: recipe.Name}
		for t := range s.Tasks {
			setup, _ := s.setup(m, t, r)
			cells := max(len(setup.Rates)*len(s.Seeds), 1) * len(recipe.RowNames())
			if recipe.Trains == study.Nothing {
				cells = 1
			}
			row.Cells += cells
			bytes, seconds, err := s.checkCell(m, t, r, c, amounts[t], block)
			if err != nil {
				return fmt.Errorf("row %s, task %s: %w", recipe.Name, s.Tasks[t].Name, err)
			}
			if bytes > row.Bytes {
				row.Bytes, row.Length = bytes, amounts[t].longest
			}
			row.Seconds += float64(cells) * seconds
		}
		if here.Available > 0 && row.Bytes > here.Available {
			out.TooMuch = append(out.TooMuch, fmt.Sprintf("model %s, row %s: takes %s, and %s are available", row.Model, row.Row, units.Bytes(row.Bytes), units.Bytes(here.Available)))
		}
		out.Seconds += row.Seconds
		out.Rows = append(out.Rows, row)
	}
	return nil
}

// checkCell returns the memory and the time of a cell.
func (s *Study) checkCell(m, t, r int, c *transformer.Checkpoint, a amount, block float64) (bytes int, seconds float64, err error) {
	recipe := s.recipes[r]
	setup, _ := s.setup(m, t, r)
	full := c.Outline()
	p := study.Protocol{Full: full, AnchorEnds: s.AnchorEnds, Recompute: or(setup.Training.Recompute, false), LRs: []float64{1}}
	if p.Settings, err = setup.Training.settings(c.Config); err != nil {
		return 0, 0, err
	}
	if p.TrainAt, err = plan.ParseTrainAt(s.trainAt(s.Models[m])); err != nil {
		return 0, 0, err
	}
	p.Keep, p.Trainable = s.sizes(s.Models[m])
	if keep := cmp.Or(recipe.Keep, p.Keep); keep > c.Config.Layers {
		return 0, 0, fmt.Errorf("keep %d: the model has %d blocks", keep, c.Config.Layers)
	}
	if text := s.Models[m].Plans[s.Tasks[t].Name]; text != "" && recipe.Given {
		if p.Plan, err = plan.Parse(text); err == nil {
			err = p.Plan.Validate(c.Config.Layers)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	need := train.NewNeed(full, a.on)
	if recipe.Trains == study.Nothing {
		return need.Inference, 0, nil // its time is that of the other rows' plug-ins
	}
	trainer, e, err := p.Outline(recipe)
	if err != nil {
		return 0, 0, err
	}
	trainer.Backend = a.on
	settings := trainer.Settings // before the batch is cut to what one pass holds
	if err := need.AddTraining(trainer, e.Decoder, a.longest, min(a.longest, maxTargets)); err != nil {
		return 0, 0, err
	}
	seconds = a.seconds(settings, or(setup.Training.TrainLimit, 0), s.Limit, block, workOf(e), float64(len(full.Blocks)), recipe.Emulates() && !s.PlugInOnly)
	return need.Training, seconds, nil
}

// work is what a row does, in passes of a block, which cost about the same: forward through
// all places, backward through those above the lowest that trains, and the products that make
// gradients of weights.
type work struct{ forward, step float64 }

func workOf(e *emulate.Emulator) work {
	n := len(e.Decoder.Blocks)
	lowest, trained := 0, n
	if e.Plan != nil {
		places := e.Plan.TrainablePlaces()
		lowest, trained = slices.Min(places), len(places)
	}
	return work{float64(n), float64(n + n - lowest + trained)}
}

const (
	// maxTargets is how many tokens of an example are taken to be learned at most.
	maxTargets = 32
	// paceTokens is the size of the step whose calls are measured, and paceTime how long.
	paceTokens = 128
	paceTime   = 200 * time.Millisecond
)

// blockSeconds is the time of a token in a block, forward: the calls of a pass over
// paceTokens tokens are counted on nothing, and one of each kind is made on the device.
func blockSeconds(ctx context.Context, d *transformer.Decoder, on kernels.Backend) (float64, error) {
	length := min(assumedTokens, d.Config.MaxPositions)
	n := max(paceTokens/length, 1)
	o, err := train.Blank(d, n, length, max(length/8, 1))
	if err != nil {
		return 0, err
	}
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	r := replay.NewRecorder()
	if _, err := o.Loss(autograd.NewPass(r), ids); err != nil {
		return 0, err
	}
	seconds, err := replay.Meter{Backend: on, Long: paceTime}.Seconds(ctx, r.Work())
	if err != nil {
		return 0, err
	}
	tokens, _ := o.Size(ids)
	return seconds[0] / float64(tokens) / float64(len(d.Blocks)), nil
}

// seconds is the time of a cell, block being that of a token in a block: steps, validations,
// and scores, of which an emulator that is scored has two and the full model, which is so deep, one.
func (a amount) seconds(s train.Settings, trainLimit, limit int, block float64, w work, depth float64, scored bool) float64 {
	n := a.Train
	if trainLimit > 0 {
		n = min(n, trainLimit)
	}
	n = max(n, 1)
	steps := s.TotalSteps(n)
	learned := float64(steps) * float64(min(s.Batch, n)*a.Tokens)
	validations := float64(steps/cmp.Or(s.EvalEvery, (n-1)/s.Batch+1) + 1)
	documents := a.Test
	if limit > 0 {
		documents = min(documents, limit)
	}
	passes := depth
	if scored {
		passes += 2 * w.forward
	}
	const choice = 0.25 // of a document's tokens, which a further choice adds to the shared context
	perChoice := 1 + choice*float64(max(a.Choices-1, 0))
	return learned*w.step*block + validations*float64(a.Valid*a.Tokens)*w.forward*block + float64(documents*a.Tokens)*perChoice*passes*block
}
