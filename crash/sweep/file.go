package sweep

import (
	"lamina/crash/study"
)

// Study is a study file: YAML, in which an unknown key is an error.
type Study struct {
	Name   string   `yaml:"study"`  // of letters, digits, -, _ and dots
	Note   string   `yaml:"note"`   // what its reader should know, such as where its numbers are from
	Models []Model  `yaml:"models"` //
	Tasks  []Task   `yaml:"tasks"`
	Rows   []string `yaml:"rows"` // as [study.Select] reads them
	Setup  `yaml:",inline"`

	// Overrides change the setup for some cells, one after the other.
	Overrides []Override `yaml:"overrides"`

	Keep       int    `yaml:"keep"`      // blocks of an emulator, but for rows METHOD@K
	Trainable  int    `yaml:"trainable"` // of which so many train
	AnchorEnds bool   `yaml:"anchor_ends"`
	TrainAt    string `yaml:"train_at"` // as lamina run --train-at
	Samples    int    `yaml:"samples"`  // support texts that searches run the model over again and again; 0: 128, the most
	// PlugAt are epochs after which emulator and plug-in are measured on validation rows
	// besides, ascending.
	PlugAt []float64 `yaml:"plug_at"`
	// PlugInOnly leaves out what emulators score by themselves: half of the scoring.
	PlugInOnly bool `yaml:"plug_in_only"`

	Pool   string `yaml:"pool"`   // of similarities; "": mean_weighted
	Tokens string `yaml:"tokens"` // likewise; "": plain

	Seeds     []uint64 `yaml:"seeds"`
	Rules     string   `yaml:"rules"`     // of scoring: 0.4 (where it is not given) or 0.3
	Limit     int      `yaml:"limit"`     // score only the first documents of each task; 0: all
	Precision string   `yaml:"precision"` // a name that kernels.ParsePrecision knows; none is f32

	source  *source // where things stand
	recipes []study.Recipe
	tasks   []readTask
}

// Setup is how cells train.
type Setup struct {
	Rates    []float64 `yaml:"rates"` // of several, each row keeps the one of the lowest validation loss
	Training Training  `yaml:"training"`
}

// Model is a model of a study.
type Model struct {
	Name string `yaml:"name"` // in the table
	Path string `yaml:"path"` // a directory, a .gguf file or a name on the hub
	// Config is a config.json that says how large the model is where its files are not
	// there; for [Study.Check] alone.
	Config    string `yaml:"config"`
	Keep      int    `yaml:"keep"` // 0: the study's
	Trainable int    `yaml:"trainable"`
	TrainAt   string `yaml:"train_at"` // "": the study's
	// Plans are, by the task's name, the layers that stay and train in rows that take a
	// given plan (crash, ceiling and what shares), instead of those that are chosen.
	Plans map[string]string `yaml:"plans"`
	// Published names the table of [Published] that stands beside ours, "": none.
	Published string `yaml:"published"`
}

// Task is a task of a study. Paths are of files, of directories of data sets or names on
// the hub.
type Task struct {
	Name        string  `yaml:"name"`   // in the table
	Prompt      *string `yaml:"prompt"` // the task whose prompt is applied: not given: Name; none: the file verbatim
	Train       string  `yaml:"train"`
	Valid       string  `yaml:"valid"`   // "": a seeded tenth of Train
	Support     string  `yaml:"support"` // "": a seeded tenth of Train, at most 512
	SupportTask *string `yaml:"support_task"`
	Test        string  `yaml:"test"`
	// Sizes are what the task is said to have where its files are not there; for
	// [Study.Check] alone.
	Sizes Sizes `yaml:"sizes"`
}

// Sizes are numbers of documents, and tokens of one in the mean.
type Sizes struct {
	Train   int `yaml:"train"`
	Valid   int `yaml:"valid"`
	Test    int `yaml:"test"`
	Choices int `yaml:"choices"`
	Tokens  int `yaml:"tokens"`
}

// Training are the settings of lamina run by the names of its flags; what is not given is
// as there.
type Training struct {
	Epochs      *int     `yaml:"epochs"`
	Steps       *int     `yaml:"steps"`
	Batch       *int     `yaml:"batch"`
	MicroBatch  *int     `yaml:"micro_batch"`
	Schedule    *string  `yaml:"schedule"`
	Warmup      *int     `yaml:"warmup"`
	Clip        *float64 `yaml:"clip"`
	WeightDecay *float64 `yaml:"weight_decay"`
	Dropout     *float64 `yaml:"dropout"` // not given: as the model's config says
	Proximal    *float64 `yaml:"proximal"`
	DropSpan    *float64 `yaml:"drop_span"`
	GapNoise    *float64 `yaml:"gap_noise"`
	EvalEvery   *int     `yaml:"eval_every"`
	NoShuffle   *bool    `yaml:"no_shuffle"`
	MaxLength   *int     `yaml:"max_length"`
	TrainLimit  *int     `yaml:"train_limit"`
	Overlong    *string  `yaml:"overlong"`
	Format      *string  `yaml:"format"`
	Recompute   *bool    `yaml:"recompute"` // changes memory and time, no number
}

// Override changes the setup of cells of all these models, tasks and rows; an empty list
// is all there are.
type Override struct {
	Models []string `yaml:"models"`
	Tasks  []string `yaml:"tasks"`
	Rows   []string `yaml:"rows"`
	Setup  `yaml:",inline"`
}

// over returns t with what more gives in its place.
func (t Training) over(more Training) Training {
	set(&t.Epochs, more.Epochs)
	set(&t.Steps, more.Steps)
	if more.Epochs != nil && more.Steps == nil { // one of the two says how long
		t.Steps = nil
	}
	if more.Steps != nil && more.Epochs == nil {
		t.Epochs = nil
	}
	set(&t.Batch, more.Batch)
	set(&t.MicroBatch, more.MicroBatch)
	set(&t.Schedule, more.Schedule)
	set(&t.Warmup, more.Warmup)
	set(&t.Clip, more.Clip)
	set(&t.WeightDecay, more.WeightDecay)
	set(&t.Dropout, more.Dropout)
	set(&t.Proximal, more.Proximal)
	set(&t.DropSpan, more.DropSpan)
	set(&t.GapNoise, more.GapNoise)
	set(&t.EvalEvery, more.EvalEvery)
	set(&t.NoShuffle, more.NoShuffle)
	set(&t.MaxLength, more.MaxLength)
	set(&t.TrainLimit, more.TrainLimit)
	set(&t.Overlong, more.Overlong)
	set(&t.Format, more.Format)
	set(&t.Recompute, more.Recompute)
	return t
}

// set replaces what is given anew.
func set[T any](to **T, from *T) {
	if from != nil {
		*to = from
	}
}

// or returns what is given, else a default.
func or[T any](given *T, otherwise T) T {
	if given == nil {
		return otherwise
	}
	return *given
}
