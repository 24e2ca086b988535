package task

import "fmt"

// Format is how training text is written.
type Format int

// The formats; the words in quotes are their text forms.
const (
	// FormatScoring, "scoring": the ids that scoring uses by the rules of 0.4, a
	// space before the target, no BOS and no EOS.
	FormatScoring Format = iota
	// FormatPaper, "paper": as the authors train. BOS stands first, context and
	// target are encoded separately, and the target has no space in front, except
	// in webqs, copa and boolq.
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
// maxLength, see [Pair.Fit]; a document without a target is an error.
func (t Task) Examples(d Document, e Encoder, format Format, maxLength int) ([]Pair, error) {
	if d.Shape == Choice || d.Shape == Answers {
		gold := d.Gold
		if d.Shape == Answers {
			gold = 0
		}
		d.Options, d.Gold = d.Options[gold:gold+1], 0
	}
	if d.Shape == ContextChoice {
		d.Options, d.Gold = d.Options[d.Gold:d.Gold+1], 0
	}
	item, err := t.Item(d)
	if err != nil {
		return nil, err
	}
	if format == FormatScoring || d.Shape == Text || d.Shape == Tokens {
		return Encode(item, e, Rules04, maxLength)
	}
	pair, err := t.paperPair(item.Requests[0], e)
	if err == nil {
		pair, err = pair.Fit(maxLength)
	}
	if err != nil {
		return nil, d.errorf("%w", err)
	}
	return []Pair{pair}, nil
}

func (t Task) paperPair(r Request, e Encoder) (Pair, error) {
	target := r.Continuation
	if !t.spaced && target[0] == ' ' {
		target = target[1:]
	}
	bos, err := Rules04.Prefix(e)
	if err != nil {
		return Pair{}, err
	}
	c := &careful{Encoder: e}
	context := append([]int32{bos}, c.Encode(r.Context, false)...)
	return Pair{Context: context, Target: c.Encode(target, false)}, c.err
}
