// Package chat writes a conversation the way a model was trained to read it: by
// the Jinja template that comes with its tokenizer.
//
// It knows no tokenizer and no model. A template is a program from a file: it can
// neither read files nor load other templates, and its text is limited. What it
// computes is not: a hostile one can run without end, as it can in transformers.
//
//	text, err := chat.Render(template, []chat.Message{
//		{Role: "user", Content: "Hello"},
//	}, chat.Options{BOS: "<s>", EOS: "</s>", Generation: true})
//
// Invariants: the same input gives the same text; white space is treated as
// transformers' apply_chat_template treats it (trim_blocks and lstrip_blocks).
package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// Limits of a template and of the text it makes. Published templates have a few
// kilobytes.
const (
	maxTemplate = 1 << 20
	maxOutput   = 1 << 20
)

// Message is one turn.
type Message struct {
	Role    string // "system", "user" or "assistant"
	Content string
}

// Options are what a template may ask for beside the messages.
type Options struct {
	BOS, EOS   string // spelling of the special tokens, "" for none
	Generation bool   // end with the words that begin the assistant's turn
}

// errTooLong stops a template that writes without end.
var errTooLong = fmt.Errorf("writes more than %d bytes", maxOutput)

// limited is a buffer that takes maxOutput bytes.
type limited struct{ bytes.Buffer }

func (b *limited) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}

func (b *limited) WriteString(s string) (int, error) { return b.Write([]byte(s)) }

// Render runs a template over the messages. A template that calls
// raise_exception gives an error with its words.
func Render(template string, messages []Message, o Options) (text string, err error) {
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
	t, err := exec.NewTemplate(name, c, loader, environment())
	if err != nil {
		return "", fmt.Errorf("does not parse: %w", brief(err, template))
	}
	turns := make([]map[string]any, len(messages))
	for i, m := range messages {
		turns[i] = map[string]any{"role": m.Role, "content": m.Content}
	}
	var out limited
	err = t.Execute(&out, exec.NewContext(map[string]any{
		"messages": turns, "bos_token": o.BOS, "eos_token": o.EOS, "add_generation_prompt": o.Generation,
		"raise_exception": func(words string) (string, error) { return "", errors.New(words) },
		"strftime_now":    func(format string) string { return strftime(time.Now(), format) },
	}))
	if err != nil {
		return "", err
	}
	return out.String(), nil
}

// environment is the library's, with a tojson that escapes nothing for HTML.
func environment() *exec.Environment {
	filters := exec.NewFilterSet(map[string]exec.FilterFunction{}).Update(builtins.Filters).
		Update(exec.NewFilterSet(map[string]exec.FilterFunction{"tojson": toJSON}))
	return &exec.Environment{
		Context:           exec.EmptyContext().Update(builtins.GlobalFunctions).Update(builtins.GlobalVariables),
		Filters:           filters,
		Tests:             builtins.Tests,
		ControlStructures: alone(),
		Methods:           builtins.Methods,
	}
}

// alone is the library's statements without those that load a template: a
// template that included itself would overflow the stack, which nothing catches.
func alone() *exec.ControlStructureSet {
	set := exec.NewControlStructureSet(map[string]parser.ControlStructureParser{}).Update(builtins.ControlStructures)
	for _, name := range []string{"include", "import", "from", "extends"} {
		refuse := func(*parser.Parser, *parser.Parser) (nodes.ControlStructure, error) {
			return nil, fmt.Errorf("%q is refused: a chat template stands alone", name)
		}
		if err := set.Replace(name, refuse); err != nil {
			panic(err) // the library has lost a statement of Jinja
		}
	}
	return set
}

// toJSON is transformers' tojson filter: json.dumps without escapes for HTML or
// characters outside ASCII.
func toJSON(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if indent, ok := params.KwArgs["indent"]; ok && indent.IsInteger() {
		e.SetIndent("", strings.Repeat(" ", max(0, min(indent.Integer(), 16))))
	}
	if err := e.Encode(in.ToGoSimpleType(true)); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(strings.TrimSuffix(b.String(), "\n"))
}

// brief takes the template's own text, which the library repeats whole, out of an
// error.
func brief(err error, template string) error {
	return errors.New(strings.ReplaceAll(err.Error(), template, "…"))
}

// strftime writes the fields that published templates ask for.
func strftime(t time.Time, format string) string {
	return strings.NewReplacer(
		"%d", t.Format("02"), "%m", t.Format("01"), "%Y", t.Format("2006"), "%y", t.Format("06"),
		"%b", t.Format("Jan"), "%B", t.Format("January"), "%A", t.Format("Monday"),
		"%H", t.Format("15"), "%M", t.Format("04"), "%S", t.Format("05"), "%%", "%",
	).Replace(format)
}
