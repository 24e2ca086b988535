package sweep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lamina/crash/study"
)

// said lists the settings of the study, as its file has them.
func (s *Study) said() (all []Setting) {
	add := func(name, format string, values ...any) {
		all = append(all, Setting{name, fmt.Sprintf(format, values...)})
	}
	for _, m := range s.Models {
		keep, trainable := s.sizes(m)
		where := s.trainAt(m)
		if where != "" {
			where = ", at " + where
		}
		add("Model "+m.Name, "%s; %d blocks kept, %d trained%s", m.Path, keep, trainable, where)
	}
	for i, t := range s.Tasks {
		prompt := s.tasks[i].prompt.Name()
		if prompt == "" {
			prompt = "none, the files verbatim"
		}
		held := "a seeded tenth of the training rows"
		if t.Valid != "" {
			held = t.Valid
		}
		add("Task "+t.Name, "prompt %s; trained on %s; rates and checkpoints chosen on %s; scored on %s", prompt, t.Train, held, t.Test)
	}
	add("Seeds", "%s", listed(s.Seeds))
	if text := s.measuring(); text != "" {
		add("Measuring", "%s", text)
	}
	for m := range s.Models {
		for _, group := range s.trainings(m) {
			add("Training of "+s.Models[m].Name+", "+listed(group.rows), "%s", group.text)
		}
	}
	return all
}

// measuring lists what the study says of choosing layers and of scoring.
func (s *Study) measuring() string {
	var parts []string
	add := func(given bool, format string, values ...any) {
		if given {
			parts = append(parts, fmt.Sprintf(format, values...))
		}
	}
	add(s.Pool != "", "pool %s", s.Pool)
	add(s.Tokens != "", "tokens %s", s.Tokens)
	add(s.Samples > 0, "samples %d", s.Samples)
	add(len(s.PlugAt) > 0, "plug_at %s", listed(s.PlugAt))
	add(s.PlugInOnly, "plug_in_only: emulators by themselves are not scored")
	add(s.Limit > 0, "limit: the first %d documents of a task are scored", s.Limit)
	add(s.Rules != "", "rules %s", s.Rules)
	add(s.Precision != "", "precision %s", s.Precision)
	return strings.Join(parts, ", ")
}

// training is what several rows have in common.
type training struct {
	text string
	rows []string // and the task, where it is not so on every one
}

// trainings groups the rows of a model by how they train.
func (s *Study) trainings(m int) (groups []training) {
	add := func(text, row string) {
		at := slices.IndexFunc(groups, func(g training) bool { return g.text == text })
		if at < 0 {
			at, groups = len(groups), append(groups, training{text: text})
		}
		groups[at].rows = append(groups[at].rows, row)
	}
	for r, recipe := range s.recipes {
		if recipe.Trains == study.Nothing {
			continue
		}
		var texts []string
		for t := range s.Tasks {
			setup, _ := s.setup(m, t, r)
			texts = append(texts, fmt.Sprintf("rates %s; %s", listed(setup.Rates), setup.Training))
		}
		if len(slices.Compact(slices.Clone(texts))) == 1 {
			add(texts[0], recipe.Name)
			continue
		}
		for t, text := range texts {
			add(text, recipe.Name+" on "+s.Tasks[t].Name)
		}
	}
	return groups
}

func listed[T any](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// String lists what is given.
func (t Training) String() string {
	var parts []string
	add := func(name string, given bool, value func() string) {
		if given {
			parts = append(parts, name+" "+value())
		}
	}
	number := func(name string, v *int) { add(name, v != nil, func() string { return strconv.Itoa(*v) }) }
	share := func(name string, v *float64) { add(name, v != nil, func() string { return fmt.Sprintf("%g", *v) }) }
	word := func(name string, v *string) { add(name, v != nil, func() string { return *v }) }
	yes := func(name string, v *bool) { add(name, v != nil, func() string { return strconv.FormatBool(*v) }) }
	number("epochs", t.Epochs)
	number("steps", t.Steps)
	number("batch", t.Batch)
	number("micro_batch", t.MicroBatch)
	word("schedule", t.Schedule)
	number("warmup", t.Warmup)
	share("clip", t.Clip)
	share("weight_decay", t.WeightDecay)
	share("dropout", t.Dropout)
	share("proximal", t.Proximal)
	share("drop_span", t.DropSpan)
	share("gap_noise", t.GapNoise)
	number("eval_every", t.EvalEvery)
	yes("no_shuffle", t.NoShuffle)
	number("max_length", t.MaxLength)
	number("train_limit", t.TrainLimit)
	word("overlong", t.Overlong)
	word("format", t.Format)
	yes("recompute", t.Recompute)
	return strings.Join(parts, ", ")
}
