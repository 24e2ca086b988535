package task

import (
	"fmt"
	"math/bits"
	"strings"

	"lamina/record"
)

// field is a set of field names, one bit each.
type field uint32

const (
	hasQuery field = 1 << iota
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
	"query", "context", "context_options", "context_ids", "target_ids", "choices", "continuation", "answers", "text", "gold",
}

// delimiterField is what stands between prompt and continuation of a row, where that is
// not one space.
const delimiterField = "target_delimiter"

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

// signatures lists the fields that make each shape.
var signatures = [...]struct {
	needs field
	build func(*columns) Document
}{
	{hasQuery | hasChoices | hasGold, func(c *columns) Document {
		return Document{Shape: Choice, Query: c.text("query"), Options: c.texts("choices"), Gold: c.integer("gold")}
	}},
	{hasContextOptions | hasContinuation | hasGold, func(c *columns) Document {
		return Document{Shape: ContextChoice, Options: c.texts("context_options"), Continuation: c.text("continuation"), Gold: c.integer("gold")}
	}},
	{hasContext | hasContinuation, func(c *columns) Document {
		return Document{Shape: Continuation, Query: c.text("context"), Continuation: c.text("continuation")}
	}},
	{hasQuery | hasAnswers, func(c *columns) Document {
		return Document{Shape: Answers, Query: c.text("query"), Options: c.texts("answers")}
	}},
	{hasText, func(c *columns) Document { return Document{Shape: Text, Text: c.text("text")} }},
	{hasContextIDs | hasTargetIDs, func(c *columns) Document {
		return Document{Shape: Tokens, ContextIDs: c.ids("context_ids"), TargetIDs: c.ids("target_ids")}
	}},
}

// optionsField and goldField are what a shape calls its texts and the place of the
// right one.
func (s Shape) optionsField() string {
	return map[Shape]string{Choice: "choices", ContextChoice: "context_options", Answers: "answers"}[s]
}

// shaped finds the one shape whose fields are all there and reads it.
func shaped(r record.Record) (Document, error) {
	var has, found field
	for _, f := range r.Fields {
		for i, name := range fieldNames {
			if f.Name == name {
				has |= 1 << i
			}
		}
	}
	var doc Document
	for _, s := range signatures {
		if has&s.needs != s.needs {
			continue
		}
		if found != 0 {
			return doc, fmt.Errorf("fields of two shapes: %v and %v", found, s.needs)
		}
		found = s.needs
		c := columns{row: r}
		doc = s.build(&c)
		if c.err != nil {
			return doc, c.err
		}
	}
	if found == 0 {
		return doc, missing(has)
	}
	doc.shaped = true
	if r.Has(delimiterField) {
		text, err := r.Text(delimiterField)
		if err != nil {
			return doc, err
		}
		doc.Delimiter = &text
	}
	return doc, doc.check()
}

// missing says what the nearest shape lacks: the one with most of its fields
// there.
func missing(has field) error {
	var best field
	for _, s := range signatures {
		if bits.OnesCount32(uint32(has&s.needs)) > bits.OnesCount32(uint32(has&best)) {
			best = s.needs
		}
	}
	for i, name := range fieldNames {
		if best&^has>>i&1 == 1 {
			return fmt.Errorf("field %q is missing: want %v", name, best)
		}
	}
	return fmt.Errorf("no fields of a document: want one of %s", strings.Join(shapes[Choice:Generation], ", "))
}

// check tests what a Document must hold: options, none of them empty, gold among
// them, and something to predict.
func (d *Document) check() error {
	switch d.Shape {
	case Text:
		if !d.shaped {
			return nil // a page may be blank: it has no tokens, and words all the same
		}
		return checkText("text", d.Text)
	case Tokens:
		if len(d.ContextIDs) == 0 {
			return fmt.Errorf("field %q: empty: want at least one token to predict from", "context_ids")
		}
		if len(d.TargetIDs) == 0 {
			return fmt.Errorf("field %q: empty: want at least one token to predict", "target_ids")
		}
		return nil
	case Continuation, ContextChoice:
		// Published columns were checked where they were read: a word or the rest of a
		// sentence may be white space.
		if d.shaped {
			if err := checkText("continuation", d.Continuation); err != nil {
				return err
			}
		}
		if d.Shape == Continuation {
			return nil
		}
	}
	name := d.Shape.optionsField()
	if len(d.Options) == 0 {
		return fmt.Errorf("field %q: empty: want at least one text", name)
	}
	for i, o := range d.Options {
		// A context may be empty, what is predicted may not, but for published data
		// that the harness scores all the same.
		if d.shaped && d.Shape != ContextChoice && strings.TrimSpace(o) == "" {
			return fmt.Errorf("field %q: text %d is empty", name, i)
		}
	}
	if d.Shape != Answers && (d.Gold < 0 || d.Gold >= len(d.Options)) {
		return fmt.Errorf("field %q: %d out of range (%d choices)", "gold", d.Gold, len(d.Options))
	}
	return nil
}

func checkText(field, text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("field %q: empty", field)
	}
	return nil
}
