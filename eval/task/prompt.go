package task

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Request asks how likely a continuation is after a context.
type Request struct{ Context, Continuation string }

// Item is a document ready to be encoded and scored.
type Item struct {
	Shape    Shape
	Requests []Request // one per choice, context or answer; empty for Tokens and Generation
	Pair     Pair      // the ids of a Tokens document
	Gold     int       // Choice and ContextChoice
	// Chars has the length of each choice in characters (code points), without
	// the space in front: what acc_norm divides by. Where contexts are the choices it
	// is the continuation's, and of a task of one's own theirs, as in the harness.
	Chars []int
	// Words and Bytes are the sizes of a Text document before the prompt, what
	// word and byte perplexity divide by.
	Words, Bytes int

	// A text is generated after Prompt until one of the texts Until, or MaxTokens
	// tokens, and compared with Answers.
	Prompt    string
	Until     []string
	MaxTokens int
	Answers   []string

	doc     *Document
	place   int      // in the harness's order of scoring
	filters []string // names of what is done to a generated text, where that are several
}

// Document returns the document that the item was made of.
func (item *Item) Document() *Document {
	if item.doc == nil {
		return &Document{}
	}
	return item.doc
}

// Item applies the task to a document without examples before it. Every
// continuation is one space and the text of the choice, as the harness has it;
// only a "continuation" that already begins with white space is left as it is. It
// is an error, naming the document, if the task takes another shape.
func (t Task) Item(d Document, rules Rules) (Item, error) { return t.item(&d, rules, "") }

// item is Item after the text of examples. It keeps d.
func (t Task) item(d *Document, rules Rules, shots string) (Item, error) {
	if t.takes != 0 && t.takes != d.Shape {
		return Item{}, d.errorf("task %s takes documents %v, not %v", t.name, t.takes, d.Shape)
	}
	item := Item{Shape: d.Shape, Gold: t.gold(d, rules), doc: d}
	switch d.Shape {
	case Choice, Answers:
		context := shots + t.text(d, rules) + t.begun(d)
		if until, max := t.generation(rules); until != nil && d.Shape == Answers {
			item.Shape, item.Prompt, item.Answers, item.Until, item.MaxTokens = Generation, context, d.Options, until, max
			if names := t.FilterNames(); len(names) > 1 {
				item.filters = names
			}
			break
		}
		options := d.Options
		if d.Shape == Answers && t.forms != nil {
			options = aliases(options)
		}
		for _, o := range options {
			o = t.choice(o)
			item.Requests = append(item.Requests, Request{context, t.delimiter(d, rules) + o})
			item.Chars = append(item.Chars, utf8.RuneCountInString(o))
		}
	case Continuation:
		item.Requests = []Request{{shots + t.text(d, rules) + t.begun(d), t.spaced(d)}}
	case ContextChoice:
		continuation := t.spaced(d)
		for i, o := range d.Options {
			item.Requests = append(item.Requests, Request{t.contextOption(d, rules, shots, i), continuation})
			if t.own == nil {
				o = strings.TrimPrefix(continuation, " ")
			}
			item.Chars = append(item.Chars, utf8.RuneCountInString(o))
		}
	case Text:
		text := d.Text
		if t.page {
			text = Detokenize(text)
		}
		item.Requests = []Request{{"", text}}
		item.Words, item.Bytes = words(d.Text), len(d.Text)
	case Tokens:
		item.Pair = Pair{Context: d.ContextIDs, Target: d.TargetIDs}
	default:
		return Item{}, d.errorf("a document of no shape")
	}
	return item, nil
}

// gold is the right choice. The harness's 0.3 takes its label for a place, whatever
// the order of the labels in the row; its 0.4 looks for the text of COPA's, and of
// equal choices finds the first.
func (t Task) gold(d *Document, rules Rules) int {
	if t.wide && rules == Rules04 {
		return slices.Index(d.Options, d.Options[d.Gold])
	}
	if rules == Rules03 && d.letter != "" {
		if at := strings.Index("ABCDE12345", d.letter); at >= 0 {
			return at % 5
		}
	}
	return d.Gold
}

// generation returns what ends a generated answer; nil where answers are scored.
func (t Task) generation(rules Rules) (until []string, maxTokens int) {
	switch {
	case t.own != nil:
		return t.own.Until, t.own.MaxTokens
	case t.generates && rules == Rules04:
		return []string{"\n", ".", ","}, maxGenerated
	}
	return nil, 0
}

// maxGenerated is how many tokens the harness generates where a task does not say.
const maxGenerated = 256

// text is the prompt before the choices.
func (t Task) text(d *Document, rules Rules) string {
	switch {
	case t.context == nil:
		return d.Query
	case d.shaped && !t.bare:
		return d.Query // the whole prompt, for this task's cannot be made of a query alone
	}
	return t.context(d, rules)
}

// begun is the beginning of the answer that a task of one's own puts into the prompt.
func (t Task) begun(d *Document) string {
	if t.own == nil || d.Prefix == nil {
		return ""
	}
	return t.own.Delimiter + *d.Prefix
}

// choice is the text of an option.
func (t Task) choice(text string) string {
	if t.option == nil {
		return text
	}
	return t.option(text)
}

// delimiter stands before a choice. COPA's choices begin with a space of their own
// since 0.4.
func (t Task) delimiter(d *Document, rules Rules) string {
	if t.own != nil {
		return t.own.Delimiter
	}
	if said := t.said(d); said != nil {
		return *said
	}
	if t.wide && rules == Rules04 {
		return "  "
	}
	return " "
}

// contextOption is the context of option i. The harness's 0.3 puts the options in
// place of the last paragraph of examples and right option together, which cuts
// more where a sentence has an empty line.
func (t Task) contextOption(d *Document, rules Rules, shots string, i int) string {
	if rules == Rules04 || t.takes != ContextChoice {
		return shots + d.Options[i]
	}
	whole := shots + d.Options[d.Gold]
	return whole[:strings.LastIndex("\n\n"+whole, "\n\n")] + d.Options[i]
}

// said is what row or caller put between prompt and continuation, nil where they leave it
// to the task.
func (t Task) said(d *Document) *string {
	if d.Delimiter != nil {
		return d.Delimiter
	}
	return t.beside
}

// spaced puts one space in front of a continuation, unless white space is there. A task of
// one's own, a row or a caller may say what stands there.
func (t Task) spaced(d *Document) string {
	text := d.Continuation
	if said := t.said(d); said != nil && t.own == nil {
		return *said + text
	}
	if t.own != nil {
		if t.own.BareTarget {
			return text
		}
		return t.own.Delimiter + text
	}
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
