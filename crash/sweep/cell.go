package sweep

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/nn/optim"
	"lamina/transformer"
)

// Cell is one row on one model and task at one rate and seed. Of a row that trains nothing
// neither decides anything, and both are 0.
type Cell struct {
	Model string  `json:"model"`
	Task  string  `json:"task"`
	Row   string  `json:"row"`
	Rate  float64 `json:"rate"`
	Seed  uint64  `json:"seed"`
	Key   string  `json:"key"`

	model, task, row int // places in the study
}

func (c Cell) String() string {
	if c.Rate == 0 {
		return fmt.Sprintf("%s %s %s", c.Model, c.Task, c.Row)
	}
	return fmt.Sprintf("%s %s %s rate %g seed %d", c.Model, c.Task, c.Row, c.Rate, c.Seed)
}

// List returns the cells of the study without keys, by models, tasks, rows, seeds and rates.
func (s *Study) List() []Cell {
	var cells []Cell
	for m := range s.Models {
		for t := range s.Tasks {
			for r, recipe := range s.recipes {
				c := Cell{Model: s.Models[m].Name, Task: s.Tasks[t].Name, Row: recipe.Name, model: m, task: t, row: r}
				if recipe.Trains == study.Nothing {
					cells = append(cells, c)
					continue
				}
				setup, _ := s.setup(m, t, r)
				for _, c.Seed = range s.Seeds {
					for _, c.Rate = range setup.Rates {
						cells = append(cells, c)
					}
				}
			}
		}
	}
	return cells
}

// Opened is a model of a study on a device.
type Opened struct {
	*eval.Model
	// Locate says where data of a name lies; nil: the name is a path.
	Locate func(name string) (path string, err error)
	Close  func()

	fingerprint, files string // of the weights; of what else of it decides numbers
	identities         map[string][]byte
}

// identify digests an opened model.
func (o *Opened) identify() (err error) {
	o.identities = map[string][]byte{}
	o.fingerprint = transformer.Fingerprint(o.Decoder.Params())
	o.files, err = describedBy(o.Checkpoint)
	return err
}

// describing are the endings of files beside weights that say how a model computes and how
// text becomes tokens.
var describing = []string{".json", ".txt", ".model", ".jinja"}

// describedBy digests what of a checkpoint decides numbers beside its weights: those of its
// files that describe it, or of a GGUF file all that is not a tensor and the tensors too.
func describedBy(c *transformer.Checkpoint) (string, error) {
	var names []string
	if c.GGUF != nil {
		names = c.Files()
	} else {
		for _, ending := range describing {
			found, err := files.Ending(ending, c.Dir)
			if err != nil {
				return "", err
			}
			names = append(names, found...)
		}
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		if strings.HasSuffix(name, ".index.json") { // which file holds which weight
			continue
		}
		sum, _, err := files.SHA256(name)
		if err != nil {
			return "", err
		}
		label := filepath.Base(name)
		if c.GGUF != nil {
			label = ""
		}
		fmt.Fprintf(h, "%s %s\n", sum, label)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// made is what decides every bit of a cell; the SHA-256 of its JSON is the cell's key.
type made struct {
	Format     int             `json:"format"`
	Device     string          `json:"device"` // with instruction set and precision
	Files      string          `json:"files"`
	Experiment json.RawMessage `json:"experiment"`
	Row        json.RawMessage `json:"row"`
	Rate       float64         `json:"rate"`
	Seed       uint64          `json:"seed"`
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// made returns the text of a cell, on its model.
func (s *Study) made(c Cell, o *Opened, precision string) ([]byte, error) {
	recipe := s.recipes[c.row]
	setup, _ := s.setup(c.model, c.task, c.row)
	trained := recipe.Trains != study.Nothing
	memo := fmt.Sprint(c.task, " ", c.row, " ", len(setup.Rates))
	identity, ok := o.identities[memo]
	if !ok {
		x, err := s.experiment(c, o, precision)
		if err != nil {
			return nil, err
		}
		x.Protocol.LRs = nil
		if identity, err = x.Identity(); err != nil {
			return nil, err
		}
		o.identities[memo] = identity
	}
	recipe.Keep = 0 // which the experiment says
	row, err := recipe.Identity()
	if err != nil {
		return nil, err
	}
	m := made{Format: format, Device: o.Backend.Name(), Files: o.files, Experiment: identity, Row: row}
	if trained {
		m.Rate, m.Seed = c.Rate, c.Seed
	}
	return json.Marshal(m)
}

// experiment returns the one that a cell is, but for its directory.
func (s *Study) experiment(c Cell, o *Opened, precision string) (*study.Experiment, error) {
	recipe := s.recipes[c.row]
	setup, _ := s.setup(c.model, c.task, c.row)
	t := setup.Training
	x := &study.Experiment{Model: o.Model, Seeds: []uint64{c.Seed}, Precision: precision, Fingerprint: o.fingerprint}
	x.Table.Model, x.Table.Task = o.fingerprint, s.tasks[c.task].prompt.Name()
	p := &x.Protocol
	p.Full = o.Decoder // whose sizes say what some methods stand for
	var err error
	if p.Settings, err = t.settings(o.Config); err != nil {
		return nil, err
	}
	p.Rows, p.LRs, p.Recompute, p.AnchorEnds = []study.Recipe{recipe}, []float64{c.Rate}, or(t.Recompute, false), s.AnchorEnds
	if p.Vectors, err = s.vectors(); err != nil {
		return nil, err
	}
	if p.TrainAt, err = plan.ParseTrainAt(s.trainAt(s.Models[c.model])); err != nil {
		return nil, err
	}
	p.Keep, p.Trainable = s.sizes(s.Models[c.model])
	p.Keep, p.Rows[0].Keep = cmp.Or(recipe.Keep, p.Keep), 0 // a row of a size is that of a study of the size
	if text := s.Models[c.model].Plans[s.Tasks[c.task].Name]; text != "" && recipe.Given {
		if p.Plan, err = plan.Parse(text); err != nil {
			return nil, err
		}
	}
	if p.Samples = s.Samples; p.Samples >= study.SupportTexts {
		p.Samples = 0
	}
	p.PlugAt, p.PlugInOnly = s.PlugAt, s.PlugInOnly
	s.neutral(p, recipe)
	x.Data, err = s.data(c, o, t)
	return x, err
}

// neutral puts in the place of settings that a row does not come to the same ones always, so
// that studies which differ in these alone share its cells.
func (s *Study) neutral(p *study.Protocol, r study.Recipe) {
	if !p.Asks(r) {
		p.Samples = 0
	}
	p.PlugInOnly = p.PlugInOnly && r.Emulates()
	if r.Trains != study.Starred {
		p.PlugAt = nil
		p.Keep, p.Trainable, p.AnchorEnds, p.TrainAt = 1, 1, false, plan.TrainAt{}
		p.Settings.DropSpan, p.Settings.GapNoise = 0, 0 // nothing is frozen
	}
	if r.KeepsAll(p.TrainAt) && (r.Restored || r.Compress.Amount != 0) {
		p.Keep, p.AnchorEnds = p.Trainable, false
	}
	if r.Trains == study.Nothing {
		p.LRs, p.Settings.Epochs, p.Settings.Steps, p.Settings.Batch, p.Settings.MicroBatch = []float64{1}, 0, 1, 1, 0
		p.Settings.Schedule, p.Settings.Warmup, p.Settings.Clip, p.Settings.WeightDecay = optim.Constant, 0, 1, 0
		p.Settings.Dropout, p.Settings.Proximal, p.Settings.EvalEvery, p.Settings.NoShuffle = 0, 0, 0, false
	}
}

// data says what a cell reads.
func (s *Study) data(c Cell, o *Opened, t Training) (d study.Data, err error) {
	given, read := s.Tasks[c.task], s.tasks[c.task]
	d = study.Data{Task: read.prompt, SupportTask: read.support, Limit: s.Limit, MaxLength: or(t.MaxLength, 0), TrainLimit: or(t.TrainLimit, 0)}
	if d.Rules, err = task.ParseRules(cmp.Or(s.Rules, "0.4")); err != nil {
		return d, err
	}
	if d.Format, err = task.ParseFormat(or(t.Format, "scoring")); err != nil {
		return d, err
	}
	if d.Overlong, err = task.ParseOverlong(or(t.Overlong, "error")); err != nil {
		return d, err
	}
	if _, err = o.Config.SequenceLength(d.MaxLength); err != nil {
		return d, err
	}
	for _, part := range []struct {
		path, split string
		into        *eval.Data
	}{{given.Train, "train", &d.Train}, {given.Test, d.Task.Split(), &d.Test}, {given.Valid, "validation", &d.Valid}, {given.Support, "validation", &d.Support}} {
		path, err := s.source.file(part.path)
		if err != nil {
			return d, err
		}
		*part.into = eval.Data{Path: path, Split: part.split, Locate: o.Locate}
	}
	return d, nil
}
