// Package chat writes a conversation the way a model was trained to read it: by
// the Jinja template that comes with its tokenizer.
//
// It knows no tokenizer and no model. A template sees what it is given: the messages,
// special tokens by their names, and variables of the caller's, tools and documents
// among them, which are none otherwise. A template is a program from a file: internal/jinja runs it, without
// files, other templates or Python's insides, and bounds its work and memory.
//
//	text, err := chat.Render(template, []chat.Message{
//		{Role: "user", Content: "Hello"},
//	}, chat.Options{BOS: "<s>", EOS: "</s>", Generation: true})
//
// Invariants: the same input gives the same text, that of transformers'
// apply_chat_template.
package chat

import (
	"errors"
	"strings"
	"time"

	"lamina/internal/jinja"
	"lamina/record"
)

// Message is one turn.
type Message struct {
	Role    string // "system", "user" or "assistant"
	Content string
	// More are further fields that a template may read, such as name.
	More record.Object
}

// Options are what a template may ask for beside the messages.
type Options struct {
	BOS, EOS   string // spelling of the special tokens, "" for none
	Generation bool   // end with the words that begin the assistant's turn
	// Variables are further names, such as pad_token, additional_special_tokens, tools
	// or date_string. They count before those above, as keyword arguments of
	// apply_chat_template do.
	Variables record.Object
	Now       time.Time // what strftime_now tells; zero means the time of the call
}

// Render runs a template over the messages. A template that calls
// raise_exception gives an error with its words.
func Render(template string, messages []Message, o Options) (text string, err error) {
	t, err := o.parse(template)
	if err != nil {
		return "", err
	}
	return t.Render(variables(messages, o))
}

// parse reads a template in transformers' environment.
func (o Options) parse(template string) (*jinja.Template, error) {
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	return jinja.Parse(template, jinja.Options{Trim: true, Lenient: true, Chat: true, Functions: map[string]func(string) (string, error){
		"raise_exception": func(words string) (string, error) { return "", errors.New(brief(words)) },
		"strftime_now":    func(format string) (string, error) { return formatTime(now, format) },
	}})
}

// variables are the names a template sees, as apply_chat_template gives them: a special
// token that the model lacks is undefined; tools and documents are there, and none
// where they are not given.
func variables(messages []Message, o Options) record.Object {
	turns := make(record.List, len(messages))
	for i, m := range messages {
		turns[i] = append(record.Object{{Name: "role", Value: m.Role}, {Name: "content", Value: m.Content}}, m.More...)
	}
	names := record.Object{
		{Name: "messages", Value: turns}, {Name: "tools"}, {Name: "documents"}, {Name: "add_generation_prompt", Value: o.Generation},
	}
	if o.BOS != "" {
		names = append(names, record.Field{Name: "bos_token", Value: o.BOS})
	}
	if o.EOS != "" {
		names = append(names, record.Field{Name: "eos_token", Value: o.EOS})
	}
	return append(names, o.Variables...) // the last of a name counts
}

// maxWords bounds the bytes of an error that a template words.
const maxWords = 2000

func brief(words string) string {
	if len(words) > maxWords {
		return strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}
