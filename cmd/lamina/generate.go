package main

import (
	"errors"
	"fmt"
	"time"

	"lamina/transformer"
	"lamina/transformer/chat"
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
	begin := time.Now()
	ids, text, err := m.Decoder.GenerateText(s.ctx, m.Backend, t, prompt, limit, how, m.EndTokens(t), func(piece string) { s.printf("%s", piece) })
	if err != nil {
		return err
	}
	s.printf("\n")
	rate := float64(len(ids)) / time.Since(begin).Seconds()
	s.notef("%d tokens, %.1f tokens/s\n", len(ids), rate)
	finish()
	if err := s.writeJSON(generateResult{ids, text, rate, prompt, s.Precision}); err != nil {
		return err
	}
	return s.ctx.Err()
}

// promptIDs encodes the prompt, plain or as a chat.
func (c generateCommand) promptIDs(m *model, t *tokenizer.Tokenizer) (ids []int32, err error) {
	if c.Chat {
		messages := []chat.Message{{Role: "user", Content: c.Prompt}}
		if c.System != "" {
			messages = append([]chat.Message{{Role: "system", Content: c.System}}, messages...)
		}
		ids, err = m.ChatIDs(t, messages...)
	} else {
		ids, err = m.PromptIDs(t, c.Prompt)
	}
	switch {
	case errors.Is(err, transformer.ErrNoTemplate):
		err = fmt.Errorf("%w: leave out --chat", err)
	case err == nil && len(ids) == 0:
		err = errors.New("--prompt: has no tokens, and the model no token to begin with")
	}
	return ids, err
}
