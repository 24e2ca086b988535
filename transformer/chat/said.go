package chat

import (
	"fmt"
	"strings"
)

// Assistant is the role whose turns are learned.
const Assistant = "assistant"

// Span is a stretch of a rendered conversation, in bytes: text[From:To].
type Span struct{ From, To int }

// Said renders a whole conversation and says what of the text the assistant said, a span a
// turn, in order:
//
//   - what stands in the template's {% generation %} blocks, if it has such: the mask of
//     transformers' apply_chat_template(return_assistant_tokens_mask=True);
//   - else by rendering prefixes. Let r(k) be the rendering of the first k messages and g(k)
//     the same with the words that begin the assistant's turn (add_generation_prompt). Of an
//     assistant's message k, from 0, the span is [len(g(k)), len(r(k+1))): all that the
//     template writes behind the words that ask for the turn, with what ends it, such as
//     "<|im_end|>\n". Where g(k) is not the beginning of r(k+1), or r(k+1) not of the whole,
//     prefixes do not nest and nothing can be said: an error that names the message.
//
// A conversation without a turn of the assistant is an error. Generation of the options is
// not read.
func Said(template string, messages []Message, o Options) (text string, said []Span, err error) {
	o.Generation = false
	t, err := o.parse(template)
	if err != nil {
		return "", nil, err
	}
	if !t.Generates() {
		return nested(func(n int, ask bool) (string, error) {
			with := o
			with.Generation = ask
			return t.Render(variables(messages[:n], with))
		}, messages)
	}
	text, spans, err := t.RenderSpans(variables(messages, o))
	for _, s := range spans {
		said = append(said, Span(s))
	}
	if err == nil && len(said) == 0 {
		err = fmt.Errorf("nothing of the %d messages stands in a generation block of the template: want a message of the role %s", len(messages), Assistant)
	}
	return text, said, err
}

// nested finds the assistant's turns by rendering the messages before and up to each.
func nested(render func(n int, ask bool) (string, error), messages []Message) (whole string, said []Span, err error) {
	if whole, err = render(len(messages), false); err != nil {
		return "", nil, err
	}
	for k, m := range messages {
		if m.Role != Assistant {
			continue
		}
		before, err := render(k, true)
		if err != nil {
			return "", nil, fmt.Errorf("the messages before message %d, to find where the assistant begins: %w", k+1, err)
		}
		upTo := whole
		if k+1 < len(messages) {
			if upTo, err = render(k+1, false); err != nil {
				return "", nil, fmt.Errorf("the messages up to message %d, to find where the assistant ends: %w", k+1, err)
			}
		}
		if !strings.HasPrefix(upTo, before) || !strings.HasPrefix(whole, upTo) {
			return "", nil, fmt.Errorf("the template writes the messages before message %d otherwise than when it follows, so that what the assistant said is not found by prefixes: mark it in the template with {%% generation %%} and {%% endgeneration %%}", k+1)
		}
		said = append(said, Span{len(before), len(upTo)})
	}
	if len(said) == 0 {
		return "", nil, fmt.Errorf("none of the %d messages is of the role %s: nothing to learn", len(messages), Assistant)
	}
	return whole, said, nil
}
