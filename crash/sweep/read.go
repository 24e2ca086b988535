package sweep

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/nn/optim"
	"lamina/transformer"
)

// maxCells bounds a study: a list of so many is still read and written in a moment.
const maxCells = 100_000

// readTask is a task with what its texts mean.
type readTask struct {
	prompt  task.Task
	support *task.Task
}

// Read reads a study file. Rows are of the recipes that are offered. Errors name file,
// line and column; no other file is opened but plans that rows name.
func Read(path string, offered []study.Recipe) (*Study, error) {
	s := &Study{}
	var err error
	if s.source, err = decode(path, s); err != nil {
		return nil, err
	}
	for _, check := range []func() error{s.checkName, s.checkModels, s.checkTasks, func() error { return s.readRows(offered) }, s.checkSizes, s.checkPlans, s.checkSetups} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// named reports whether a text can name a study, a model or a task: it stands in tables and
// in names of files and jobs.
func named(text string) bool {
	const most = 64
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c))
	}) && text[0] != '.' && text[0] != '-'
}

const wantName = "want a name of letters, digits, -, _ and dots, at most 64"

func (s *Study) checkName() error {
	if !named(s.Name) {
		return s.source.errorf("$.study", "study: %.80q: %s", s.Name, wantName)
	}
	return nil
}

func (s *Study) checkModels() error {
	if len(s.Models) == 0 {
		return s.source.errorf("$.models", "models: none: want one or more, each with name and path")
	}
	for i, m := range s.Models {
		at := fmt.Sprintf("$.models[%d]", i)
		switch {
		case !named(m.Name):
			return s.source.errorf(at+".name", "model %d: name %.80q: %s", i+1, m.Name, wantName)
		case slices.ContainsFunc(s.Models[:i], func(o Model) bool { return o.Name == m.Name }):
			return s.source.errorf(at+".name", "model %s comes twice", m.Name)
		case m.Path == "":
			return s.source.errorf(at, "model %s: no path", m.Name)
		case m.Published != "" && published().model(m.Published) == nil:
			return s.source.errorf(at+".published", "published: %.64q is not known: want %s", m.Published, strings.Join(published().models(), ", "))
		}
	}
	return nil
}

func (s *Study) checkTasks() error {
	if len(s.Tasks) == 0 {
		return s.source.errorf("$.tasks", "tasks: none: want one or more, each with name, train and test")
	}
	for i, t := range s.Tasks {
		at := fmt.Sprintf("$.tasks[%d]", i)
		switch {
		case !named(t.Name):
			return s.source.errorf(at+".name", "task %d: name %.80q: %s", i+1, t.Name, wantName)
		case slices.ContainsFunc(s.Tasks[:i], func(o Task) bool { return o.Name == t.Name }):
			return s.source.errorf(at+".name", "task %s comes twice", t.Name)
		case t.Train == "" || t.Test == "":
			return s.source.errorf(at, "task %s: want train and test", t.Name)
		case t.SupportTask != nil && t.Support == "":
			return s.source.errorf(at+".support_task", "task %s: support_task says how support is read, which is not given", t.Name)
		}
		read := readTask{}
		var err error
		if read.prompt, err = namedTask(or(t.Prompt, t.Name)); err != nil {
			return s.source.errorf(at+cmp.Or(map[bool]string{true: ".prompt"}[t.Prompt != nil], ".name"), "task %s: %w; prompt: none takes the file verbatim", t.Name, err)
		}
		if t.SupportTask != nil {
			support, err := namedTask(*t.SupportTask)
			if err != nil {
				return s.source.errorf(at+".support_task", "task %s: %w", t.Name, err)
			}
			read.support = &support
		}
		s.tasks = append(s.tasks, read)
	}
	return nil
}

// namedTask returns a task by its name, none for a file that is taken verbatim.
func namedTask(name string) (task.Task, error) {
	if name == "none" {
		name = ""
	}
	return task.Named(name)
}

// readRows reads the rows one by one, so that what is wrong has a place.
func (s *Study) readRows(offered []study.Recipe) error {
	if len(s.Rows) == 0 {
		return s.source.errorf("$.rows", "rows: none: want one or more of %s", strings.Join(study.Names(offered), ", "))
	}
	words := slices.Clone(s.Rows)
	for i, word := range words {
		at := fmt.Sprintf("$.rows[%d]", i)
		if name, path, ok := strings.Cut(word, "=@"); ok {
			path, err := s.source.file(path)
			if err != nil {
				return s.source.errorf(at, "row %s: %w", name, err)
			}
			words[i] = name + "=@" + path
		}
		all, err := study.Select(offered, words[:i+1], plan.Read)
		if err != nil {
			return s.source.errorf(at, "%w", err)
		}
		if len(all) != i+1 {
			return s.source.errorf(at, "row %s comes twice", word)
		}
		for _, r := range all {
			if !slices.ContainsFunc(s.recipes, func(o study.Recipe) bool { return o.Name == r.Name }) {
				s.recipes = append(s.recipes, r) // in the order of the file
			}
		}
	}
	return nil
}

func (s *Study) checkPlans() error {
	for i, m := range s.Models {
		for name, text := range m.Plans {
			at := fmt.Sprintf("$.models[%d].plans.%s", i, name)
			if where := s.trainAt(m); where != "" {
				return s.source.errorf(at, "plan of %s: says itself which layers train, and train_at says %s: leave out one of them", name, where)
			}
			if r := slices.IndexFunc(s.recipes, func(r study.Recipe) bool { return r.Given && r.Keep > 0 }); r >= 0 {
				return s.source.errorf(at, "plan of %s: row %s would take it, and keeps %d layers whatever it says: leave out one of them", name, s.recipes[r].Name, s.recipes[r].Keep)
			}
			if !slices.ContainsFunc(s.Tasks, func(t Task) bool { return t.Name == name }) {
				return s.source.errorf(at, "plans: task %.64q is not in tasks", name)
			}
			p, err := plan.Parse(text)
			if err == nil {
				err = p.WantStar()
			}
			if err != nil {
				return s.source.errorf(at, "plan of %s: %w", name, err)
			}
			keep, trainable := s.sizes(m)
			if kept, starred := len(p.Kept()), len(p.Trainable()); kept != len(p) || kept != keep || starred != trainable {
				return s.source.errorf(at, "plan of %s: keeps %d layers and trains %d, of %d places: want %d and %d, each once", name, kept, starred, len(p), keep, trainable)
			}
		}
	}
	return nil
}

// trainAt says where blocks of a model train.
func (s *Study) trainAt(m Model) string { return cmp.Or(m.TrainAt, s.TrainAt) }

// sizes returns how many blocks of a model are kept and train.
func (s *Study) sizes(m Model) (keep, trainable int) {
	return cmp.Or(m.Keep, s.Keep), cmp.Or(m.Trainable, s.Trainable)
}

func (s *Study) checkSizes() error {
	for i, m := range s.Models {
		keep, trainable := s.sizes(m)
		at := fmt.Sprintf("$.models[%d]", i)
		if m.Keep == 0 && m.Trainable == 0 {
			at = "$.keep"
		}
		if keep < 1 || trainable < 1 || trainable > keep {
			return s.source.errorf(at, "model %s: keep %d, trainable %d: want 1 or more, and no more to train than are kept", m.Name, keep, trainable)
		}
		for _, r := range s.recipes {
			if r.Keep > 0 && trainable > r.Keep {
				return s.source.errorf("$.rows", "row %s: keeps %d layers, and model %s trains %d: want no more to train than are kept", r.Name, r.Keep, m.Name, trainable)
			}
		}
		if m.TrainAt != "" {
			if _, err := plan.ParseTrainAt(m.TrainAt); err != nil {
				return s.source.errorf(fmt.Sprintf("$.models[%d].train_at", i), "train_at: %w", err)
			}
		}
	}
	seen := map[uint64]bool{}
	for i, seed := range s.Seeds {
		if seen[seed] {
			return s.source.errorf(fmt.Sprintf("$.seeds[%d]", i), "seed %d comes twice: rows that are the same would count as two", seed)
		}
		seen[seed] = true
	}
	if _, err := task.ParseRules(cmp.Or(s.Rules, "0.4")); err != nil {
		return s.source.errorf("$.rules", "rules: %w", err)
	}
	if _, err := s.vectors(); err != nil {
		return s.source.errorf("$.pool", "%w", err)
	}
	if _, err := plan.ParseTrainAt(s.TrainAt); err != nil {
		return s.source.errorf("$.train_at", "train_at: %w", err)
	}
	switch {
	case len(s.Seeds) == 0:
		return s.source.errorf("$.seeds", "seeds: none: want one or more")
	case slices.ContainsFunc(s.PlugAt, func(e float64) bool { return !(e > 0) || math.IsInf(e, 0) }) || !slices.IsSorted(s.PlugAt):
		return s.source.errorf("$.plug_at", "plug_at %v: want epochs above 0, ascending", s.PlugAt)
	case s.Samples < 0:
		return s.source.errorf("$.samples", "samples %d: want 1 or more, or none", s.Samples)
	case s.Limit < 0:
		return s.source.errorf("$.limit", "limit %d: want 1 or more, or none", s.Limit)
	}
	if s.Precision != "" {
		if _, err := kernels.ParsePrecision(s.Precision); err != nil {
			return s.source.errorf("$.precision", "%w", err)
		}
	}
	return nil
}

func (s *Study) vectors() (measure.Vectors, error) {
	return measure.ParseVectors(cmp.Or(s.Pool, "mean_weighted"), cmp.Or(s.Tokens, "plain"))
}

// checkSetups tests the setup of every cell before any model is opened.
func (s *Study) checkSetups() error {
	if err := s.checkOverrides(); err != nil {
		return err
	}
	count := 0
	for m := range s.Models {
		for t := range s.Tasks {
			for r := range s.recipes {
				setup, at := s.setup(m, t, r)
				if s.recipes[r].Trains == study.Nothing {
					count++
					continue
				}
				if count += len(setup.Rates) * len(s.Seeds); count > maxCells {
					return s.source.errorf("$", "more than %d cells: make several studies of it, which may share their --cells", maxCells)
				}
				if err := s.checkSetup(setup, at); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// checkSetup tests one, which stands at a place or is put together of several.
func (s *Study) checkSetup(setup Setup, at string) error {
	if len(setup.Rates) == 0 {
		return s.source.errorf(at+".rates", "rates: none: want one or more")
	}
	for i, rate := range setup.Rates {
		if slices.Contains(setup.Rates[:i], rate) {
			return s.source.errorf(fmt.Sprintf("%s.rates[%d]", at, i), "rate %g comes twice", rate)
		}
		settings, err := setup.Training.settings(transformer.Config{})
		if settings.LR = rate; err == nil {
			err = settings.Validate()
		}
		if err != nil {
			place := at + ".training"
			if !(rate > 0) || math.IsInf(rate, 0) {
				place = fmt.Sprintf("%s.rates[%d]", at, i)
			}
			return s.source.errorf(place, "%s", unflagged.Replace(err.Error()))
		}
	}
	return nil
}

// unflagged says keys for the flags that settings speak of.
var unflagged = strings.NewReplacer("--lr", "rate", "--weight-decay", "weight_decay", "--micro-batch", "micro_batch", "--eval-every", "eval_every",
	"--max-length", "max_length", "--drop-span", "drop_span", "--gap-noise", "gap_noise", "--", "")

func (s *Study) checkOverrides() error {
	for i, o := range s.Overrides {
		at := fmt.Sprintf("$.overrides[%d]", i)
		for k, name := range o.Models {
			if !slices.ContainsFunc(s.Models, func(m Model) bool { return m.Name == name }) {
				return s.source.errorf(fmt.Sprintf("%s.models[%d]", at, k), "model %.64q is not in models", name)
			}
		}
		for k, name := range o.Tasks {
			if !slices.ContainsFunc(s.Tasks, func(t Task) bool { return t.Name == name }) {
				return s.source.errorf(fmt.Sprintf("%s.tasks[%d]", at, k), "task %.64q is not in tasks", name)
			}
		}
		for k, name := range o.Rows {
			if !slices.Contains(study.Names(s.recipes), name) {
				return s.source.errorf(fmt.Sprintf("%s.rows[%d]", at, k), "row %.64q is not in rows", name)
			}
		}
		if o.Rates == nil && o.Training == (Training{}) {
			return s.source.errorf(at, "an override of nothing: want rates or training")
		}
	}
	return nil
}

// setup returns how a cell trains, and the place of the last thing that says so.
func (s *Study) setup(model, t, row int) (setup Setup, at string) {
	setup, at = s.Setup, "$"
	of := func(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
	for i, o := range s.Overrides {
		if of(o.Models, s.Models[model].Name) && of(o.Tasks, s.Tasks[t].Name) && of(o.Rows, s.recipes[row].Name) {
			if o.Rates != nil {
				setup.Rates = o.Rates
			}
			setup.Training, at = setup.Training.over(o.Training), fmt.Sprintf("$.overrides[%d]", i)
		}
	}
	return setup, at
}

// settings are those of a training but for rate and seed.
func (t Training) settings(c transformer.Config) (train.Settings, error) {
	s := train.Settings{
		Epochs: or(t.Epochs, 0), Steps: or(t.Steps, 0), Batch: or(t.Batch, 16), MicroBatch: or(t.MicroBatch, 0),
		Schedule: optim.Kind(or(t.Schedule, string(optim.Constant))), Warmup: or(t.Warmup, 0), Clip: or(t.Clip, 1), WeightDecay: or(t.WeightDecay, 0),
		Dropout: or(t.Dropout, c.Dropout), EvalEvery: or(t.EvalEvery, 0), NoShuffle: or(t.NoShuffle, false),
	}
	s.Proximal, s.DropSpan, s.GapNoise = or(t.Proximal, 0), or(t.DropSpan, 0), or(t.GapNoise, 0)
	switch {
	case t.Epochs != nil && t.Steps != nil:
		return s, fmt.Errorf("epochs and steps: want one of them")
	case or(t.MaxLength, 1) < 1 || or(t.TrainLimit, 1) < 1:
		return s, fmt.Errorf("max_length and train_limit: want 1 or more, or none")
	}
	if _, err := task.ParseFormat(or(t.Format, "scoring")); err != nil {
		return s, err
	}
	_, err := task.ParseOverlong(or(t.Overlong, "error"))
	return s, err
}
