package task

import (
	"fmt"
	"math/bits"
	"strings"
)

// field is a set of field names, one bit each.
type field uint32

const (
	hasQText field = 1 << iota
	hasQuery
	hasPremise
	hasChoice1
	hasChoice2
	hasQuestion
	hasLabel
	hasContext
	hasContextOptions
	hasContextIDs
	hasTargetIDs
	hasChoices
	hasContinuation
	hasAnswers
	hasText
	hasGold
)

// fieldNames has the name of each bit, in the order of the bits.
var fieldNames = [...]string{
	"qText", "query", "premise", "choice1", "choice2", "question", "label", "context", "context_options",
	"context_ids", "target_ids", "choices", "continuation", "answers", "text", "gold",
}

// String returns the names as an object would have them.
func (f field) String() string {
	var names []string
	for i, name := range fieldNames {
		if f>>i&1 == 1 {
			names = append(names, name)
		}
	}
	return `{"` + strings.Join(names, `","`) + `"}`
}

// fields are the values of one JSON object before its shape is known.
type fields struct {
	has                                     field
	qText, query, premise, choice1, choice2 string
	question, context, continuation, text   string
	contextOptions, choices, answers        []string
	contextIDs, targetIDs                   []int32
	label, gold                             int
}

// read parses the value of one field; a field that belongs to no shape is
// stepped over.
func (f *fields) read(name string, d *decoder) (err error) {
	var is field
	for i, n := range fieldNames {
		if n == name {
			is = 1 << i
		}
	}
	f.has |= is
	switch is {
	case hasQText:
		f.qText, err = d.text()
	case hasQuery:
		f.query, err = d.text()
	case hasPremise:
		f.premise, err = d.text()
	case hasChoice1:
		f.choice1, err = d.text()
	case hasChoice2:
		f.choice2, err = d.text()
	case hasQuestion:
		f.question, err = d.text()
	case hasContext:
		f.context, err = d.text()
	case hasContinuation:
		f.continuation, err = d.text()
	case hasText:
		f.text, err = d.text()
	case hasContextOptions:
		f.contextOptions, err = d.texts()
	case hasChoices:
		f.choices, err = d.texts()
	case hasAnswers:
		f.answers, err = d.texts()
	case hasContextIDs:
		f.contextIDs, err = d.ids()
	case hasTargetIDs:
		f.targetIDs, err = d.ids()
	case hasLabel:
		f.label, err = d.integer()
	case hasGold:
		f.gold, err = d.integer()
	default:
		err = d.skip(0)
	}
	return err
}

// signatures lists the fields that make each shape. Two spellings of published
// data sets are read as the shape they mean: WebQuestions' own files, and
// SuperGLUE's COPA.
var signatures = [...]struct {
	needs field
	build func(*fields, *Document) error
}{
	{hasQuery | hasChoices | hasGold, func(f *fields, d *Document) error {
		d.Shape, d.Query, d.Options, d.Gold = Choice, f.query, f.choices, f.gold
		return checkOptions("choices", "gold", d)
	}},
	{hasContextOptions | hasContinuation | hasGold, func(f *fields, d *Document) error {
		d.Shape, d.Options, d.Continuation, d.Gold = ContextChoice, f.contextOptions, f.continuation, f.gold
		if err := checkText("continuation", f.continuation); err != nil {
			return err
		}
		return checkOptions("context_options", "gold", d)
	}},
	{hasContext | hasContinuation, func(f *fields, d *Document) error {
		d.Shape, d.Query, d.Continuation = Continuation, f.context, f.continuation
		return checkText("continuation", f.continuation)
	}},
	{hasQuery | hasAnswers, func(f *fields, d *Document) error {
		d.Shape, d.Query, d.Options = Answers, f.query, f.answers
		return checkOptions("answers", "", d)
	}},
	{hasQText | hasAnswers, func(f *fields, d *Document) error {
		d.Shape, d.Query, d.Options = Answers, f.qText, f.answers
		return checkOptions("answers", "", d)
	}},
	{hasText, func(f *fields, d *Document) error {
		d.Shape, d.Text = Text, f.text
		return checkText("text", f.text)
	}},
	{hasContextIDs | hasTargetIDs, buildTokens},
	{hasPremise | hasChoice1 | hasChoice2 | hasQuestion | hasLabel, buildCOPA},
}

func buildTokens(f *fields, d *Document) error {
	d.Shape, d.ContextIDs, d.TargetIDs = Tokens, f.contextIDs, f.targetIDs
	if len(f.contextIDs) == 0 {
		return fmt.Errorf("field %q: empty: want at least one token to predict from", "context_ids")
	}
	if len(f.targetIDs) == 0 {
		return fmt.Errorf("field %q: empty: want at least one token to predict", "target_ids")
	}
	return nil
}

// buildCOPA makes a Choice of a SuperGLUE record: the premise without its full
// stop, and the word that asks for a cause or an effect.
func buildCOPA(f *fields, d *Document) error {
	joint := " because"
	switch f.question {
	case "cause":
	case "effect":
		joint = " therefore"
	default:
		return fmt.Errorf("field %q: %.128q: want \"cause\" or \"effect\"", "question", f.question)
	}
	premise := []rune(strings.TrimSpace(f.premise))
	if len(premise) < 2 {
		return fmt.Errorf("field %q: want a sentence", "premise")
	}
	d.Shape, d.Query = Choice, string(premise[:len(premise)-1])+joint
	d.Options, d.Gold = []string{f.choice1, f.choice2}, f.label
	return checkOptions("choice", "label", d)
}

func checkText(field, text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("field %q: empty", field)
	}
	return nil
}

// checkOptions tests that there are options, none of them empty, and that gold,
// where the shape has one, is one of them.
func checkOptions(field, gold string, d *Document) error {
	if len(d.Options) == 0 {
		return fmt.Errorf("field %q: empty: want at least one text", field)
	}
	for i, o := range d.Options {
		// A context may be empty, what is predicted may not.
		if d.Shape != ContextChoice && strings.TrimSpace(o) == "" {
			return fmt.Errorf("field %q: text %d is empty", field, i)
		}
	}
	if gold != "" && (d.Gold < 0 || d.Gold >= len(d.Options)) {
		return fmt.Errorf("field %q: %d out of range (%d choices)", gold, d.Gold, len(d.Options))
	}
	return nil
}

// document finds the one shape whose fields are all there.
func (f *fields) document(d *Document) error {
	var found field
	for _, s := range signatures {
		if f.has&s.needs != s.needs {
			continue
		}
		if found != 0 {
			return fmt.Errorf("fields of two shapes: %v and %v", found, s.needs)
		}
		found = s.needs
		if err := s.build(f, d); err != nil {
			return err
		}
	}
	if found == 0 {
		return f.missing()
	}
	return nil
}

// missing says what the nearest shape lacks: the one with most of its fields
// there.
func (f *fields) missing() error {
	var best field
	for _, s := range signatures {
		if bits.OnesCount32(uint32(f.has&s.needs)) > bits.OnesCount32(uint32(f.has&best)) {
			best = s.needs
		}
	}
	for i, name := range fieldNames {
		if best&^f.has>>i&1 == 1 {
			return fmt.Errorf("field %q is missing: want %v", name, best)
		}
	}
	return fmt.Errorf("no fields of a document: want one of %s", strings.Join(shapes[Choice:], ", "))
}
