package task

import (
	"fmt"
	"math"
	"strings"
)

// Format is how training text is written.
type Format int

// The formats; the words in quotes are their text forms.
const (
	// FormatScoring, "scoring": the ids that scoring uses by the rules of 0.4, a
	// space before the target, no BOS and no EOS.
	FormatScoring Format = iota
	// FormatPaper, "paper": as the authors train (task_utils.py). BOS stands first,
	// context and target are encoded separately, and the target has no space in
	// front, except in webqs, triviaqa, copa, boolq and storycloze. Every question
	// of RACE is an example of its own.
	FormatPaper
)

// String returns "scoring" or "paper".
func (f Format) String() string {
	switch f {
	case FormatScoring:
		return "scoring"
	case FormatPaper:
		return "paper"
	}
	return fmt.Sprintf("Format(%d)", int(f))
}

// ParseFormat reads "scoring" or "paper".
func ParseFormat(text string) (Format, error) {
	switch text {
	case "scoring":
		return FormatScoring, nil
	case "paper":
		return FormatPaper, nil
	}
	return 0, fmt.Errorf("format %.128q is unknown: want scoring or paper", text)
}

// MarshalText returns the text form.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the text form as [ParseFormat] does.
func (f *Format) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFormat(string(text))
	return err
}

// Examples returns what is trained on for a document: the gold choice, or the
// first of several answers, as one pair; a Text document as the pairs of
// [Windows]. The loss stands on the targets. Contexts are cut from the left to
// maxLength, see [Pair.Fit]; a document without a target, or with one of more tokens
// than that, is an error.
func (t Task) Examples(d Document, e Encoder, format Format, maxLength int) ([]Pair, error) {
	pairs, _, err := t.Fitted(d, e, format, maxLength, OverlongError)
	return pairs, err
}

// Fitted is [Task.Examples] with a choice of what becomes of targets that are too long;
// skipped counts those left out.
func (t Task) Fitted(d Document, e Encoder, format Format, maxLength int, overlong Overlong) (pairs []Pair, skipped int, err error) {
	all, err := t.unfitted(d, e, format, maxLength)
	if err != nil || d.Shape == Text {
		return all, 0, err
	}
	for _, p := range all {
		fitted, ok, err := overlong.Fit(p, maxLength)
		if err != nil {
			return nil, 0, d.errorf("%w", err)
		}
		if !ok {
			skipped++
			continue
		}
		pairs = append(pairs, fitted)
	}
	return pairs, skipped, nil
}

// unfitted encodes what is trained on, of any length but for a Text document, which is
// windows.
func (t Task) unfitted(d Document, e Encoder, format Format, maxLength int) ([]Pair, error) {
	if format == FormatScoring || d.Shape == Text || d.Shape == Tokens {
		item, err := t.scored().Item(d.goldOnly(), Rules04)
		if err != nil {
			return nil, err
		}
		if d.Shape != Text {
			maxLength = math.MaxInt
		}
		pairs, err := Encode(item, e, Rules04, maxLength)
		if err == nil && len(pairs) == 0 {
			err = d.errorf("nothing to learn: the text has no tokens")
		}
		return pairs, err
	}
	requests, err := t.paperRequests(d)
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for _, r := range requests {
		pair, err := t.paperPair(r, e)
		if err != nil {
			return nil, d.errorf("%w", err)
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// scored returns the task with answers scored where it would generate them: a
// target is wanted, not a prompt.
func (t Task) scored() Task {
	t.generates = false
	if t.own != nil {
		own := *t.own
		own.Until = nil
		t.own = &own
	}
	return t
}

// goldOnly returns the document with the gold option, or the answer that examples
// show, as the only one.
func (d Document) goldOnly() Document {
	switch d.Shape {
	case Choice, ContextChoice:
		d.Options, d.Gold = d.Options[d.Gold:d.Gold+1], 0
	case Answers:
		d.Options = []string{d.answer()}
	}
	return d
}

// answer is the answer that an example shows.
func (d *Document) answer() string {
	if d.Canonical != "" {
		return d.Canonical
	}
	return d.Options[0]
}

// paperRequests returns the paper's training text of a document.
func (t Task) paperRequests(d Document) ([]Request, error) {
	var out []Request
	for _, p := range d.Problems {
		out = append(out, Request{"Article: " + d.Passage + "\n\nQuestion: " + p.Question + "\n\nAnswer:", " " + p.Options[p.Gold]})
	}
	if out != nil {
		return out, nil
	}
	// The authors follow the harness they score with.
	item, err := t.scored().Item(d.goldOnly(), Rules03)
	if err == nil && t.name == "sciq" && !d.shaped {
		item.Requests[0].Context = d.Passage + "\nQuestion: " + d.Query + "\nAnswer:"
	}
	return item.Requests, err
}

func (t Task) paperPair(r Request, e Encoder) (Pair, error) {
	target := r.Continuation
	if !t.spacedTarget {
		target = strings.TrimPrefix(target, " ")
	}
	bos, err := Rules04.Prefix(e)
	if err != nil {
		return Pair{}, err
	}
	c := &careful{Encoder: e}
	context := append([]int32{bos}, c.Encode(r.Context, false)...)
	return Pair{Context: context, Target: c.Encode(target, false)}, c.err
}
