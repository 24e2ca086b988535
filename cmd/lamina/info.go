package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/report"
	"lamina/nn/optim"
	"lamina/transformer"
)

// infoCommand describes a model.
type infoCommand struct {
	modelFlag
	Plan       string `placeholder:"PLAN" help:"Layer plan to compute the memory of training for (text, or @FILE)."`
	Share      string `default:"none" enum:"${shares}" placeholder:"HOW" help:"Fill removed places. ${shares_help}. Default: none."`
	Batch      int    `default:"16" placeholder:"N" help:"Memory of training with batches of so many examples (default 16)."`
	MicroBatch int    `placeholder:"N" help:"Of which so many in memory at once."`
	MaxLength  int    `default:"64" placeholder:"N" help:"Tokens of each example (default 64)."`
	Targets    int    `placeholder:"N" help:"Tokens of each example that are learned. Default: all."`
	Recompute  bool   `help:"With finetune's --recompute."`
}

// infoResult is its JSON.
type infoResult struct {
	Model        string         `json:"model"`
	Architecture string         `json:"architecture"`
	Layers       int            `json:"layers"`
	Width        int            `json:"width"`
	Heads        int            `json:"heads"`
	KVHeads      int            `json:"kv_heads"`
	HeadDim      int            `json:"head_dim"`
	FeedForward  int            `json:"feed_forward"`
	Vocab        int            `json:"vocab"`
	Positions    int            `json:"positions"`
	Params       int            `json:"params"`
	BlockParams  int            `json:"block_params"`
	Tied         bool           `json:"tied"`
	DTypes       map[string]int `json:"dtypes"`              // weights by storage type
	Described    bool           `json:"described,omitempty"` // the weights are not there
	Tokenizer    tokenizerInfo  `json:"tokenizer"`
	Emulator     bool           `json:"emulator"`
	Plan         string         `json:"plan,omitempty"`
	Memory       train.Need     `json:"memory"`
}

type tokenizerInfo struct {
	Vocab int    `json:"vocab,omitempty"`
	BOS   string `json:"bos,omitempty"`
	EOS   string `json:"eos,omitempty"`
	Chat  bool   `json:"chat_template"`
	Error string `json:"error,omitempty"` // why there is none
}

// Run opens the model, or what describes it; of its weights it reads only those an
// emulator trains.
func (c infoCommand) Run(s *session) error {
	checkpoint, err := s.describedModel(c.Model)
	if err != nil {
		return err
	}
	s.warn(checkpoint.Warnings())
	m := &model{&exchange.Model{Model: eval.Model{Checkpoint: checkpoint, Decoder: checkpoint.Outline()}}, s}
	plan, need, err := c.memory(s, m)
	if err != nil {
		return err
	}
	config := m.Config
	r := infoResult{
		Model: c.Model, Architecture: config.Family, Layers: config.Layers, Width: config.Width, Heads: config.Heads,
		KVHeads: config.KVHeads, HeadDim: config.HeadDim, FeedForward: config.FeedForward, Vocab: config.Vocab,
		Positions: config.MaxPositions, Params: config.Params(), BlockParams: config.BlockParams(), Tied: config.Tied,
		DTypes: m.Stored(), Described: m.Described, Emulator: m.Emulator != nil, Memory: need,
	}
	if plan != nil {
		r.Plan = plan.String()
	}
	if t, err := m.Checkpoint.Tokenizer(); err != nil {
		r.Tokenizer.Error = err.Error()
	} else {
		roles := t.Roles()
		r.Tokenizer = tokenizerInfo{Vocab: t.VocabSize(), BOS: roles.BOS, EOS: roles.EOS, Chat: roles.ChatTemplate != ""}
	}
	s.printInfo(r, config)
	return s.writeJSON(r)
}

// memory computes what running and training the model takes, and returns the plan
// that would be trained: the flag's, the emulator's own, or nil for everything.
func (c infoCommand) memory(s *session, m *model) (plan.Plan, train.Need, error) {
	var need train.Need
	if m.GGUF == nil && emulate.IsEmulator(m.Path) {
		opened, err := s.openModel(c.Model)
		if err != nil {
			return nil, need, err
		}
		*m = *opened
	}
	switch {
	case c.Batch < 1 || c.MicroBatch < 0 || c.Targets < 0:
		return nil, need, usagef("--batch %d, --micro-batch %d, --targets %d: want positive numbers", c.Batch, c.MicroBatch, c.Targets)
	case c.Targets > c.MaxLength:
		return nil, need, usagef("--targets %d: more than the %d tokens of --max-length", c.Targets, c.MaxLength)
	}
	length, err := m.maxLength(c.MaxLength)
	if err != nil {
		return nil, need, err
	}
	need = train.NewNeed(m.Decoder)
	need.TokensBatch = c.Batch * length
	e, err := m.part(c.Plan, c.Share)
	if err != nil {
		return nil, need, err
	}
	if e.Plan != nil && len(e.Plan.TrainablePlaces()) == 0 {
		return e.Plan, need, nil
	}
	t := &train.Trainer{Recompute: c.Recompute, Params: e.Params(), Held: e.Decoder.Params(), Settings: train.Settings{
		LR: 1, Steps: 1, Batch: c.Batch, MicroBatch: c.MicroBatch, Schedule: optim.Constant, Dropout: m.Config.Dropout,
	}}
	targets := cmp.Or(c.Targets, length)
	one := task.Pair{Context: make([]int32, length-targets+1), Target: make([]int32, targets)} // all but the last target are read too
	if t.Train, err = train.NewNextToken(e.Decoder, slices.Repeat([]task.Pair{one}, c.Batch)); err != nil {
		return nil, need, err
	}
	return e.Plan, need, need.AddTraining(t)
}

func (s *session) printInfo(r infoResult, config transformer.Config) {
	s.printf("model         %s\n", r.Model)
	s.printf("architecture  %s\n", config)
	if r.Emulator {
		s.printf("              an emulator written by lamina emulate\n")
	}
	head := "own head"
	if r.Tied {
		head = "head tied to the embedding"
	}
	s.printf("parameters    %s (%s a block), %s\n", report.Count(r.Params), report.Count(r.BlockParams), head)
	var types []string
	for name, n := range r.DTypes {
		types = append(types, fmt.Sprintf("%s %s", name, report.Count(n)))
	}
	slices.Sort(types)
	s.printf("stored as     %s\n", strings.Join(types, ", "))
	if r.Described {
		s.printf("              as it is described: the weights themselves are not here\n")
	}
	if t := r.Tokenizer; t.Error != "" {
		s.printf("tokenizer     none: %s\n", oneLine(t.Error))
	} else {
		chat := "no chat template"
		if t.Chat {
			chat = "with chat template"
		}
		s.printf("tokenizer     %s ids, BOS %s, EOS %s, %s\n", report.Count(t.Vocab), cmp.Or(oneLine(t.BOS), "none"), cmp.Or(oneLine(t.EOS), "none"), chat)
	}
	n := r.Memory
	s.printf("inference     about %s: weights %s, cache of %d positions %s, one pass\n",
		report.Bytes(n.Inference), report.Bytes(n.Weights), n.Positions, report.Bytes(n.Cache))
	what := "everything"
	if r.Plan != "" {
		what = "plan " + r.Plan
	}
	s.printf("training      %s for %s: %s trained weights with gradient and moments %s, frozen weights %s, a batch of %s tokens %s, the rest about %s\n",
		report.Bytes(n.Training), what, report.Count(n.Trainable), report.Bytes(n.Optimiser), report.Bytes(n.Held), report.Count(n.TokensBatch), report.Bytes(n.Activations), report.Bytes(n.Process))
}
