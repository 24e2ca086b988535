package study

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"lamina/crash/corpus"
	"lamina/crash/lens"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/internal/report"
	"lamina/internal/units"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// LensTexts say which rows a lens learns or is measured on.
type LensTexts struct {
	Data      eval.Data
	Task      task.Task
	Limit     int // documents, or blocks of packed texts; 0: all
	MaxLength int // tokens of a row
	// Pack lays texts (rows of text alone, a .txt file) end to end, an EOS token between
	// two, and cuts them into blocks of MaxLength, as the tuned-lens library reads its data.
	Pack bool
}

// examples reads rows and of each which tokens are its targets: of a text all.
func (x LensTexts) examples(m *eval.Model) (list []lens.Example, id eval.Identity, err error) {
	packed := strings.EqualFold(filepath.Ext(x.Data.Path), ".txt")
	var docs []task.Document
	if !packed {
		found, from, err := m.Documents(x.Task, x.Data, x.Limit)
		if err != nil {
			return nil, id, err
		}
		docs, id = found, x.Data.Identity(from)
		packed = x.Pack && docs[0].Shape == task.Text
	}
	if packed {
		rows, err := corpus.Read(m, x.Data, 0, corpus.Options{Pack: corpus.PackEOS, MaxLength: x.MaxLength, Task: x.Task})
		if err != nil {
			return nil, id, err
		}
		for _, s := range rows.Sequences {
			if list = append(list, lens.Example{Tokens: s.Tokens}); len(list) == x.Limit {
				break
			}
		}
		return list, rows.Identity, nil
	}
	encoder, err := m.Encoder(docs[0].Shape)
	if err != nil {
		return nil, id, err
	}
	for _, d := range docs {
		pairs, _, err := x.Task.Fitted(d, encoder, task.FormatScoring, x.MaxLength, task.OverlongCut)
		if err != nil {
			return nil, id, err
		}
		if len(pairs) == 0 {
			continue
		}
		if d.Shape == task.Text {
			list = append(list, lens.Example{Tokens: pairs[0].Target})
			continue
		}
		row := whole(pairs[0])
		row = row[max(0, len(row)-x.MaxLength):]
		list = append(list, lens.Example{Tokens: row, Target: len(row) - len(pairs[0].Target)})
	}
	return list, id, nil
}

// LensTraining is the training of a tuned lens in a run directory:
//
//	f := &study.LensTraining{Model: m, Name: "model", Train: texts, Trainer: trainer}
//	defer f.Close()
//	err := f.Load(2048)
//	dir, err := f.Open("lens.run", false)
//	outcome, err := f.Run(ctx, &study.Watcher{Out: os.Stderr})
//	done, err := f.Finish(ctx, "lens", outcome, false, nil)
type LensTraining struct {
	Model     *eval.Model
	Name      string // of the model, as the lens and config.json state it
	Train     LensTexts
	Valid     LensTexts // without a path nothing is held out
	Precision string
	Trainer   *train.Trainer // its objectives and weights are filled in

	Tokens int // of a step, about

	lens        *lens.Lens
	rows, held  [][]int32
	data, valid eval.Identity
}

// lensConfig is config.json of such a run.
type lensConfig struct {
	Command   string         `json:"command"`
	Format    int            `json:"format"`
	Model     string         `json:"model"`
	Base      string         `json:"base"` // fingerprint of the model
	Data      eval.Identity  `json:"data"`
	Valid     *eval.Identity `json:"valid,omitempty"`
	Task      string         `json:"task"`
	MaxLength int            `json:"max_length"`
	Limit     int            `json:"limit,omitempty"`
	Rows      int            `json:"rows"`
	Settings  train.Settings `json:"settings"`
	Precision string         `json:"precision"`
	Backend   string         `json:"backend"`
}

// lensPass is about how many tokens of a step are in memory at once: of each the states of
// all layers are.
const lensPass = 1024

// Load reads the rows, makes the lens, and takes so many rows a step as have about tokens.
func (f *LensTraining) Load(tokens int) (err error) {
	if f.rows, f.data, err = f.read(f.Train); err != nil {
		return err
	}
	count := 0
	for _, r := range f.rows {
		count += len(r)
	}
	s := &f.Trainer.Settings
	mean := float64(count) / float64(len(f.rows))
	s.Batch = max(1, min(int(float64(tokens)/mean+0.5), len(f.rows)))
	if s.MicroBatch = max(1, int(lensPass/mean)); s.MicroBatch >= s.Batch {
		s.MicroBatch = 0
	}
	f.Tokens = int(float64(s.Batch)*mean + 0.5)
	m := f.Model
	if f.lens, err = lens.New(m.Backend, m.Decoder, f.Name); err != nil {
		return err
	}
	o, err := lens.NewObjective(f.lens, m.Decoder, f.rows)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Train.Data.Path, err)
	}
	t := f.Trainer
	t.Train, t.Params, t.Held = o, f.lens.Params(), nn.Join(m.Decoder.Params(), f.lens.Params())
	if f.Valid.Data.Path == "" {
		return nil
	}
	if f.held, f.valid, err = f.read(f.Valid); err != nil {
		return err
	}
	valid, err := lens.NewObjective(f.lens, m.Decoder, f.held)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Valid.Data.Path, err)
	}
	t.Valid = valid
	return nil
}

func (f *LensTraining) read(x LensTexts) (rows [][]int32, id eval.Identity, err error) {
	list, id, err := x.examples(f.Model)
	for _, e := range list {
		rows = append(rows, e.Tokens)
	}
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("%s: no text is left to read", x.Data.Path)
	}
	return rows, id, err
}

// CheckMemory is [CheckMemory] of it, after Load.
func (f *LensTraining) CheckMemory(available int) error {
	return CheckMemory(f.Trainer, f.Model.Config.ProcessMemory(), available)
}

// Warnings tell, after Load, of what does not do what it says.
func (f *LensTraining) Warnings() []string {
	warnings := f.Trainer.Settings.Warnings(len(f.rows))
	s := f.Trainer.Settings
	if most := s.Batch * s.Steps; most > 4*len(f.rows) {
		warnings = append(warnings, fmt.Sprintf("%s: %d rows, each learned %.0f times: the lens may learn them by heart; give more texts, or fewer --steps", f.Train.Data.Path, len(f.rows), float64(most)/float64(len(f.rows))))
	}
	if f.Valid.Data.Path != "" && f.valid.SHA256 == f.data.SHA256 {
		warnings = append(warnings, f.Valid.Data.Path+": holds the rows that are trained on: name others")
	}
	return warnings
}

// Open makes the run directory, or resumes it, after Load; see [train.OpenRunDir].
func (f *LensTraining) Open(dir string, overwrite bool) (*train.RunDir, error) {
	c := lensConfig{
		Command: "lens train", Format: 1, Model: f.Name, Base: transformer.Fingerprint(f.Model.Decoder.Params()), Data: f.data, Task: f.Train.Task.Name(),
		MaxLength: f.Train.MaxLength, Limit: f.Train.Limit, Rows: len(f.rows), Settings: f.Trainer.Settings, Precision: f.Precision, Backend: f.Trainer.Backend.Name(),
	}
	if f.Valid.Data.Path != "" {
		c.Valid = &f.valid
	}
	run, err := train.OpenRunDir(dir, c, overwrite)
	if err != nil {
		return nil, err
	}
	f.Trainer.Store = run
	return run, nil
}

// Run trains, after Open, and shows how far it is.
func (f *LensTraining) Run(ctx context.Context, show *Watcher) (train.Outcome, error) {
	return show.train(ctx, "lens", f.Trainer)
}

// Close gives the memory of the lens back, after the trainer's.
func (f *LensTraining) Close() {
	f.Trainer.Close()
	if f.lens != nil {
		f.lens.Close()
	}
}

// LensTrained is what the training of a lens came to.
type LensTrained struct {
	Model   string        `json:"model"`
	Out     string        `json:"out"`
	Outcome train.Outcome `json:"outcome"`
	Rows    int           `json:"rows"`
	Step    int           `json:"tokens_per_step"`
	Params  int           `json:"trained_params"`
	On      string        `json:"on"` // what the divergences are of: "valid" or "train"
	Tokens  int           `json:"tokens"`
	// Logit and Tuned are the mean KL(final ‖ lens) of a token, in nats, by entry.
	Logit []float64 `json:"kl_logit"`
	Tuned []float64 `json:"kl_tuned"`
}

// heldTexts is how many tokens a trained lens is looked at on, beside the logit lens.
const heldTexts = 512

// Finish writes the lens, when the trainer is done and before Close, and measures it beside
// the logit lens on the first validation rows, or of those that were learned.
func (f *LensTraining) Finish(ctx context.Context, out string, outcome train.Outcome, overwrite bool, tell func(done, total int)) (r LensTrained, err error) {
	dir := files.Output{Path: out, Kind: lens.Written, Overwrite: overwrite}
	if err := dir.Write(f.lens.Save); err != nil {
		return r, err
	}
	r = LensTrained{Model: f.Name, Out: out, Outcome: outcome, Rows: len(f.rows), Step: f.Tokens, Params: nn.Count(f.lens.Params()), On: "train"}
	rows := f.rows
	if f.held != nil {
		rows, r.On = f.held, "valid"
	}
	n := 0
	for n < len(rows) && (n == 0 || r.Tokens+len(rows[n]) <= heldTexts) {
		r.Tokens += len(rows[n])
		n++
	}
	m := f.Model
	for i, l := range []*lens.Lens{lens.NewLogit(lens.Logit), f.lens} {
		kl, err := lens.Divergence(ctx, m.Backend, m.Decoder, l, rows[:n], func(done int) {
			if tell != nil {
				tell(i*n+done, 2*n)
			}
		})
		if err != nil {
			return r, err
		}
		if i == 0 {
			r.Logit = kl
		} else {
			r.Tuned = kl
		}
	}
	return r, nil
}

// Text shows it in lines.
func (r LensTrained) Text() string {
	t := report.Table{Columns: []report.Column{{Name: "entry", Right: true}, {Name: "KL logit lens", Right: true}, {Name: "KL tuned lens", Right: true}}}
	for i := range r.Tuned {
		t.Rows = append(t.Rows, []string{fmt.Sprint(i), fmt.Sprintf("%.4f", r.Logit[i]), fmt.Sprintf("%.4f", r.Tuned[i])})
	}
	on := map[string]string{"valid": "held-out", "train": "training"}[r.On]
	return fmt.Sprintf("trained %s weights on %s rows: %d steps of about %s tokens, %.1f s, last loss %.4f (summed over the layers)\n"+
		"nats from what the model says in the end, a token, on %s tokens of %s rows:\n%slens written to %s\n",
		units.Count(r.Params), units.Count(r.Rows), r.Outcome.Steps, units.Count(r.Step), r.Outcome.Seconds, r.Outcome.Loss, units.Count(r.Tokens), on, t.Text(), r.Out)
}

// OpenLens returns the lens of a name for a model: logit, raw, or the directory of a trained
// one, which is checked.
func OpenLens(dev kernels.Backend, d *transformer.Decoder, name string) (*lens.Lens, error) {
	if k, err := lens.ParseKind(name); err == nil {
		return lens.NewLogit(k), nil
	}
	l, err := lens.Open(dev, name)
	if err != nil {
		return nil, err
	}
	if err := l.Check(d); err != nil {
		l.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

// LensDistances are the distances between a model's layers by a lens. It reads as what
// lamina similarity writes, so that a plan can be made of it.
type LensDistances struct {
	Model     string      `json:"of"`   // as it was named
	Lens      string      `json:"lens"` // likewise
	Data      string      `json:"data"`
	Matrix    [][]float64 `json:"matrix"` // likeness, by Metric
	Metric    string      `json:"metric"` // "lens-" and the distance that it is of
	Formula   string      `json:"likeness"`
	Precision string      `json:"precision"`
	Weights   string      `json:"model,omitempty"` // fingerprint of the model
	lens.Result
}

// MeasureLens measures them; by says which distance becomes likeness.
func MeasureLens(ctx context.Context, m *eval.Model, l *lens.Lens, x LensTexts, by lens.Distance, o lens.Options) (r LensDistances, err error) {
	examples, _, err := x.examples(m)
	if err != nil {
		return r, err
	}
	if o.Stream {
		o.Release = func(b transformer.Block) {
			for w := range nn.ParamsOf(b) {
				m.Release(w.Name)
			}
		}
	}
	if r.Result, err = lens.Measure(ctx, m.Backend, m.Decoder, l, examples, o); err != nil {
		return r, fmt.Errorf("%s: %w", x.Data.Path, err)
	}
	r.Data, r.Metric, r.Formula = filepath.Base(x.Data.Path), "lens-"+by.Name, by.Formula
	r.Matrix = r.Likeness(by)
	return r, nil
}

// Text shows how far each layer's reading is from the next one's and from the last, in lines.
func (r LensDistances) Text() string {
	t := report.Table{Columns: []report.Column{{Name: "entry", Right: true}, {Name: "entropy", Right: true}}}
	for _, d := range lens.Distances {
		if r.Distances[d.Name] != nil {
			t.Columns = append(t.Columns, report.Column{Name: d.Name + " to next", Right: true}, report.Column{Name: "to last", Right: true})
		}
	}
	last := len(r.Matrix) - 1
	for i := range r.Matrix {
		cells := []string{fmt.Sprint(i), fmt.Sprintf("%.3f", r.Entropy[i])}
		for _, d := range lens.Distances {
			if matrix := r.Distances[d.Name]; matrix != nil {
				next := ""
				if i < last {
					next = fmt.Sprintf("%.4f", matrix[i+1][i])
				}
				cells = append(cells, next, fmt.Sprintf("%.4f", matrix[last][i]))
			}
		}
		t.Rows = append(t.Rows, cells)
	}
	return t.Text()
}
