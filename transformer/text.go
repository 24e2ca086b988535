package transformer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lamina/kernels"
	"lamina/transformer/chat"
	"lamina/transformer/tokenizer"
)

// ErrNoTemplate is the error of [Checkpoint.ChatIDs] where a model has none.
var ErrNoTemplate = errors.New("has no chat template")

// PromptIDs encodes a text to be continued, with the special tokens that the
// tokenizer puts around one; a text of no tokens begins with BOS.
func (c *Checkpoint) PromptIDs(t *tokenizer.Tokenizer, text string) ([]int32, error) {
	ids, err := t.EncodeChecked(text, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	if bos, ok := t.BOS(); ok && len(ids) == 0 {
		ids = []int32{bos}
	}
	return ids, nil
}

// ChatIDs encodes a conversation to be answered, as the checkpoint's template writes
// it; see [Checkpoint.ChatTemplate].
func (c *Checkpoint) ChatIDs(t *tokenizer.Tokenizer, messages ...chat.Message) ([]int32, error) {
	template := c.ChatTemplate(t)
	if template == "" {
		return nil, fmt.Errorf("%s: %w", c.Path, ErrNoTemplate)
	}
	roles := t.Roles()
	text, err := chat.Render(template, messages, chat.Options{BOS: roles.BOS, EOS: roles.EOS, Generation: true})
	if err != nil {
		return nil, fmt.Errorf("%s: chat template: %w", c.Path, err)
	}
	ids, err := t.EncodeChecked(text, false) // the template writes special tokens itself
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	return ids, nil
}

// GenerateText is [Decoder.Generate] that ends at one of the tokens ends, such as
// [Checkpoint.EndTokens], and calls emit with each further piece of text as soon as
// its last character is whole. It returns the ids that were added, the one that
// ended the text included, and their text without special tokens.
func (d *Decoder) GenerateText(ctx context.Context, be kernels.Backend, t *tokenizer.Tokenizer, prompt []int32, maxTokens int, how Sampling, ends []int32, emit func(piece string)) (ids []int32, text string, err error) {
	ids = []int32{}
	shown := 0
	show := func(text string) {
		if len(text) > shown {
			emit(text[shown:])
			shown = len(text)
		}
	}
	err = d.Generate(ctx, be, prompt, maxTokens, how, func(id int32) bool {
		ids = append(ids, id)
		show(complete(t.Decode(ids, true)))
		return !slices.Contains(ends, id)
	})
	if err != nil {
		return ids, "", err
	}
	text = t.Decode(ids, true)
	show(text)
	return ids, text, nil
}

// complete leaves out a character at the end whose last bytes are yet to come.
func complete(text string) string {
	for strings.HasSuffix(text, string(utf8.RuneError)) {
		text = strings.TrimSuffix(text, string(utf8.RuneError))
	}
	return text
}
