package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"lamina/eval"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/transformer"
)

// amount is how much of a task there is to do.
type amount struct {
	Sizes
	longest int             // tokens
	on      kernels.Backend // where it is computed; nil: the host
}

// taskData are the documents of a task that are here, and whether all are.
type taskData struct {
	train, valid, test []task.Document
	whole              bool
}

// gather reads the data of a task and says what is missing of it.
func (s *Study) gather(t int, here Place, out *Checked) (d taskData) {
	given, prompt := s.Tasks[t], s.tasks[t].prompt
	var faults, parts []string // what is missing, and of which parts
	var support []task.Document
	for _, part := range []struct {
		key, path, split string
		task             task.Task
		into             *[]task.Document
	}{{"train", given.Train, "train", prompt, &d.train}, {"valid", given.Valid, "validation", prompt, &d.valid},
		{"support", given.Support, "validation", s.support(t), &support}, {"test", given.Test, prompt.Split(), prompt, &d.test}} {
		if part.path == "" {
			continue
		}
		docs, err := s.documents(part.path, part.split, part.task, here)
		*part.into = docs
		switch {
		case err == nil:
		case slices.Contains(faults, err.Error()):
			parts[slices.Index(faults, err.Error())] += ", " + part.key
		default:
			faults, parts = append(faults, err.Error()), append(parts, part.key)
		}
	}
	for i, fault := range faults {
		out.Missing = append(out.Missing, fmt.Sprintf("task %s, %s: %s", given.Name, parts[i], fault))
	}
	d.whole = len(faults) == 0
	return d
}

// amount says how much of a task there is for a model, by its documents where they are here.
func (s *Study) amount(m, t int, c *transformer.Checkpoint, d taskData, out *Checked) amount {
	given, a := s.Tasks[t], amount{Sizes: s.Tasks[t].Sizes}
	setup, _ := s.setup(m, t, 0)
	length, err := c.Config.SequenceLength(or(setup.Training.MaxLength, 0))
	if err != nil {
		length = c.Config.MaxPositions
	}
	if d.train != nil {
		a.Train = len(d.train)
		a.measure(&eval.Model{Checkpoint: c, Decoder: c.Outline()}, s.tasks[t].prompt, d.train, length)
	}
	if d.test != nil {
		if a.Test = len(d.test); d.test[0].Shape == task.Choice {
			a.Choices = len(d.test[0].Options)
		}
	}
	switch {
	case given.Valid == "":
		a.Valid = a.Train / 10
	case d.valid != nil:
		a.Valid = len(d.valid)
	}
	if a.longest == 0 || !d.whole {
		a.Tokens, a.longest = cmp.Or(a.Tokens, assumedTokens), cmp.Or(a.longest, length)
		out.Assumed = append(out.Assumed, fmt.Sprintf("model %s, task %s: %d training, %d validation and %d scored documents of %d tokens in the mean, the longest of %d", s.Models[m].Name, given.Name, a.Train, a.Valid, a.Test, a.Tokens, a.longest))
	}
	return a
}

// assumedTokens are those of a document of which nobody says how long it is.
const assumedTokens = 64

// support is the task that support rows are read by.
func (s *Study) support(t int) task.Task {
	if s.tasks[t].support != nil {
		return *s.tasks[t].support
	}
	return s.tasks[t].prompt
}

// documents reads those of a part that is here.
func (s *Study) documents(name, split string, t task.Task, here Place) ([]task.Document, error) {
	path, err := s.source.file(name)
	if err == nil {
		path, err = here.Data(path)
	}
	if err != nil {
		return nil, err
	}
	docs, _, err := eval.Data{Path: path, Split: split}.Documents(t, 0)
	if err == nil && len(docs) == 0 {
		err = errors.New(path + ": no documents")
	}
	return docs, err
}

// measure counts the tokens of training documents, where the model's tokenizer is here.
func (a *amount) measure(m *eval.Model, t task.Task, docs []task.Document, length int) {
	pairs, _, err := m.Examples(t, docs, task.FormatScoring, length, task.OverlongCut)
	if err != nil {
		return
	}
	sum := 0
	for _, p := range pairs {
		n := len(p.Context) + len(p.Target)
		sum += n
		a.longest = max(a.longest, n)
	}
	a.Tokens = max(sum/len(pairs), 1)
}
