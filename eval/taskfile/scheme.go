package taskfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"lamina/eval/task"
	"lamina/internal/jinja"
	"lamina/record"
)

// scheme makes documents of rows.
type scheme struct {
	output                string
	text, choices, target *source // choices: nil where there are none
	prefix                *source // gen_prefix; nil: none
	written               written
}

// source is where a prompt, a list of choices or a target comes from.
type source struct {
	of       *scheme
	key      string
	at       place
	constant record.Value // a number or a list; nil: text
	field    string       // the whole text: a field, if there is one of that name
	word     bool         // it looks like a field's name and like no template
	template *jinja.Template
}

var (
	braces = regexp.MustCompile(`\{([A-Za-z_]\w*(?:\.\w+)*)\}`)
	word   = regexp.MustCompile(`^[A-Za-z_]\w*$`)
)

func newScheme(file, output string, k keys) (*scheme, error) {
	s := &scheme{output: output}
	for _, part := range []struct {
		key    string
		to     **source
		needed bool
	}{
		{"doc_to_text", &s.text, output != "loglikelihood_rolling"}, {"doc_to_choice", &s.choices, output == "multiple_choice"}, {"doc_to_target", &s.target, true},
	} {
		e, ok := k[part.key]
		if !ok {
			if part.needed {
				return nil, fmt.Errorf("%s: the key %q is missing: %s wants it", file, part.key, output)
			}
			continue
		}
		var err error
		if *part.to, err = newSource(part.key, e); err != nil {
			return nil, err
		}
		(*part.to).of = s
	}
	if e, ok := k["gen_prefix"]; ok {
		text, err := e.text()
		if err != nil {
			return nil, err
		}
		if s.prefix, err = newSource("gen_prefix", entry{e.key, e.at, node{e.at, text}}); err != nil {
			return nil, err
		}
		s.prefix.of = s
		s.prefix.word = false // a word that is no field stands for itself
	}
	if s.choices != nil && (output == "loglikelihood" || output == "loglikelihood_rolling") {
		return nil, s.choices.at.errorf("%s: %s has no choices", k["doc_to_choice"].key, output)
	}
	return s, nil
}

func newSource(meant string, e entry) (*source, error) {
	s := &source{key: e.key, at: e.at}
	switch v := e.value.(type) {
	case string:
		text := v
		if !strings.Contains(v, "{{") && !strings.Contains(v, "{%") && !strings.Contains(v, "{#") {
			text = braces.ReplaceAllString(v, "{{$1}}")
		}
		s.field, s.word = v, word.MatchString(v)
		var err error
		if s.template, err = jinja.Parse(text, jinja.Options{}); err != nil {
			return nil, e.at.errorf("%s: the template: %w", e.key, err)
		}
		return s, nil
	case int64:
		if meant == "doc_to_choice" {
			return nil, e.wrong("a list, a template or a field")
		}
		s.constant = v
	case []node:
		if meant == "doc_to_text" {
			return nil, e.wrong("a template or a field")
		}
		texts, err := e.texts()
		if err != nil {
			return nil, err
		}
		s.constant = listOf(texts)
	case []entry:
		if meant != "doc_to_choice" {
			return nil, e.wrong("a template or a field")
		}
		var texts []string
		for _, e := range v {
			text, err := e.text()
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
		s.constant = listOf(texts)
	default:
		return nil, e.wrong("a template or a field")
	}
	return s, nil
}

func listOf(texts []string) record.List {
	list := make(record.List, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}

// errorf names key and line of the file.
func (s *source) errorf(format string, args ...any) error {
	return fmt.Errorf("%s (%v): %w", s.key, s.at, fmt.Errorf(format, args...))
}

// value returns the constant, the field's value, or the text of the template, which
// a field's value may be too.
func (s *source) value(r record.Record) (v record.Value, rendered bool, err error) {
	if s.constant != nil {
		return s.constant, false, nil
	}
	if v, ok := r.Fields.Get(s.field); ok {
		if u, is := v.(record.Unread); is {
			return nil, false, s.errorf("field %.128q: %s", s.field, u.Why)
		}
		return plain(v), false, nil
	}
	if s.word {
		return nil, false, s.errorf("field %.128q is missing; if it is no field but the text itself, write \"{{ '%s' }}\"", s.field, s.field)
	}
	text, err := s.template.Render(r.Fields)
	if err != nil {
		return nil, false, s.errorf("%w", err)
	}
	return text, true, s.of.written.add(s, text, r.Fields)
}

// plain returns a whole number as int64 and a cell as text.
func plain(v record.Value) record.Value {
	switch v := v.(type) {
	case record.Cell:
		return string(v)
	case record.Number:
		if i, err := (record.Record{Fields: record.Object{{Name: "n", Value: v}}}).Int("n"); err == nil {
			return int64(i)
		}
	case []int64:
		list := make(record.List, len(v))
		for i := range v {
			list[i] = v[i]
		}
		return list
	}
	return v
}

func isDigits(text string) bool {
	return text != "" && len(text) < 64 && strings.Trim(text, "0123456789") == ""
}

// prompt is doc_to_text: a text, or an index of choices.
func (s *scheme) prompt(r record.Record) (text string, index int, err error) {
	if s.text == nil {
		return "", -1, nil
	}
	v, rendered, err := s.text.value(r)
	if err != nil {
		return "", -1, err
	}
	if text, is := v.(string); is {
		if !rendered || s.choices == nil || !isDigits(text) {
			return text, -1, nil
		}
		if v, err = record.ParseLiteral(text); err != nil {
			return "", -1, s.text.errorf("%w", err)
		}
	}
	i, is := indexOf(v)
	switch {
	case !is:
		return "", -1, s.text.errorf("%s, want a text", record.Kind(v))
	case s.choices == nil:
		return jinja.Str(v), -1, nil
	}
	return "", int(i), nil
}

// indexOf returns a whole number; true and false are 1 and 0, as in Python.
func indexOf(v record.Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// list is doc_to_choice.
func (s *scheme) list(r record.Record) ([]string, error) {
	v, _, err := s.choices.value(r)
	if err != nil {
		return nil, err
	}
	if text, is := v.(string); is {
		if len(text) > maxList {
			return nil, s.choices.errorf("%.64q: %d bytes, more than the %d a list may have", text, len(text), maxList)
		}
		if v, err = record.ParseLiteral(text); err != nil {
			return nil, s.choices.errorf("%.64q is no list: %w", text, err)
		}
	}
	list, is := v.(record.List)
	if !is || len(list) == 0 {
		return nil, s.choices.errorf("%s, want a list of one text or more", record.Kind(v))
	}
	texts := make([]string, len(list))
	for i, v := range list {
		text, is := v.(string)
		if !is || text == "" {
			return nil, s.choices.errorf("item %d is %s, want a text that is not empty", i, record.Kind(v))
		}
		texts[i] = text
	}
	return texts, nil
}

// answer is doc_to_target: a text, a whole number or a list.
func (s *scheme) answer(r record.Record) (record.Value, error) {
	v, rendered, err := s.target.value(r)
	text, is := v.(string)
	if err != nil || !is || !rendered {
		return v, err
	}
	switch {
	case s.choices != nil && isDigits(text):
		if v, err = record.ParseLiteral(text); err != nil {
			return nil, s.target.errorf("%w", err)
		}
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") && len(text) <= maxList:
		if list, err := record.ParseLiteral(text); err == nil {
			return list, nil
		}
	}
	return v, nil
}

// index returns which of the choices a target means.
func (s *scheme) index(v record.Value, choices []string) (int, error) {
	if i, is := indexOf(v); is {
		if i < 0 || i >= int64(len(choices)) {
			return 0, s.target.errorf("index %d out of range (%d choices)", i, len(choices))
		}
		return int(i), nil
	}
	switch v := v.(type) {
	case string:
		at := slices.Index(choices, v)
		if at < 0 {
			return 0, s.target.errorf("%.64q is none of the choices %.256q", v, choices)
		}
		return at, nil
	case record.List:
		return 0, s.target.errorf("a list: several right choices are not known here: name one")
	}
	return 0, s.target.errorf("%s, want the index of a choice or its text", record.Kind(v))
}

// document makes a document of a row, as ConfigurableTask of the harness does.
func (s *scheme) document(r record.Record) (task.Document, error) {
	text, index, err := s.prompt(r)
	if err != nil {
		return task.Document{}, err
	}
	target, err := s.answer(r)
	if err != nil {
		return task.Document{}, err
	}
	d, err := s.shaped(r, text, index, target)
	d.Target = jinja.Str(target)
	if err == nil && s.prefix != nil {
		v, _, err := s.prefix.value(r)
		if err != nil {
			return d, err
		}
		prefix := jinja.Str(v)
		d.Prefix = &prefix
	}
	return d, err
}

// shaped makes a document of a prompt, or of the index of the right choice that
// stands for it, and a target.
func (s *scheme) shaped(r record.Record, text string, index int, target record.Value) (d task.Document, err error) {
	var choices []string
	if s.choices != nil {
		if choices, err = s.list(r); err != nil {
			return d, err
		}
		if index >= len(choices) || index < -1 {
			return d, s.text.errorf("index %d out of range (%d choices)", index, len(choices))
		}
	}
	switch s.output {
	case "multiple_choice":
		if index >= 0 {
			d := task.Document{Shape: task.ContextChoice, Options: choices, Gold: index}
			if at, is := indexOf(target); is && at >= 0 && int(at) < len(choices) {
				d.Canonical = choices[at] // examples take it for an index
			}
			d.Continuation, err = s.words(target, true)
			return d, err
		}
		gold, err := s.index(target, choices)
		return task.Document{Shape: task.Choice, Query: text, Options: choices, Gold: gold}, err
	case "generate_until":
		if index >= 0 {
			text = choices[index]
		}
		answers, err := s.answers(target, choices)
		return task.Document{Shape: task.Answers, Query: text, Options: answers}, err
	}
	words, err := s.words(target, false)
	if err == nil && words == "" {
		err = s.target.errorf("an empty text")
	}
	if s.output == "loglikelihood" {
		return task.Document{Shape: task.Continuation, Query: text, Continuation: words}, err
	}
	return task.Document{Shape: task.Text, Text: words}, err
}

// words returns a target that is a text; of numbers true says that a number will do.
func (s *scheme) words(target record.Value, numbers bool) (string, error) {
	switch v := target.(type) {
	case string:
		return v, nil
	case int64, bool:
		if numbers {
			return jinja.Str(v), nil
		}
	}
	return "", s.target.errorf("%s, want a text: a template makes one, {{field|string}}", record.Kind(target))
}

// answers returns what a generated text may be.
func (s *scheme) answers(target record.Value, choices []string) ([]string, error) {
	if choices != nil {
		at, err := s.index(target, choices)
		if err != nil {
			return nil, err
		}
		return choices[at : at+1], nil
	}
	list, is := target.(record.List)
	if !is {
		list = record.List{jinja.Str(target)}
	}
	answers := make([]string, len(list))
	for i, v := range list {
		if answers[i], is = v.(string); !is {
			return nil, s.target.errorf("item %d is %s, want a text", i, record.Kind(v))
		}
	}
	if len(list) == 0 {
		return nil, s.target.errorf("an empty list: want one answer or more")
	}
	return answers, nil
}
