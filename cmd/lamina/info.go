package main

import (
	"fmt"
	"slices"
	"strings"

	"lamina/crash"
	"lamina/transformer"
)

// infoCommand describes a model.
type infoCommand struct {
	modelFlag
	Plan  string `placeholder:"PLAN" help:"Layer plan to estimate the memory of training for (text, or @FILE)."`
	Share string `default:"none" enum:"none,all,frozen" placeholder:"HOW" help:"Fill removed places: none (default), all or frozen."`
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
	DTypes       map[string]int `json:"dtypes"` // weights by storage type
	Tokenizer    tokenizerInfo  `json:"tokenizer"`
	Emulator     bool           `json:"emulator"`
	Plan         string         `json:"plan,omitempty"`
	Memory       memoryNeed     `json:"memory"`
}

type tokenizerInfo struct {
	Vocab int    `json:"vocab,omitempty"`
	BOS   string `json:"bos,omitempty"`
	EOS   string `json:"eos,omitempty"`
	Chat  bool   `json:"chat_template"`
	Error string `json:"error,omitempty"` // why there is none
}

// Run opens the model; of its weights it reads only those an emulator trains.
func (c infoCommand) Run(s *session) error {
	checkpoint, err := s.openCheckpoint(c.Model)
	if err != nil {
		return err
	}
	m := &model{Checkpoint: checkpoint}
	plan, stored, err := c.plan(s, m)
	if err != nil {
		return err
	}
	config := m.Config
	r := infoResult{
		Model: c.Model, Architecture: config.Family, Layers: config.Layers, Width: config.Width, Heads: config.Heads,
		KVHeads: config.KVHeads, HeadDim: config.HeadDim, FeedForward: config.FeedForward, Vocab: config.Vocab,
		Positions: config.MaxPositions, Params: config.Params(), BlockParams: config.BlockParams(), Tied: config.Tied,
		DTypes: dtypeCounts(m.Checkpoint), Emulator: m.GGUF == nil && crash.IsEmulator(c.Model), Memory: estimate(m, stored),
	}
	if plan != nil {
		r.Plan = plan.String()
	}
	if t, err := m.Tokenizer(); err != nil {
		r.Tokenizer.Error = err.Error()
	} else {
		roles := t.Roles()
		r.Tokenizer = tokenizerInfo{Vocab: t.VocabSize(), BOS: roles.BOS, EOS: roles.EOS, Chat: roles.ChatTemplate != ""}
	}
	s.printInfo(r, config)
	return s.writeJSON(r)
}

// plan returns the plan to estimate for, the flag's or the emulator's own, and the
// same in terms of the layers that the directory stores. Both are nil without a
// plan.
func (c infoCommand) plan(s *session, m *model) (plan, stored crash.LayerPlan, err error) {
	switch {
	case m.GGUF == nil && crash.IsEmulator(c.Model):
		if c.Plan != "" {
			return nil, nil, fmt.Errorf("%s: is an emulator and brings its plan: leave out --plan", c.Model)
		}
		opened, err := s.openModel(c.Model)
		if err != nil {
			return nil, nil, err
		}
		return opened.Emulator.Plan, storedPlan(opened.Emulator.Plan), nil
	case c.Plan == "":
		return nil, nil, nil
	}
	plan, err = sharedPlan(c.Plan, c.Share, m.Config.Layers)
	return plan, plan, err
}

// storedPlan names the layers of an exported emulator by the places they are
// stored at: a repeated one by its first place, since only that is read.
func storedPlan(plan crash.LayerPlan) crash.LayerPlan {
	stored := make(crash.LayerPlan, len(plan))
	first := map[int]int{}
	for place, s := range plan {
		stored[place] = crash.Slot{Layer: place, Trainable: s.Trainable}
		if s.Trainable {
			continue
		}
		if at, ok := first[s.Layer]; ok {
			stored[place].Layer = at
		} else {
			first[s.Layer] = place
		}
	}
	return stored
}

// sharedPlan reads a plan for a model of so many layers and fills its places.
func sharedPlan(flag, share string, layers int) (crash.LayerPlan, error) {
	plan, err := parsePlan(flag)
	if err != nil {
		return nil, err
	}
	how, err := crash.ParseSharing(share)
	if err != nil {
		return nil, err
	}
	return crash.Share(plan, layers, how)
}

func dtypeCounts(c *transformer.Checkpoint) map[string]int {
	counts := map[string]int{}
	for _, name := range c.Names() {
		e, _ := c.Entry(name)
		counts[e.DType.String()] += e.Elems()
	}
	return counts
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
	s.printf("parameters    %s (%s a block), %s\n", countText(r.Params), countText(r.BlockParams), head)
	var types []string
	for name, n := range r.DTypes {
		types = append(types, fmt.Sprintf("%s %s", name, countText(n)))
	}
	slices.Sort(types)
	s.printf("stored as     %s\n", strings.Join(types, ", "))
	if t := r.Tokenizer; t.Error != "" {
		s.printf("tokenizer     none: %s\n", oneLine(t.Error))
	} else {
		chat := "no chat template"
		if t.Chat {
			chat = "with chat template"
		}
		s.printf("tokenizer     %s ids, BOS %s, EOS %s, %s\n", countText(t.Vocab), or(oneLine(t.BOS), "none"), or(oneLine(t.EOS), "none"), chat)
	}
	n := r.Memory
	s.printf("inference     about %s: weights %s, cache of %d positions %s, one pass\n",
		bytesText(n.Inference), bytesText(n.Weights), n.Positions, bytesText(n.Cache))
	what := "everything"
	if r.Plan != "" {
		what = "plan " + r.Plan
	}
	s.printf("training      about %s for %s: %s trained weights with gradient and moments %s, frozen weights %s, activations of %d tokens %s\n",
		bytesText(n.Training), what, countText(n.Trainable), bytesText(n.Optimiser), bytesText(n.Held), n.TokensBatch, bytesText(n.Activations))
}
