package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lamina/eval"
	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/eval/taskfile"
	"lamina/hub"
	"lamina/internal/interrupt"
	"lamina/internal/progress"
)

// evalCommand scores a model on documents.
type evalCommand struct {
	modelFlag
	adapterFlag
	Data     []string `placeholder:"PATH" help:"Documents: a file, a directory of a data set, or its name on the hub; one for each task. Default: the task's own data set on the hub."`
	Task     []string `placeholder:"NAME" help:"Tasks of lm-evaluation-harness (lamina tasks lists them); none: the file verbatim."`
	TaskFile []string `placeholder:"FILE" help:"Tasks of one's own, or groups of tasks, in YAML as lm-evaluation-harness has them, without Python; one --data given for a group is that of all its tasks."`
	Split    string   `placeholder:"NAME" help:"Split of a data set that has several: train, validation or test. Default: what the harness takes."`
	Config   string   `placeholder:"NAME" help:"Configuration of a data set that has several, e.g. ARC-Easy. Default: the task's."`

	Rules        string `default:"0.4" enum:"0.4,0.3" placeholder:"VERSION" help:"Rules of lm-evaluation-harness: 0.4 (default) or 0.3."`
	Shots        *int   `placeholder:"K" help:"Solved examples before each document, drawn as the harness draws them (default 0, or as a task file says)."`
	ShotsData    string `placeholder:"PATH" help:"What examples are drawn from. Default: the split of --data that the harness takes."`
	FewshotSeed  *int64 `placeholder:"N" help:"Seed of that draw (default: the harness's, 1234 by rules 0.4 and 42 by 0.3)."`
	Limit        int    `placeholder:"N" help:"Only the first N documents of a task."`
	MaxLength    int    `placeholder:"N" help:"Tokens a request may have; contexts are cut from the left. Default: the model's positions."`
	MaxGenTokens int    `placeholder:"N" help:"Tokens of a generated answer (default 256, or as the task has it)."`
	Out          string `placeholder:"DIR" help:"Write results_DATE.json as lm-eval does; finished tasks of an interrupted call are kept there and not scored again."`
	Overwrite    bool   `help:"Start anew in --out."`
	LogSamples   bool   `help:"Write samples_TASK_DATE.jsonl to --out too: every prompt, answer and score."`
	delimiterFlag
	mmapFlag
	profileFlag

	groups []results.Group // of task files
}

// Run reads every task before it scores one, and prints the harness's table.
func (c evalCommand) Run(s *session) error {
	tasks, err := (&c).tasks()
	if err != nil {
		return err
	}
	for _, path := range c.Data {
		if err := (eval.Data{Path: path, Config: c.Config, Split: c.Split}).CheckFile(); err != nil {
			return err
		}
	}
	rules, err := task.ParseRules(c.Rules)
	if err != nil {
		return err
	}
	finish, err := c.start(s)
	if err != nil {
		return err
	}
	m, err := c.open(s, c.Model)
	if err != nil {
		return err
	}
	if _, err := m.Config.SequenceLength(c.MaxLength); err != nil {
		return err
	}
	scoring := &eval.Session{
		Model: &m.Model.Model, Name: hub.NameOf(m.Path), Args: "pretrained=" + c.Model, Adapter: c.Adapter, Precision: s.Precision,
		Options: eval.Options{Rules: rules, Shots: c.Shots, Seed: c.FewshotSeed, Limit: c.Limit, MaxLength: c.MaxLength, MaxTokens: c.MaxGenTokens},
		Dir:     c.Out, Overwrite: c.Overwrite, Warn: func(text string) { s.notef("lamina: warning: %s\n", oneLine(text)) },
	}
	var shots *eval.Data
	if c.ShotsData != "" {
		from := m.data(c.ShotsData, c.Config, "")
		shots = &from
	}
	for i, t := range tasks {
		if err := scoring.Add(t, m.data(c.Data[i], c.Config, c.Split), shots); err != nil {
			return err
		}
	}
	if err := c.place(m.Checkpoint, m.Decoder, scoring.Generated()); err != nil {
		return err
	}
	scores, outcomes, err := c.score(s, scoring)
	if err != nil {
		return err
	}
	scores.Groups = c.groups
	finish()
	return c.report(s, scores, outcomes)
}

// score shows a line of progress for each task. An interrupt says how to go on.
func (c evalCommand) score(s *session, scoring *eval.Session) (*results.Evaluation, []eval.Outcome, error) {
	var bar *progress.Bar
	scoring.Progress = func(j *eval.Job, done int) {
		if done == 0 {
			bar.Done()
			bar = s.progress(cmp.Or(j.Task.Name(), "eval"), j.Size())
		}
		bar.Set(done)
	}
	if c.Out != "" {
		defer interrupt.Saving("finished tasks are kept")()
	}
	scores, outcomes, err := scoring.Run(s.ctx)
	bar.Done()
	if err != nil && c.Out != "" && s.ctx.Err() != nil {
		err = interrupted{fmt.Sprintf("interrupted; finished tasks are in %s: the same command goes on there", c.Out)}
	}
	return scores, outcomes, err
}

// report prints the scores and writes them where they are wanted.
func (c evalCommand) report(s *session, e *results.Evaluation, all []eval.Outcome) error {
	c.print(s, e, all)
	if c.Out != "" {
		paths, err := e.Write(c.Out, c.LogSamples)
		if err != nil {
			return err
		}
		s.printf("wrote %s\n", strings.Join(paths, " "))
	}
	if len(all) == 1 {
		return s.writeJSON(all[0])
	}
	return s.writeJSON(all)
}

// tasks reads the tasks that are asked for, a group's as its file lists them, each with a
// path of --data; none is the verbatim one for each file.
func (c *evalCommand) tasks() ([]task.Task, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var tasks []task.Task
	for _, name := range c.Task {
		t, err := namedTask(name)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	asked := slices.Repeat([]int{1}, len(tasks)) // tasks of each that was asked for
	for _, path := range c.TaskFile {
		some, groups, err := taskfile.ReadTasks(path)
		if err != nil {
			return nil, err
		}
		tasks, asked, c.groups = append(tasks, some...), append(asked, len(some)), append(c.groups, groups...)
	}
	if len(tasks) == 0 {
		tasks = make([]task.Task, len(c.Data))
	}
	var err error
	for i, t := range tasks {
		if tasks[i], err = c.apply(t); err != nil {
			return nil, err
		}
	}
	if c.Data, err = eval.Paths(tasks, asked, c.Data, c.Out != ""); err != nil {
		return nil, usageError{err}
	}
	if c.ShotsData != "" && len(tasks) > 1 {
		return nil, usagef("--shots-data with %d tasks: want one task", len(tasks))
	}
	return tasks, nil
}

// mostShots is more than any context holds.
const mostShots = 1_000_000

// check tests the flags by themselves.
func (c *evalCommand) check() error {
	switch {
	case c.Limit < 0:
		return usagef("--limit %d: want 1 or more", c.Limit)
	case c.Shots != nil && (*c.Shots < 0 || *c.Shots > mostShots):
		return usagef("--shots %d: want 0 to %d", *c.Shots, mostShots)
	case c.MaxGenTokens < 0:
		return usagef("--max-gen-tokens %d: want 1 or more", c.MaxGenTokens)
	case c.LogSamples && c.Out == "":
		return usagef("--log-samples needs --out")
	}
	return nil
}

// print shows the harness's table, and what it does not have.
func (c evalCommand) print(s *session, e *results.Evaluation, all []eval.Outcome) {
	s.printf("lamina (%s), rules %s, %s, precision %s\n", e.Model.Args, e.Rules, e.Bounds(c.Shots), s.Precision)
	s.printf("%s", e.Markdown())
	for _, r := range all {
		s.printf("%s\n", r)
	}
}
