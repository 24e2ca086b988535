package main

import (
	"fmt"
	"slices"

	"lamina/crash/measure"
	"lamina/crash/study"
)

// similarityCommand measures the likeness of hidden states.
type similarityCommand struct {
	Model []string `required:"" sep:"none" placeholder:"PATH" help:"Model: a Hugging Face directory, a .gguf file, or ORG/NAME on the hub. Several times: models side by side, each by itself."`
	With  string   `placeholder:"PATH" help:"Another model, or another checkpoint of this one: every state of the one against every state of the other, on the same rows. Its tokenizer must be the same."`
	Data  string   `placeholder:"PATH" help:"Documents: a file (JSON lines, JSON, CSV, Parquet), a directory of a data set, or its name on the hub; not those the model is tested on."`
	Task  string   `placeholder:"NAME" help:"Prompt of a task; none: the file verbatim."`
	Tasks []string `placeholder:"TASK=PATH" help:"Instead of --data: two data sets or more, each with its task's prompt (PATH alone: verbatim), whose last states are compared with each other."`
	statesFlags
	likenessFlags
	streamFlag
	Plot string `placeholder:"FILE" help:"Draw the matrix and the likeness of neighbours: FILE.svg or FILE.png."`
}

// Run prints the likeness of neighbours; the matrix goes to --json, a picture to --plot.
func (c similarityCommand) Run(s *session) error {
	v, err := c.vectors()
	if err != nil {
		return err
	}
	how, err := c.comparing()
	if err != nil {
		return err
	}
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	switch {
	case c.Data == "" && len(c.Tasks) == 0:
		return usagef("missing flags: --data=PATH")
	case len(c.Tasks) > 0 && (c.Data != "" || c.Task != "" || c.With != "" || len(c.Model) > 1):
		return usagef("--tasks is for one --model, and stands in place of --data and --task")
	case c.With != "" && len(c.Model) > 1:
		return usagef("--with is for one --model, not %d", len(c.Model))
	case len(c.Tasks) > 0:
		return c.tasks(s, v, how)
	case c.With != "":
		return c.two(s, v, how)
	case len(c.Model) > 1:
		return c.several(s, v, how)
	}
	sim, err := c.one(s, c.Model[0], v, how)
	if err != nil {
		return err
	}
	told := struct {
		measure.Similarity
		Blocks    *measure.BlockStructure `json:"blocks,omitempty"`
		Precision string                  `json:"precision"`
	}{sim.Similarity, sim.Blocks, s.Precision}
	if err := s.plot(c.Plot, "similarity", told); err != nil {
		return err
	}
	s.printf("%s", study.SimilarityText(sim.Similarity))
	return s.writeResult("similarity", told)
}

// one measures one model.
func (c similarityCommand) one(s *session, path string, v measure.Vectors, how measure.Comparing) (sim study.ModelSimilarity, err error) {
	t, err := namedTask(c.Task)
	if err != nil {
		return sim, err
	}
	m, err := s.openModel(path)
	if err != nil {
		return sim, err
	}
	rows, err := c.rows(m, t, c.Data)
	if err != nil {
		return sim, err
	}
	states, err := s.observe(m, rows, v, c.Stream, "similarity")
	if err == nil {
		sim, err = study.Similarity(s.ctx, &m.Model.Model, states, how)
	}
	if err != nil {
		return sim, fmt.Errorf("%s: %w", c.Data, err)
	}
	for _, doubt := range []string{how.Doubt(rows), sim.MassiveDoubt()} {
		if doubt != "" {
			s.warn([]string{c.Data + ": " + doubt})
		}
	}
	sim.Model = s.fingerprint(m)
	return sim, nil
}

// several measures models side by side, each by itself.
func (c similarityCommand) several(s *session, v measure.Vectors, how measure.Comparing) error {
	told := struct {
		Models    []study.ModelSimilarity `json:"models"`
		Precision string                  `json:"precision"`
	}{Precision: s.Precision}
	for _, path := range c.Model {
		sim, err := c.one(s, path, v, how)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(told.Models, func(m study.ModelSimilarity) bool { return m.Name == sim.Name }) {
			sim.Name = path
		}
		told.Models = append(told.Models, sim)
	}
	return s.show(c.Plot, "similarity", told)
}

// two measures one model against another.
func (c similarityCommand) two(s *session, v measure.Vectors, how measure.Comparing) error {
	t, err := namedTask(c.Task)
	if err != nil {
		return err
	}
	var models [2]*model
	var rows [2][][]int32
	for i, path := range []string{c.Model[0], c.With} {
		if models[i], err = s.openModel(path); err != nil {
			return err
		}
		if rows[i], err = c.rows(models[i], t, c.Data); err != nil {
			return err
		}
	}
	if err := study.SameRows(c.Model[0], c.With, rows[0], rows[1]); err != nil {
		return err
	}
	var states [2]*measure.States
	for i, m := range models {
		if states[i], err = s.observe(m, rows[i], v, c.Stream, "similarity of "+m.Path); err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
	}
	cross, err := measure.Between(s.ctx, states[0], states[1], how)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	if doubt := how.Doubt(rows[0]); doubt != "" {
		s.warn([]string{c.Data + ": " + doubt})
	}
	cross.Model, cross.With = s.fingerprint(models[0]), s.fingerprint(models[1])
	told := study.PairSimilarity{Names: [2]string{c.Model[0], c.With}, Cross: cross, Precision: s.Precision}
	return s.show(c.Plot, "similarity", told)
}

// tasks compares the last states of several data sets.
func (c similarityCommand) tasks(s *session, v measure.Vectors, how measure.Comparing) error {
	data, err := study.ParseTaskData(c.Tasks)
	if err != nil {
		return usageError{err}
	}
	m, err := s.openModel(c.Model[0])
	if err != nil {
		return err
	}
	features, err := s.observeTasks(m, data, c.statesFlags, v, c.Stream)
	if err != nil {
		return err
	}
	tasks, err := measure.CompareTasks(s.ctx, features, how)
	if err != nil {
		return err
	}
	tasks.Model = s.fingerprint(m)
	told := struct {
		measure.TaskMap
		Precision string `json:"precision"`
	}{tasks, s.Precision}
	return s.show(c.Plot, "tasks", told)
}
