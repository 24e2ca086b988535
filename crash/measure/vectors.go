package measure

import (
	"fmt"
	"math"
	"strings"
)

// Vectors says how the states of a sample's tokens become one vector: what is done to
// each token, and how they are pooled. The zero value is the mean of the tokens as they
// are.
type Vectors struct {
	Pooling Pooling
	Tokens  Tokens
}

// ParseVectors reads the text forms of both.
func ParseVectors(pool, tokens string) (v Vectors, err error) {
	if v.Pooling, err = ParsePooling(pool); err != nil {
		return v, err
	}
	v.Tokens, err = ParseTokens(tokens)
	return v, err
}

// Tokens says what is done to the states of single tokens before they are pooled. In
// models of today a few tokens, the first one above all, have states some hundred times as
// long as all others ("massive activations", Sun et al. 2024, arXiv 2402.17762), which
// are then most of any mean.
type Tokens int

// The ways; the words in quotes are their text forms.
const (
	TokensPlain     Tokens = iota // "plain": they are taken as they are
	TokensRMS                     // "rms": each is divided by its root mean square
	TokensDropFirst               // "drop-first": the first one is left out
)

var tokenWays = [...]string{TokensPlain: "plain", TokensRMS: "rms", TokensDropFirst: "drop-first"}

// String returns the text form.
func (t Tokens) String() string {
	if t < 0 || int(t) >= len(tokenWays) {
		return fmt.Sprintf("Tokens(%d)", int(t))
	}
	return tokenWays[t]
}

// ParseTokens reads a text form.
func ParseTokens(text string) (Tokens, error) {
	for t, name := range tokenWays {
		if text == name {
			return Tokens(t), nil
		}
	}
	return 0, fmt.Errorf("tokens: %.128q is unknown: want %s", text, strings.Join(tokenWays[:], ", "))
}

// MarshalText returns the word of t.
func (t Tokens) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the text form as [ParseTokens] does.
func (t *Tokens) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTokens(string(text))
	return err
}

// check returns an error for rows of which nothing would be left.
func (t Tokens) check(rows [][]int32) error {
	for i, r := range rows {
		if t == TokensDropFirst && len(r) < 2 {
			return fmt.Errorf("row %d has one token, and without the first none: leave such rows out, or take the tokens as they are or by their rms", i)
		}
	}
	return nil
}

// of returns what is pooled of the states [T D] of a sample.
func (t Tokens) of(states []float32, width int) []float32 {
	switch t {
	case TokensDropFirst:
		return states[width:]
	case TokensRMS:
		scaled := make([]float32, len(states))
		for i := 0; i < len(states); i += width {
			row := states[i : i+width]
			rms := math.Sqrt(squares(row) / float64(width))
			if rms == 0 {
				continue // a zero row stays one
			}
			for j, v := range row {
				scaled[i+j] = float32(float64(v) / rms)
			}
		}
		return scaled
	}
	return states
}

// squares returns the sum of squares.
func squares(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(float64(v) * float64(v)) // never fused
	}
	return sum
}
