package transformer

import (
	"fmt"
	"slices"
	"time"

	"lamina/record"
	"lamina/transformer/chat"
	"lamina/transformer/tokenizer"
)

// chatDate is the day on which conversations to be learned take place, for templates that
// write the date: one day for all, or the same rows would be other tokens tomorrow. It is
// the day that the template of LLaMA 3.1 names where nobody tells it one.
var chatDate = time.Date(2024, time.July, 26, 12, 0, 0, 0, time.UTC)

// Said is a stretch of token ids: ids[From:To].
type Said struct{ From, To int }

// SaidIDs encodes a whole conversation, as a template writes it, and says which of the ids
// are a turn of the assistant's, each a stretch of one id or more, in order; see [chat.Said].
// The template sees the tokenizer's special tokens and variables, which may be nil. A turn
// begins with the token that holds its first character, and ends with the last one that
// holds a part of its last: transformers' rule, which of a last character in several tokens
// takes only the first.
func SaidIDs(t *tokenizer.Tokenizer, template string, variables record.Object, messages []chat.Message) (ids []int32, said []Said, err error) {
	text, spans, err := chat.Said(template, messages, chat.Options{Now: chatDate, Variables: slices.Concat(specialTokens(t), variables)})
	if err != nil {
		return nil, nil, fmt.Errorf("chat template: %w", err)
	}
	ids, at, err := t.EncodeOffsets(text, false) // the template writes special tokens itself
	if err != nil {
		return nil, nil, err
	}
	place := characters(text)
	for _, s := range spans {
		from, to := place(s.From), place(s.To)
		first := slices.IndexFunc(at, func(p tokenizer.Span) bool { return p.To > from })
		last := len(at) - 1
		for last >= 0 && at[last].From >= to {
			last--
		}
		if first >= 0 && first <= last {
			said = append(said, Said{first, last + 1})
		}
	}
	if len(said) == 0 {
		return nil, nil, fmt.Errorf("the assistant's turns have no tokens")
	}
	return ids, said, nil
}

// characters returns a function that counts the characters before a byte of a text; asked
// for bytes that rise, it walks the text once.
func characters(text string) func(byte int) int {
	at, count := 0, 0
	return func(to int) int {
		if to < at {
			at, count = 0, 0
		}
		for range text[at:to] {
			count++
		}
		at = to
		return count
	}
}
