package transformer

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"lamina/kernels"
	"lamina/transformer/tokenizer"
)

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
