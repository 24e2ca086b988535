package eval

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/record"
)

// Session scores one model on several tasks and keeps what is finished:
//
//	s := &eval.Session{Model: m, Name: "opt-125m", Dir: "out"}
//	err := s.Add(t, eval.Data{Path: "arc_easy.parquet"}, nil) // and other tasks
//	scores, outcomes, err := s.Run(ctx)
//	paths, err := scores.Write(s.Dir, false)
//
// All tasks are read before one is scored, so that what is wrong with the last is
// said at once. An interrupted run that is started again with the same settings,
// tasks and data does not score again what was finished.
type Session struct {
	Model *Model
	Options

	Name      string // of the model in results
	Args      string // what else results say of the model, e.g. "pretrained=opt-125m"
	Adapter   string // whose weights were put into the model, "" for none
	Precision string // of matrix products, e.g. "f32"

	// Dir is made, or gone on in, if it is not "": config.json has the settings, and
	// tasks/NAME.json the rows of each task that is finished. Overwrite starts anew
	// there.
	Dir       string
	Overwrite bool

	// Progress, if not nil, is told how many requests of a job are done, first 0.
	Progress func(j *Job, done int)

	// Warn, if not nil, is told what a model asks for and is not done.
	Warn func(text string)

	jobs []*Job
}

// Add reads and encodes a task; see [Model.Prepare].
func (s *Session) Add(t task.Task, from Data, shots *Data) error {
	if s.Dir != "" {
		if err := task.CheckName(t.Name()); err != nil {
			return err
		}
	}
	for _, j := range s.jobs {
		if j.Task.Name() == t.Name() && s.Dir != "" {
			return fmt.Errorf("task %q is there twice", named(t))
		}
	}
	job, err := s.Model.Prepare(t, from, shots, s.Options)
	if err != nil {
		return err
	}
	if s.Warn != nil && job.Warning != "" && !slices.ContainsFunc(s.jobs, func(j *Job) bool { return j.Warning == job.Warning }) {
		s.Warn(job.Warning)
	}
	s.jobs = append(s.jobs, job)
	return nil
}

// Generated returns how many tokens the answers of the tasks that were added have at most.
func (s *Session) Generated() (tokens int) {
	for _, j := range s.jobs {
		for _, p := range j.Requests.Prompts {
			tokens += p.MaxTokens
		}
	}
	return tokens
}

// Run scores the tasks in turn and returns what results files say, and what each
// task came to. After ctx has ended the error is its own, and what was finished is
// in Dir.
func (s *Session) Run(ctx context.Context) (*results.Evaluation, []Outcome, error) {
	kept, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	if kept != nil {
		defer kept.release()
	}
	e := &results.Evaluation{Rules: s.Rules, Limit: s.Limit, Seed: task.ShotsSeed(s.Rules)}
	if s.Seed != nil {
		e.Seed = *s.Seed
	}
	begin := time.Now()
	var all []Outcome
	for _, j := range s.jobs {
		o, err := s.score(ctx, j, kept)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, o)
		e.Tasks = append(e.Tasks, results.Task{
			Task: j.Task, Result: o.Result, Items: j.Requests.Items, Shots: o.Shots, Documents: j.Documents,
			MaxTokens: j.Setting.MaxTokens, Data: o.Data, Truncated: o.Truncated, Seconds: o.Seconds,
		})
	}
	e.Date, e.Took = time.Now(), time.Since(begin)
	e.Model, e.Extra = s.describe(), s.extra(all)
	return e, all, nil
}

// score runs a job, or takes its finished result from the directory.
func (s *Session) score(ctx context.Context, j *Job, kept *folder) (Outcome, error) {
	o := Outcome{Shots: j.Setting.Shots, Data: j.Files, Truncated: j.Requests.Truncated, Tokens: j.Requests.Tokens, Precision: s.Precision}
	if kept != nil {
		if done, err := kept.finished(j, &o); done || err != nil {
			return o, err
		}
	}
	tell := func(done int) {
		if s.Progress != nil {
			s.Progress(j, done)
		}
	}
	tell(0)
	begin := time.Now()
	var err error
	o.Result, err = Run(ctx, s.Model.Backend, s.Model.Decoder, j.Requests, func(done, _ int) { tell(done) })
	o.Seconds = time.Since(begin).Seconds()
	if err != nil || kept == nil {
		return o, err
	}
	return o, kept.keep(j, &o)
}

// describe is what results say of the model.
func (s *Session) describe() results.Model {
	m := s.Model
	d := results.Model{Name: s.Name, Args: s.Args, DType: "float32", Params: m.Config.Params(), MaxLength: cmp.Or(s.MaxLength, m.Config.MaxPositions)}
	if t, err := m.Tokenizer(); err == nil {
		token := func(id int32, ok bool) results.Token { return results.Token{Text: t.Token(id), ID: id, Some: ok} }
		d.Pad, d.EOS, d.BOS = token(t.Pad()), token(t.EOS()), token(t.BOS())
	}
	return d
}

// extra is what Lamina says beside the harness.
func (s *Session) extra(all []Outcome) record.Object {
	field := func(name string, v record.Value) record.Field { return record.Field{Name: name, Value: v} }
	tasks := record.Object{}
	for i, o := range all {
		files := record.List{}
		for _, f := range o.Data {
			files = append(files, record.Object{field("name", f.Name), field("bytes", f.Bytes), field("sha256", f.SHA256)})
		}
		tasks = append(tasks, field(named(s.jobs[i].Task), record.Object{
			field("data", files), field("truncated", int64(o.Truncated)), field("tokens", int64(o.Tokens)), field("seconds", o.Seconds)}))
	}
	return record.Object{field("rules", s.Rules.String()), field("precision", s.Precision), field("adapter", s.Adapter), field("tasks", tasks)}
}

// named is the name of a task in files, where the verbatim one needs one too.
func named(t task.Task) string { return cmp.Or(t.Name(), "verbatim") }
