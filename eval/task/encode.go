package task

import (
	"fmt"
	"slices"
	"strings"
)

// Rules says how the harness turns a request into tokens, by its version.
type Rules int

// The rules; the words in quotes are their text forms.
const (
	// Rules04, "0.4": white space at the end of the context moves to the
	// continuation, both are encoded as one text, and the target is what follows
	// the tokens of the context alone. An empty context is the BOS token, or EOS
	// where the tokenizer has none.
	Rules04 Rules = iota
	// Rules03, "0.3": context and continuation are encoded separately. An empty
	// context is the EOS token.
	Rules03
)

// String returns "0.4" or "0.3".
func (r Rules) String() string {
	switch r {
	case Rules04:
		return "0.4"
	case Rules03:
		return "0.3"
	}
	return fmt.Sprintf("Rules(%d)", int(r))
}

// ParseRules reads "0.4" or "0.3".
func ParseRules(text string) (Rules, error) {
	switch text {
	case "0.4":
		return Rules04, nil
	case "0.3":
		return Rules03, nil
	}
	return 0, fmt.Errorf("rules %.128q are unknown: want 0.4 or 0.3", text)
}

// MarshalText returns the text form.
func (r Rules) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the text form as [ParseRules] does.
func (r *Rules) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRules(string(text))
	return err
}

// Encoder is a tokenizer; transformer/tokenizer has one. Encode is always called
// without the special tokens that it would add at the ends. BOS and EOS report
// whether there is such a token.
type Encoder interface {
	Encode(text string, addSpecial bool) []int32
	BOS() (id int32, ok bool)
	EOS() (id int32, ok bool)
}

// careful calls EncodeChecked of an Encoder that has it, as a tokenizer of a
// stranger's file does, and keeps the first error.
type careful struct {
	Encoder
	err error
}

func (c *careful) Encode(text string, addSpecial bool) []int32 {
	checked, ok := c.Encoder.(interface {
		EncodeChecked(text string, addSpecial bool) ([]int32, error)
	})
	if !ok {
		return c.Encoder.Encode(text, addSpecial)
	}
	ids, err := checked.EncodeChecked(text, addSpecial)
	if c.err == nil {
		c.err = err
	}
	return ids
}

// Pair is what a decoder runs on: it reads Context and Target and is asked for
// the log-probability of the tokens of Target. Cut counts the tokens taken off
// the left of the context.
type Pair struct {
	Context, Target []int32
	Cut             int
}

// Fit cuts the context from the left so that a decoder of maxLength positions
// can score the target: it reads all but the last token, so context and target
// may have maxLength+1 together, as in the harness. At least one token of context
// stays. It is an error if the target alone is longer than maxLength; a target is
// never cut.
func (p Pair) Fit(maxLength int) (Pair, error) {
	if len(p.Target) == 0 {
		return Pair{}, fmt.Errorf("the target has no tokens")
	}
	if len(p.Target) > maxLength {
		return Pair{}, fmt.Errorf("the target has %d tokens, more than the %d the model can take (or --max-length allows)", len(p.Target), maxLength)
	}
	if over := len(p.Context) + len(p.Target) - maxLength - 1; over > 0 {
		p.Context = p.Context[over:]
		p.Cut += over
	}
	return p, nil
}

// Prefix returns the token that stands before the first one of a text, where
// something must: BOS, or EOS where there is none or the rules are 0.3.
func (r Rules) Prefix(e Encoder) (int32, error) {
	bos, hasBOS := e.BOS()
	if hasBOS && r == Rules04 {
		return bos, nil
	}
	if eos, ok := e.EOS(); ok {
		return eos, nil
	}
	if hasBOS {
		return bos, nil
	}
	return 0, fmt.Errorf("an empty context, and the tokenizer has no BOS or EOS token to put there")
}

// Encode turns an item into pairs by the rules, one per request, contexts cut to
// maxLength; see [Pair.Fit]. A Text document gives the pairs of
// [Windows]; the sum of their log-probabilities is the document's. Pairs of one
// context share its ids unless it was cut. Errors name the document.
func Encode(item Item, e Encoder, rules Rules, maxLength int) ([]Pair, error) {
	c := &careful{Encoder: e}
	pairs, err := encodeItem(item, c, rules, maxLength)
	if c.err != nil {
		err = c.err
	}
	if err != nil {
		return nil, item.Document().errorf("%w", err)
	}
	return pairs, nil
}

func encodeItem(item Item, e Encoder, rules Rules, maxLength int) ([]Pair, error) {
	switch item.Shape {
	case Tokens:
		p, err := item.Pair.Fit(maxLength)
		return []Pair{p}, err
	case Text:
		prefix, err := rules.Prefix(e)
		if err != nil {
			return nil, err
		}
		pairs := Windows(e.Encode(item.Requests[0].Continuation, false), prefix, maxLength)
		if len(pairs) == 0 && item.Document().shaped {
			return nil, fmt.Errorf("the text has no tokens")
		}
		return pairs, nil
	}
	pairs := make([]Pair, len(item.Requests))
	var last string
	var ids []int32
	for i, r := range item.Requests {
		if rules == Rules04 {
			r = moveSpace(r)
		}
		if i == 0 || r.Context != last {
			last, ids = r.Context, e.Encode(r.Context, false)
		}
		p, err := encodePair(r, ids, e, rules)
		if err == nil {
			p, err = p.Fit(maxLength)
		}
		if err != nil {
			return nil, fmt.Errorf("continuation %d: %w", i, err)
		}
		pairs[i] = p
	}
	return pairs, nil
}

// moveSpace moves white space from the end of the context to the front of the
// continuation.
func moveSpace(r Request) Request {
	bare := strings.TrimRightFunc(r.Context, isSpace)
	return Request{bare, r.Context[len(bare):] + r.Continuation}
}

// encodePair encodes a request whose context has been encoded to context. Where
// the harness meets a context of white space only it fails; here it counts as
// empty.
func encodePair(r Request, context []int32, e Encoder, rules Rules) (Pair, error) {
	if len(context) == 0 {
		prefix, err := rules.Prefix(e)
		return Pair{Context: []int32{prefix}, Target: e.Encode(r.Continuation, false)}, err
	}
	if rules == Rules03 {
		return Pair{Context: context, Target: e.Encode(r.Continuation, false)}, nil
	}
	whole := e.Encode(r.Context+r.Continuation, false)
	// A copy, so that not the whole is kept for each of the choices.
	return Pair{Context: context, Target: slices.Clone(whole[min(len(context), len(whole)):])}, nil
}

// Windows cuts a text of ids into pairs that predict each token once, for a
// decoder of maxLength positions: windows of maxLength predictions, the first
// after the token prefix, each other one after the last token of the window
// before; the last window reaches back into the text for as much context as
// fits (get_rolling_token_windows and make_disjoint_window of the harness). It
// panics if maxLength < 1.
func Windows(ids []int32, prefix int32, maxLength int) []Pair {
	if maxLength < 1 {
		panic(fmt.Sprintf("task: Windows: maxLength must be positive: %d", maxLength))
	}
	var pairs []Pair
	for start := 0; start < len(ids); start += maxLength {
		end := min(start+maxLength, len(ids))
		p := Pair{Context: []int32{prefix}, Target: ids[start:end]}
		if start > 0 {
			p.Context = ids[end-maxLength-1 : start]
		}
		pairs = append(pairs, p)
	}
	return pairs
}
