package emulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lamina/crash/plan"
	"lamina/internal/units"
)

// Fitted says how well something was fitted, on the texts it was fitted to.
type Fitted struct {
	Place   int     `json:"place"`
	What    string  `json:"what"`              // the place's word in the plan
	Left    float64 `json:"left"`              // of what the removed or transformed layers did, the share that is missing: ‖Ŷ-Y‖/‖Y-X‖
	Numbers int     `json:"numbers,omitempty"` // that were fitted for a gap, or stand in a transformed layer
	Tokens  int     `json:"tokens,omitempty"`  // that count in the fit of a gap
}

// String says it in a line.
func (f Fitted) String() string {
	text := fmt.Sprintf("place %d, %s: %.3f of what the model does there is missing", f.Place, f.What, f.Left)
	switch {
	case f.Tokens > 0 && f.Numbers == 1:
		return text + fmt.Sprintf("; a number fitted to %s tokens", units.Count(f.Tokens))
	case f.Tokens > 0:
		return text + fmt.Sprintf("; %s numbers fitted to %s tokens", units.Count(f.Numbers), units.Count(f.Tokens))
	case f.Numbers > 0:
		return text + fmt.Sprintf("; %s weights", units.Count(f.Numbers))
	}
	return text
}

// GapNumbers returns how many numbers were fitted to what the full model does where
// layers are removed: they are given away beside its weights.
func GapNumbers(fits []Fitted) (n int) {
	for _, f := range fits {
		if f.Tokens > 0 {
			n += f.Numbers
		}
	}
	return n
}

// fewTokens is how many tokens for each channel of the stream a linear map is fitted to at
// least, for it to say as much of other texts; measured in docs/paper.md.
const fewTokens = 4

// Doubts says, in lines, what was fitted to so few tokens that it may say little of other
// texts: linear maps, and layers that were made smaller by what they are given.
func (e *Emulator) Doubts() (lines []string) {
	width := e.Decoder.Config.Width
	if doubt := doubtfulMaps(e.Fits, width); doubt != "" {
		lines = append(lines, doubt)
	}
	if e.FittedOn == nil || e.FittedOn.Tokens >= width {
		return lines
	}
	var places []string
	for place, s := range e.Plan {
		if transforms[s.Transform.Name].fits && !s.Fills() {
			places = append(places, strconv.Itoa(place))
		}
	}
	if places == nil {
		return lines
	}
	return append(lines, fmt.Sprintf("layers are made smaller by what they are given of only %d tokens, fewer than the stream has channels (places %s): they may keep what these texts say and little else: give more --support, %d tokens or more",
		e.FittedOn.Tokens, strings.Join(places, ", "), width))
}

// doubtfulMaps says that linear maps of so many channels were fitted to few tokens, or is "".
func doubtfulMaps(fits []Fitted, width int) string {
	var doubtful []string
	tokens := 0
	for _, f := range fits {
		if f.Numbers == width*width && f.Tokens > 0 && f.Tokens < fewTokens*width {
			doubtful, tokens = append(doubtful, fmt.Sprint(f.Place)), f.Tokens
		}
	}
	if doubtful == nil {
		return ""
	}
	return fmt.Sprintf("linear maps of %d channels are fitted to %d tokens (places %s): they may know these texts by heart and say little of others: give more --support, %d tokens or more",
		width, tokens, strings.Join(doubtful, ", "), fewTokens*width)
}

// Unread says, in lines, which options of a fit change nothing in a plan.
func (o FitOptions) Unread(p plan.Plan) (lines []string) {
	any := func(reads func(plan.Slot) bool) bool { return slices.ContainsFunc(p, reads) }
	if o.Ridge != 0 && !any(func(s plan.Slot) bool { return s.Map == plan.Ghost || transforms[s.Transform.Name].ridged }) {
		lines = append(lines, fmt.Sprintf("--ridge %v changes nothing: no place of the plan %s is solved for with a ridge (Ghost maps, replaceme, asvd, width and heads are)", o.Ridge, p))
	}
	if o.Lambda != 0 && !any(func(s plan.Slot) bool { return transforms[s.Transform.Name].guarded }) {
		lines = append(lines, fmt.Sprintf("--lambda %v changes nothing: no place of the plan %s is made smaller by gradot", o.Lambda, p))
	}
	return lines
}

// WantText returns an error that names the first place of a plan that is fitted on texts,
// if there is one.
func WantText(p plan.Plan) error {
	for place, s := range p {
		if needsText(s) {
			return fmt.Errorf("plan %s: place %d, %s, is fitted on texts: give some (--support FILE)", p, place, s)
		}
	}
	return nil
}
