package task

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Task is a prompt: how a document becomes text for the model. The zero Task
// uses a file verbatim.
type Task struct {
	name   string
	takes  Shape
	prompt func(query string) string
	choice func(text string) string // nil: as it is
	// spaced says that the paper's training text has a space before the target,
	// which other tasks' has not (task_utils.py of the authors).
	spaced bool
}

// tasks are the prompts of lm-evaluation-harness, zero-shot, checked against its
// version 0.4.8; openbook_qa is what the files of llm-foundry call openbookqa.
// Where a prompt adds nothing to the query, [plain] has already done all.
var tasks = [...]Task{
	{name: "arc_easy", takes: Choice, prompt: question},
	{name: "arc_challenge", takes: Choice, prompt: question},
	{name: "openbookqa", takes: Choice, prompt: plain},
	{name: "openbook_qa", takes: Choice, prompt: plain},
	{name: "piqa", takes: Choice, prompt: question},
	{name: "boolq", takes: Choice, prompt: passage, spaced: true},
	{name: "copa", takes: Choice, prompt: plain, choice: lowerFirst, spaced: true},
	{name: "webqs", takes: Answers, prompt: question, spaced: true},
	{name: "wikitext", takes: Text, prompt: Detokenize},
}

// Names returns the names [Named] knows.
func Names() []string {
	names := make([]string, len(tasks))
	for i, t := range tasks {
		names[i] = t.name
	}
	return names
}

// Named returns the task of a name; "" is the verbatim one.
func Named(name string) (Task, error) {
	if name == "" {
		return Task{}, nil
	}
	for _, t := range tasks {
		if t.name == name {
			return t, nil
		}
	}
	return Task{}, fmt.Errorf("task %.128q is unknown: want one of %s", name, strings.Join(Names(), ", "))
}

// Name returns the task's name, "" of the verbatim one.
func (t Task) Name() string { return t.name }

// plain takes off what the file's own prompt put around a query: the words
// "Question: " in front and white space behind.
func plain(query string) string {
	return strings.TrimRightFunc(strings.TrimPrefix(query, "Question: "), unicode.IsSpace)
}

func question(query string) string { return "Question: " + plain(query) + "\nAnswer:" }

// passage is BoolQ's prompt; the query holds passage and question, the question
// on a line of its own.
func passage(query string) string {
	text := plain(strings.TrimPrefix(query, "Passage: "))
	if !strings.HasSuffix(text, "?") {
		text += "?"
	}
	return text + "\nAnswer:"
}

func lowerFirst(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(r)) + text[size:]
}

// Request asks how likely a continuation is after a context.
type Request struct{ Context, Continuation string }

// Item is a document ready to be encoded and scored.
type Item struct {
	Shape    Shape
	Requests []Request // one per choice, context or answer; empty for Tokens
	Pair     Pair      // the ids of a Tokens document
	Gold     int       // Choice and ContextChoice
	// Chars has the length of each choice in characters (code points), without
	// the space in front: what acc_norm divides by.
	Chars []int
	// Words and Bytes are the sizes of a Text document before the prompt, what
	// word and byte perplexity divide by.
	Words, Bytes int

	doc Document
}

// Item applies the task to a document. Every continuation is one space and the
// text of the choice, as the harness has it; only a "continuation" that already
// begins with white space is left as it is. It is an error, naming the
// document, if the task takes another shape.
func (t Task) Item(d Document) (Item, error) {
	if t.takes != 0 && t.takes != d.Shape {
		return Item{}, d.errorf("task %s takes documents %v, not %v", t.name, t.takes, d.Shape)
	}
	prompt, choice := t.prompt, t.choice
	if prompt == nil {
		prompt = func(s string) string { return s }
	}
	if choice == nil {
		choice = func(s string) string { return s }
	}
	item := Item{Shape: d.Shape, Gold: d.Gold, doc: d}
	switch d.Shape {
	case Choice, Answers:
		options := d.Options
		if t.name == "webqs" {
			options = aliases(options)
		}
		context := prompt(d.Query)
		for _, o := range options {
			o = choice(o)
			item.Requests = append(item.Requests, Request{context, " " + o})
			item.Chars = append(item.Chars, utf8.RuneCountInString(o))
		}
	case Continuation:
		item.Requests = []Request{{prompt(d.Query), spaced(d.Continuation)}}
	case ContextChoice:
		continuation := spaced(d.Continuation)
		for _, c := range d.Options {
			item.Requests = append(item.Requests, Request{prompt(c), continuation})
			item.Chars = append(item.Chars, utf8.RuneCountInString(strings.TrimPrefix(continuation, " ")))
		}
	case Text:
		item.Requests = []Request{{"", prompt(d.Text)}}
		item.Words, item.Bytes = words(d.Text), len(d.Text)
	case Tokens:
		item.Pair = Pair{Context: d.ContextIDs, Target: d.TargetIDs}
	default:
		return Item{}, d.errorf("a document of no shape")
	}
	return item, nil
}

// Items applies the task to all documents, in order.
func (t Task) Items(docs []Document) ([]Item, error) {
	items := make([]Item, len(docs))
	for i, d := range docs {
		var err error
		if items[i], err = t.Item(d); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// spaced puts one space in front, unless white space is there.
func spaced(text string) string {
	if r, _ := utf8.DecodeRuneInString(text); unicode.IsSpace(r) {
		return text
	}
	return " " + text
}

// aliases sorts answers and drops each that begins with the last one kept: if
// the shorter is not what the model says, the longer is not either
// (webqs/utils.py of the harness).
func aliases(answers []string) []string {
	var kept []string
	for _, a := range slices.Sorted(slices.Values(answers)) {
		if len(kept) == 0 || !strings.HasPrefix(a, kept[len(kept)-1]) {
			kept = append(kept, a)
		}
	}
	return kept
}
