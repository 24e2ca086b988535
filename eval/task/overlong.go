package task

import "fmt"

// Overlong says what becomes of a training row whose target is longer than the model can
// take. A context that is too long is cut from the left in any case.
type Overlong int

// The ways; the words in quotes are their text forms.
const (
	OverlongError Overlong = iota // "error": the row is an error
	OverlongSkip                  // "skip": the row is left out
	OverlongCut                   // "cut": context and target are cut from the left to what fits
)

var overlongs = [...]string{OverlongError: "error", OverlongSkip: "skip", OverlongCut: "cut"}

// String returns the text form.
func (o Overlong) String() string {
	if o < 0 || int(o) >= len(overlongs) {
		return fmt.Sprintf("Overlong(%d)", int(o))
	}
	return overlongs[o]
}

// ParseOverlong reads the text form.
func ParseOverlong(text string) (Overlong, error) {
	for o, name := range overlongs {
		if text == name {
			return Overlong(o), nil
		}
	}
	return 0, fmt.Errorf("overlong rows %.64q: want error, skip or cut", text)
}

// MarshalText returns the text form.
func (o Overlong) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the text form as [ParseOverlong] does.
func (o *Overlong) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOverlong(string(text))
	return err
}

// Fit is [Pair.Fit], but for a target that is too long; ok is false where the pair is
// left out. Cut counts what was taken off context and target.
func (o Overlong) Fit(p Pair, maxLength int) (fitted Pair, ok bool, err error) {
	if o == OverlongError || len(p.Target) <= maxLength {
		fitted, err = p.Fit(maxLength)
		return fitted, err == nil, err
	}
	if o == OverlongSkip {
		return Pair{}, false, nil
	}
	// One token of what is kept is left to predict the next ones from.
	over := len(p.Target) - maxLength
	return Pair{Context: p.Target[over-1 : over], Target: p.Target[over:], Cut: p.Cut + len(p.Context) + over - 1}, true, nil
}
