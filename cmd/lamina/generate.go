package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lamina/transformer"
	"lamina/transformer/tokenizer"
)

// generateCommand continues a text.
type generateCommand struct {
	modelFlag
	Adapter     string  `placeholder:"RUN" help:"Put the weights that finetune trained into the model first."`
	Prompt      string  `required:"" placeholder:"TEXT" help:"Text to continue; with --chat the user's message."`
	System      string  `placeholder:"TEXT" help:"System message for --chat."`
	MaxTokens   int     `default:"128" placeholder:"N" help:"Tokens to add at most (default 128)."`
	Temperature float64 `default:"0" placeholder:"X" help:"0: always the likeliest token."`
	TopK        int     `placeholder:"K" help:"Choose among the K likeliest tokens; 0: all."`
	TopP        float64 `placeholder:"P" help:"Choose among the likeliest tokens that together reach P; 0: all."`
	Chat        bool    `help:"Put the prompt into the model's chat template."`
	profileFlag
}

// generateResult is its JSON.
type generateResult struct {
	IDs       []int32 `json:"ids"` // that were added, the one that ended the text included
	Text      string  `json:"text"`
	Rate      float64 `json:"tokens_per_second"`
	PromptIDs []int32 `json:"prompt_ids"`
	Precision string  `json:"precision"`
}

// Run writes the text as it comes.
func (c generateCommand) Run(s *session) error {
	if c.MaxTokens < 1 {
		return usagef("--max-tokens %d: want 1 or more", c.MaxTokens)
	}
	how := transformer.Sampling{Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, Seed: s.Seed}
	if err := how.Validate(); err != nil {
		return usageError{err}
	}
	finish, err := c.start(s)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if c.Adapter != "" {
		if err := m.Plug(c.Adapter); err != nil {
			return err
		}
	}
	t, err := m.Tokenizer()
	if err != nil {
		return err
	}
	prompt, err := c.promptIDs(m, t)
	if err != nil {
		return err
	}
	limit := min(c.MaxTokens, m.Config.MaxPositions-len(prompt))
	if limit < 1 {
		return fmt.Errorf("the prompt of %d tokens fills the model's %d positions", len(prompt), m.Config.MaxPositions)
	}
	r, err := s.generate(m, t, prompt, limit, how)
	if err != nil {
		return err
	}
	finish()
	if err := s.writeJSON(r); err != nil {
		return err
	}
	return s.ctx.Err()
}

// promptIDs encodes the prompt, plain with the template's special tokens, or as a
// chat, whose template writes them itself.
func (c generateCommand) promptIDs(m *model, t *tokenizer.Tokenizer) ([]int32, error) {
	text := c.Prompt
	if c.Chat {
		var err error
		if text, err = chatPrompt(m, t, c.System, c.Prompt); err != nil {
			return nil, err
		}
	}
	ids, err := t.EncodeChecked(text, !c.Chat)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	if bos, ok := t.BOS(); ok && len(ids) == 0 && !c.Chat {
		ids = []int32{bos}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("--prompt: has no tokens, and the model no token to begin with")
	}
	return ids, nil
}

// generate streams the text to standard output and the rate to standard error.
func (s *session) generate(m *model, t *tokenizer.Tokenizer, prompt []int32, limit int, how transformer.Sampling) (generateResult, error) {
	r := generateResult{IDs: []int32{}, PromptIDs: prompt, Precision: s.Precision}
	ends := endTokens(m, t)
	shown := 0
	begin := time.Now()
	err := m.Decoder.Generate(s.ctx, m.Backend, prompt, limit, how, func(id int32) bool {
		r.IDs = append(r.IDs, id)
		text := complete(t.Decode(r.IDs, true))
		if len(text) > shown {
			s.printf("%s", text[shown:])
			shown = len(text)
		}
		return !ends[id]
	})
	if err != nil {
		return r, err
	}
	seconds := time.Since(begin).Seconds()
	r.Text = t.Decode(r.IDs, true)
	s.printf("%s\n", r.Text[min(shown, len(r.Text)):])
	r.Rate = float64(len(r.IDs)) / seconds
	s.notef("%d tokens, %.1f tokens/s\n", len(r.IDs), r.Rate)
	return r, nil
}

// complete leaves out a character at the end whose last bytes are yet to come.
func complete(text string) string {
	for strings.HasSuffix(text, string(utf8.RuneError)) {
		text = strings.TrimSuffix(text, string(utf8.RuneError))
	}
	return text
}

// turnEnds are the tokens with which chat models end a turn, whatever their
// configuration calls the end of a text.
var turnEnds = []string{"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>"}

// endTokens returns the ids that end a text: the tokenizer's, those of
// generation_config.json and config.json, and the ends of a turn.
func endTokens(m *model, t *tokenizer.Tokenizer) map[int32]bool {
	ends := map[int32]bool{}
	if id, ok := t.EOS(); ok {
		ends[id] = true
	}
	for _, token := range turnEnds {
		if id, ok := t.ID(token); ok && t.IsSpecial(id) {
			ends[id] = true
		}
	}
	addIDs(ends, m.Config.Raw["eos_token_id"])
	if v, ok := m.generationEOS(); ok {
		addIDs(ends, v)
	}
	return ends
}

// generationEOS is eos_token_id of generation_config.json; ok says that the file is
// there and can be read.
func (m *model) generationEOS() (eos any, ok bool) {
	if m.GGUF != nil {
		return nil, false
	}
	data, err := readInput(filepath.Join(m.Dir, "generation_config.json"))
	var generation struct {
		EOS any `json:"eos_token_id"`
	}
	if err != nil || json.Unmarshal(data, &generation) != nil {
		return nil, false
	}
	return generation.EOS, true
}

// stops are the tokens at which transformers' generate ends, ascending: those of
// generation_config.json, or of config.json where that file is not there.
func (m *model) stops() []int32 {
	eos, ok := m.generationEOS()
	if !ok {
		eos = m.Config.Raw["eos_token_id"]
	}
	ends := map[int32]bool{}
	addIDs(ends, eos)
	return slices.Sorted(maps.Keys(ends))
}

// addIDs adds a number or a list of numbers as JSON has it.
func addIDs(ends map[int32]bool, v any) {
	switch v := v.(type) {
	case float64:
		ends[int32(v)] = true
	case []any:
		for _, e := range v {
			addIDs(ends, e)
		}
	}
}
