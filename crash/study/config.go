package study

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/transformer"
)

// config is config.json of an experiment: what decides its numbers, beside rows and
// seeds, of which more can be asked for later.
type config struct {
	Model       string `json:"model"`
	Params      int    `json:"params"`
	Fingerprint string `json:"fingerprint"`
	Task        string `json:"task"`
	identities
	SupportTask string          `json:"support_task,omitempty"` // where it is not Task
	Similarity  string          `json:"similarity,omitempty"`   // digest of the matrix, where it was brought
	Plan        plan.Plan       `json:"plan,omitempty"`         // instead of what the similarity says
	Limit       int             `json:"limit"`
	TrainLimit  int             `json:"train_limit"`
	MaxLength   int             `json:"max_length"`
	Format      task.Format     `json:"format"`
	Overlong    string          `json:"overlong,omitempty"`         // where such rows are no error
	Delimiter   *string         `json:"target_delimiter,omitempty"` // where it is not one space
	Rules       task.Rules      `json:"rules"`
	Keep        int             `json:"keep"`
	Trainable   int             `json:"trainable"`
	AnchorEnds  bool            `json:"anchor_ends"`
	TrainAt     plan.TrainAt    `json:"train_at,omitzero"` // where it is not the methods' own
	Samples     int             `json:"samples,omitempty"` // where they are not all that choosing may read again and again
	Pool        measure.Pooling `json:"pool"`
	Tokens      measure.Tokens  `json:"tokens,omitempty"` // where they are not plain
	LRs         []float64       `json:"lr"`
	PlugAt      []float64       `json:"plug_at,omitempty"`
	PlugInOnly  bool            `json:"plug_in_only,omitempty"`
	Precision   string          `json:"precision"`
	Training    train.Settings  `json:"training"`
}

// config collects what decides the numbers, before anything is computed.
func (x *Experiment) config() (config, error) {
	p, d := x.Protocol, x.Data
	ids, err := d.identify()
	if err != nil {
		return config{}, err
	}
	settings := p.Settings
	settings.LR, settings.Seed = 0, 0 // an experiment has several
	if x.Fingerprint == "" {
		x.Fingerprint = transformer.Fingerprint(x.Model.Decoder.Params())
	}
	c := config{
		Model: x.Table.Model, Params: x.Model.Config.Params(), Fingerprint: x.Fingerprint,
		Task: x.Table.Task, identities: ids, Limit: d.Limit, TrainLimit: d.TrainLimit, MaxLength: d.MaxLength, Format: d.Format,
		Rules: d.Rules, Keep: p.Keep, Trainable: p.Trainable, AnchorEnds: p.AnchorEnds, TrainAt: p.TrainAt, Samples: p.Samples, PlugAt: p.PlugAt, PlugInOnly: p.PlugInOnly, Pool: p.Vectors.Pooling, Tokens: p.Vectors.Tokens, LRs: p.LRs,
		Precision: x.Precision, Training: settings, Plan: p.Plan,
	}
	if d.SupportTask != nil && d.SupportTask.Name() != d.Task.Name() {
		c.SupportTask = cmp.Or(d.SupportTask.Name(), "verbatim")
	}
	if d.Overlong != task.OverlongError {
		c.Overlong = d.Overlong.String()
	}
	if _, delimiter, _ := d.Task.Frame(); d.Task.Name() == "" && delimiter != " " {
		c.Delimiter = &delimiter
	}
	if s := p.Measured; s != nil {
		if s.Model != "" && s.Model != c.Fingerprint {
			return c, fmt.Errorf("the similarity was measured on another model, or on other weights of this one: measure it anew")
		}
		text, err := json.Marshal(s.Matrix)
		if err != nil {
			return c, err
		}
		sum := sha256.Sum256(text)
		c.Similarity = "sha256:" + hex.EncodeToString(sum[:])
	}
	return c, nil
}

// versions say what the numbers were computed with.
func (x *Experiment) versions() map[string]string {
	return map[string]string{
		"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "device": x.Model.Backend.Name(), "rules": x.Data.Rules.String(),
	}
}
