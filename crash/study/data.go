package study

import (
	"cmp"
	"fmt"

	"lamina/eval"
	"lamina/eval/task"
)

// Data says where the examples of a study come from. What is scored is read for nothing
// else; training, validation and support rows that come of one file are disjoint.
type Data struct {
	Train, Test eval.Data
	Valid       eval.Data // without a path: a seeded tenth of Train
	Support     eval.Data // likewise, at most 512 documents

	Task task.Task
	// SupportTask is how the rows of Support are read, nil: by Task. They need not be of
	// the task that is trained: the paper takes another one of its kind.
	SupportTask *task.Task
	Rules       task.Rules    // of scoring
	Format      task.Format   // of training text
	Overlong    task.Overlong // of training and validation rows whose targets are too long
	MaxLength   int           // tokens of an example, contexts are cut from the left; 0: the model's positions
	TrainLimit  int           // only so many training documents; 0: all
	Limit       int           // score only the first documents; 0: all
}

// identities are the data as config.json states them.
type identities struct {
	Train   eval.Identity  `json:"train"`
	Test    eval.Identity  `json:"test"`
	Valid   *eval.Identity `json:"valid,omitempty"`
	Support *eval.Identity `json:"support,omitempty"`
}

// identify digests the files that are named.
func (d Data) identify() (ids identities, err error) {
	if ids.Train, err = d.Train.Identify(d.Task); err != nil {
		return ids, err
	}
	if ids.Test, err = d.Test.Identify(d.Task); err != nil {
		return ids, err
	}
	for _, f := range []struct {
		from eval.Data
		task task.Task
		into **eval.Identity
	}{{d.Valid, d.Task, &ids.Valid}, {d.Support, d.supportTask(), &ids.Support}} {
		if f.from.Path == "" {
			continue
		}
		id, err := f.from.Identify(f.task)
		if err != nil {
			return ids, err
		}
		*f.into = &id
	}
	return ids, nil
}

// overlaps warns of each pair of parts that are the same documents and must not be.
func (ids identities) overlaps() (warnings []string) {
	for _, p := range []struct {
		a    *eval.Identity
		flag string
		use  string
		b    *eval.Identity
		same string
	}{
		{&ids.Train, "--train", "trained on", &ids.Test, "--test"},
		{ids.Valid, "--valid", "by which rates and weights are chosen", &ids.Test, "--test"},
		{ids.Support, "--support", "from which the plan is made", &ids.Test, "--test"},
		{&ids.Train, "--train", "trained on", ids.Valid, "--valid"},
	} {
		if p.a != nil && p.b != nil && p.a.SHA256 == p.b.SHA256 {
			warnings = append(warnings, fmt.Sprintf("%s: the documents of %s are those of %s, %s: the table promises more than is so; name others", p.b.Name, p.same, p.flag, p.use))
		}
	}
	return warnings
}

// supportTask is how the support rows are read. Those that come of Train are of its task.
func (d Data) supportTask() task.Task {
	if d.SupportTask == nil || d.Support.Path == "" {
		return d.Task
	}
	return *d.SupportTask
}

// read fills in the examples of a protocol; its seed decides what is held out.
func (d Data) read(m *eval.Model, p *Protocol) error {
	length := cmp.Or(d.MaxLength, m.Config.MaxPositions)
	train, valid, support, err := d.split(m, p.Seed)
	if err != nil {
		return err
	}
	if d.TrainLimit > 0 && d.TrainLimit < len(train) {
		train = train[:d.TrainLimit]
	}
	var fits [2]eval.Fits
	if p.Train, fits[0], err = m.Examples(d.Task, train, d.Format, length, d.Overlong); err != nil {
		return err
	}
	if p.Valid, fits[1], err = m.Examples(d.Task, valid, d.Format, length, d.Overlong); err != nil {
		return err
	}
	p.skipped = fits[0].Skipped + fits[1].Skipped
	if p.Support, err = NewSupport(m, d.supportTask(), support, length, d.Overlong); err != nil {
		return err
	}
	test, _, err := m.Documents(d.Task, d.Test, d.Limit)
	if err != nil {
		return err
	}
	if test[0].Shape == task.Text {
		return fmt.Errorf("%s: %v documents have no right answer, which the table counts: lamina eval gives their perplexity", d.Test.Path, task.Text)
	}
	e, err := m.Encoder(test[0].Shape)
	if err != nil {
		return err
	}
	if p.Test, err = task.EncodeAll(d.Task, test, e, task.Setting{Rules: d.Rules, Stop: m.StopTokens()}, length); err != nil {
		return err
	}
	_, err = m.SetAnswers(p.Test)
	return err
}

// split reads the documents that are not scored and holds out what no file is named for.
func (d Data) split(m *eval.Model, seed uint64) (train, valid, support []task.Document, err error) {
	all, _, err := m.Documents(d.Task, d.Train, 0)
	if err != nil {
		return nil, nil, nil, err
	}
	parts, err := task.Split(len(all), seed, d.Valid.Path == "", d.Support.Path == "")
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", d.Train.Path, err)
	}
	pick := func(ids []int) []task.Document {
		docs := make([]task.Document, len(ids))
		for i, id := range ids {
			docs[i] = all[id]
		}
		return docs
	}
	train, valid, support = pick(parts.Train), pick(parts.Valid), pick(parts.Support)
	if d.Valid.Path != "" {
		if valid, _, err = m.Documents(d.Task, d.Valid, 0); err != nil {
			return nil, nil, nil, err
		}
	}
	if d.Support.Path != "" {
		support, _, err = m.Documents(d.supportTask(), d.Support, 0)
	}
	return train, valid, support, err
}
