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
	adapterFlag
	Prompt      string   `required:"" placeholder:"TEXT" help:"Text to continue; with --chat the user's message."`
	System      string   `placeholder:"TEXT" help:"System message for --chat."`
	MaxTokens   *int     `placeholder:"N" help:"Tokens to add at most (default: what generation_config.json says, else 128)."`
	Temperature *float64 `placeholder:"X" help:"Draw at this temperature; 0 (default): always the likeliest token."`
	TopK        *int     `placeholder:"K" help:"Draw from the K likeliest tokens; 0: all (default: what generation_config.json says, else all)."`
	TopP        *float64 `placeholder:"P" help:"Draw from the likeliest tokens that together reach P; 0: all (default: what generation_config.json says, else all)."`
	Sample      bool     `help:"Draw as transformers does with do_sample: temperature and cuts of generation_config.json, else temperature 1 and top-k 50."`
	Chat        bool     `help:"Put the prompt into the model's chat template."`
	ChatVars    string   `placeholder:"JSON" help:"With --chat: JSON object of further variables of the template, such as {\"tools\": [...], \"date_string\": \"1 Jan 2025\"}."`
	mmapFlag
	profileFlag
}

// generateResult is its JSON.
type generateResult struct {
	IDs       []int32 `json:"ids"`  // that were added, the one that ended the text included
	Text      string  `json:"text"` // that they add to the prompt's
	Ended     string  `json:"ended"`
	Rate      float64 `json:"tokens_per_second"`
	PromptIDs []int32 `json:"prompt_ids"`
	Precision string  `json:"precision"`
}

// Run writes the text as it comes.
func (c generateCommand) Run(s *session) error {
	want := transformer.Wanted{MaxTokens: c.MaxTokens, Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, Sample: c.Sample, Seed: s.Seed}
	if err := c.check(want); err != nil {
		return err
	}
	finish, err := c.start(s)
	if err != nil {
		return err
	}
	m, err := c.open(s, c.Model)
	if err != nil {
		return err
	}
	said, err := m.Generation()
	if err != nil {
		return err
	}
	c.warn(s, want, said)
	how, err := want.Sampling(said)
	if err != nil {
		return err
	}
	t, err := m.Tokenizer()
	if err != nil {
		return err
	}
	prompt, err := c.promptIDs(m, t)
	if err != nil {
		return err
	}
	most := want.Most(said, len(prompt))
	limit := min(most, m.Config.MaxPositions-len(prompt))
	if limit < 1 {
		return fmt.Errorf("the prompt of %d tokens fills the model's %d positions", len(prompt), m.Config.MaxPositions)
	}
	if err := c.place(m.Checkpoint, m.Decoder, limit); err != nil {
		return err
	}
	ends := m.EndTokens(t)
	begin := time.Now()
	ids, text, err := m.Decoder.GenerateText(s.ctx, m.Backend, t, prompt, limit, how, ends, func(piece string) { s.printf("%s", piece) })
	if err != nil {
		return err
	}
	s.printf("\n")
	rate := float64(len(ids)) / time.Since(begin).Seconds()
	ended := transformer.Ended(s.ctx, ids, ends, limit < most)
	if ended == transformer.EndedByPositions {
		s.notef("the text ends at the model's last position, %d\n", m.Config.MaxPositions)
	}
	s.notef("%d tokens, %.1f tokens/s\n", len(ids), rate)
	finish()
	if err := s.writeJSON(generateResult{ids, text, ended, rate, prompt, s.Precision}); err != nil {
		return err
	}
	return s.ctx.Err()
}

// check tests the flags before anything is opened.
func (c generateCommand) check(want transformer.Wanted) error {
	if err := want.Validate(); err != nil {
		return usageError{err}
	}
	switch {
	case c.ChatVars != "" && !c.Chat:
		return usagef("--chat-vars goes with --chat")
	case c.System != "" && !c.Chat:
		return usagef("--system goes with --chat")
	}
	return nil
}

// warn tells where the model's files ask for something else than is done.
func (c generateCommand) warn(s *session, want transformer.Wanted, said transformer.Generation) {
	if said.Warning != "" {
		s.warnf("%s", said.Warning)
	}
	switch {
	case want.Draws():
	case c.TopK != nil || c.TopP != nil:
		s.warnf("--top-k and --top-p change nothing at temperature 0")
	case said.DoSample && c.Temperature == nil:
		s.notef("the model's generation_config.json would draw tokens; this takes the likeliest each time (--sample draws)\n")
	}
}

// promptIDs encodes the prompt, plain or as a chat.
func (c generateCommand) promptIDs(m *model, t *tokenizer.Tokenizer) (ids []int32, err error) {
	if c.Chat {
		variables, wrong := chat.ParseVariables("--chat-vars", c.ChatVars)
		if wrong != nil {
			return nil, usageError{wrong}
		}
		ids, err = m.ChatIDs(t, variables, chat.Question(c.System, c.Prompt)...)
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
