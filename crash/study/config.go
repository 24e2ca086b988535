package study

import (
	"runtime"

	"lamina/crash/measure"
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
	Limit      int             `json:"limit"`
	TrainLimit int             `json:"train_limit"`
	MaxLength  int             `json:"max_length"`
	Format     task.Format     `json:"format"`
	Rules      task.Rules      `json:"rules"`
	Keep       int             `json:"keep"`
	Trainable  int             `json:"trainable"`
	AnchorEnds bool            `json:"anchor_ends"`
	Pool       measure.Pooling `json:"pool"`
	LRs        []float64       `json:"lr"`
	Precision  string          `json:"precision"`
	Training   train.Settings  `json:"training"`
}

// config collects what decides the numbers, before anything is computed.
func (x *Experiment) config() (config, error) {
	p, d := x.Protocol, x.Data
	ids, err := d.identify()
	settings := p.Settings
	settings.LR, settings.Seed = 0, 0 // an experiment has several
	return config{
		Model: x.Table.Model, Params: x.Model.Config.Params(), Fingerprint: transformer.Fingerprint(x.Model.Decoder.Params()),
		Task: x.Table.Task, identities: ids, Limit: d.Limit, TrainLimit: d.TrainLimit, MaxLength: d.MaxLength, Format: d.Format,
		Rules: d.Rules, Keep: p.Keep, Trainable: p.Trainable, AnchorEnds: p.AnchorEnds, Pool: p.Pooling, LRs: p.LRs,
		Precision: x.Precision, Training: settings,
	}, err
}

// versions say what the numbers were computed with.
func (x *Experiment) versions() map[string]string {
	return map[string]string{
		"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "device": x.Model.Backend.Name(), "rules": x.Data.Rules.String(),
	}
}
