// Package chat writes a conversation the way a model was trained to read it: by
// the Jinja template that comes with its tokenizer.
//
// It knows no tokenizer and no model, no tools and no documents: a template sees
// both as none. A template is a program from a file. It can neither read files nor
// load other templates; its text, its output, its values, its calls and its time
// are limited (limits.go), and of filters and methods it has those that cannot make
// much of little (library.go). What remains: one expression may use some hundred
// megabytes for a moment, and time is looked at in loops, calls and assignments only.
//
// To the library a name that is none and one that is undefined are the same; a
// template that asks "tools is defined" is told no where Jinja says yes, and none is
// written as nothing. Of Jinja's syntax the library lacks x if y else z inside
// parentheses: such a template is an error.
//
//	text, err := chat.Render(template, []chat.Message{
//		{Role: "user", Content: "Hello"},
//	}, chat.Options{BOS: "<s>", EOS: "</s>", Generation: true})
//
// Invariants: the same input gives the same text; white space is treated as
// transformers' apply_chat_template treats it (trim_blocks and lstrip_blocks).
package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// Message is one turn.
type Message struct {
	Role    string // "system", "user" or "assistant"
	Content string
}

// Options are what a template may ask for beside the messages.
type Options struct {
	BOS, EOS   string    // spelling of the special tokens, "" for none
	Generation bool      // end with the words that begin the assistant's turn
	Now        time.Time // what strftime_now tells; zero means the time of the call
}

// Render runs a template over the messages. A template that calls
// raise_exception gives an error with its words.
func Render(template string, messages []Message, o Options) (text string, err error) {
	return render(template, messages, o, &guard{start: time.Now()})
}

func render(template string, messages []Message, o Options, g *guard) (text string, err error) {
	if len(template) > maxTemplate {
		return "", fmt.Errorf("%d bytes, more than the %d a template may have", len(template), maxTemplate)
	}
	defer func() {
		if r := recover(); r != nil { // the library panics on some templates
			text, err = "", fmt.Errorf("cannot be run: %v", r)
		}
	}()
	const name = "/template"
	loader, err := loaders.NewMemoryLoader(map[string]string{name: template})
	if err != nil {
		return "", err
	}
	c := config.New()
	c.TrimBlocks, c.LeftStripBlocks = true, true
	if err := scan(template, c); err != nil {
		return "", err
	}
	t, err := exec.NewTemplate(name, c, loader, environment(g))
	if err != nil {
		return "", fmt.Errorf("does not parse: %w", brief(err, template))
	}
	turns := make(sequence[map[string]any], len(messages))
	for i, m := range messages {
		turns[i] = map[string]any{"role": m.Role, "content": m.Content}
	}
	var out limited
	err = t.Execute(&out, exec.NewContext(variables(turns, o)))
	if err != nil {
		return "", brief(err, template)
	}
	return out.String(), nil
}

// variables are the names a template sees, as apply_chat_template gives them:
// a special token that the model lacks is undefined, tools and documents are
// there and none.
func variables(turns sequence[map[string]any], o Options) map[string]any {
	now := o.Now
	if now.IsZero() {
		now = time.Now()
	}
	names := map[string]any{
		"messages": turns, "tools": nil, "documents": nil, "add_generation_prompt": o.Generation,
		"raise_exception": func(words string) (string, error) { return "", errors.New(words) },
		"strftime_now":    func(format string) string { return strftime(now, format) },
	}
	if o.BOS != "" {
		names["bos_token"] = o.BOS
	}
	if o.EOS != "" {
		names["eos_token"] = o.EOS
	}
	return names
}

// maxWords bounds an error's text.
const maxWords = 2000

// brief takes the template's own text, which the library repeats whole, out of an
// error, and the middle of a long one.
func brief(err error, template string) error {
	s := err.Error()
	if len(template) > 64 {
		s = strings.ReplaceAll(s, template, "…")
	}
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords/2]+" … "+s[len(s)-maxWords/2:], "")
	}
	return errors.New(s)
}

// strftime writes the fields that published templates ask for.
func strftime(t time.Time, format string) string {
	return strings.NewReplacer(
		"%d", t.Format("02"), "%m", t.Format("01"), "%Y", t.Format("2006"), "%y", t.Format("06"),
		"%b", t.Format("Jan"), "%B", t.Format("January"), "%A", t.Format("Monday"),
		"%H", t.Format("15"), "%M", t.Format("04"), "%S", t.Format("05"), "%%", "%",
	).Replace(format)
}
