package transformer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"lamina/kernels"
	"lamina/record"
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
// it; see [Checkpoint.ChatTemplate]. The template sees the tokenizer's special tokens and
// variables, which may be nil.
func (c *Checkpoint) ChatIDs(t *tokenizer.Tokenizer, variables record.Object, messages ...chat.Message) ([]int32, error) {
	template, err := c.ChatTemplate(t, variables)
	if err != nil {
		return nil, err
	}
	text, err := chat.Render(template, messages, chat.Options{Generation: true, Variables: slices.Concat(specialTokens(t), variables)})
	if err != nil {
		return nil, fmt.Errorf("%s: chat template: %w", c.templateFile(), err)
	}
	ids, err := t.EncodeChecked(text, false) // the template writes special tokens itself
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path, err)
	}
	return ids, nil
}

// ChatTemplate returns the Jinja template of conversations that the tokenizer has: of
// several with names "tool_use" where variables name tools, else "default". The error is
// [ErrNoTemplate], or names those that there are.
func (c *Checkpoint) ChatTemplate(t *tokenizer.Tokenizer, variables record.Object) (string, error) {
	named := t.ChatTemplates()
	if text, ok := named["tool_use"]; ok && slices.ContainsFunc(variables, func(f record.Field) bool { return f.Name == "tools" && f.Value != nil }) {
		return text, nil
	}
	if text := t.Roles().ChatTemplate; text != "" {
		return text, nil
	}
	if len(named) > 0 {
		return "", fmt.Errorf("%s: no chat template is called default (there are: %s)", c.Path, strings.Join(slices.Sorted(maps.Keys(named)), ", "))
	}
	return "", fmt.Errorf("%s: %w", c.Path, ErrNoTemplate)
}

// templateFile is where the chat template stands.
func (c *Checkpoint) templateFile() string {
	if c.GGUF != nil {
		return c.Path
	}
	path := filepath.Join(c.Dir, "chat_template.jinja")
	if _, err := os.Stat(path); err != nil {
		return filepath.Join(c.Dir, "tokenizer_config.json")
	}
	return path
}

// specialTokens are the names of a tokenizer's special tokens, as a template sees them.
func specialTokens(t *tokenizer.Tokenizer) record.Object {
	var names record.Object
	for _, s := range t.SpecialTokens() {
		var value record.Value = s.Texts[0]
		if s.Name == "additional_special_tokens" {
			list := make(record.List, len(s.Texts))
			for i, text := range s.Texts {
				list[i] = text
			}
			value = list
		}
		names = append(names, record.Field{Name: s.Name, Value: value})
	}
	return names
}

// GenerateText is [Decoder.Generate] that ends at one of the tokens ends, such as
// [Checkpoint.EndTokens], and calls emit with each further piece of text as soon as
// nothing that comes can change it. It returns the ids that were added, the one that
// ended the text included, and the text they add, without special tokens: that of the
// prompt and the ids, less that of the prompt.
func (d *Decoder) GenerateText(ctx context.Context, be kernels.Backend, t *tokenizer.Tokenizer, prompt []int32, maxTokens int, how Sampling, ends []int32, emit func(piece string)) (ids []int32, text string, err error) {
	ids = []int32{}
	before := t.Decode(prompt, true)
	decode := func() string { return added(before, t.Decode(slices.Concat(prompt, ids), true)) }
	shown := ""
	show := func(text string) {
		if more, ok := strings.CutPrefix(text, shown); ok && more != "" {
			emit(more)
			shown = text
		}
	}
	err = d.Generate(ctx, be, prompt, maxTokens, how, func(id int32) bool {
		ids = append(ids, id)
		show(settled(decode(), t.Tidies()))
		early := len(ids) <= how.Rules.MinNewTokens || len(prompt)+len(ids) <= how.Rules.MinLength
		return early || !slices.Contains(ends, id)
	})
	if err != nil {
		return ids, "", err
	}
	text = decode()
	show(text)
	return ids, text, nil
}

// added returns what text has beyond before; where the two part earlier (a character
// that the prompt began, a space that what follows takes away), from there on.
func added(before, text string) string {
	if more, ok := strings.CutPrefix(text, before); ok {
		return more
	}
	n := 0
	for i, r := range text {
		if !strings.HasPrefix(before[i:], string(r)) {
			break
		}
		n = i + utf8.RuneLen(r)
	}
	return text[n:]
}

// settled leaves out what further tokens may change: where spaces are tidied up, one
// near the end, which may go with what follows it; and a character at the end whose last
// bytes are yet to come.
func settled(text string, tidied bool) string {
	const reach = 8 // longer than any space that goes with what makes it go
	from := max(0, len(text)-reach)
	if i := strings.IndexByte(text[from:], ' '); tidied && i >= 0 {
		text = text[:from+i]
	}
	for strings.HasSuffix(text, string(utf8.RuneError)) {
		text = strings.TrimSuffix(text, string(utf8.RuneError))
	}
	return text
}
