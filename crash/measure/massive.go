package measure

import (
	"fmt"
	"strings"
)

// massiveShare is the share of the squared norm of all tokens that one token of each
// sample carries, above which that token is what a mean of them shows; massiveLength is
// the number of tokens from which on a sample counts: of fewer one carries much anyway. Of
// tokens of equal length one of 8 would carry an eighth.
const (
	massiveShare  = 0.5
	massiveLength = 8
)

// massive sums squared norms, state by state: those of the longest token of each sample,
// and those of all.
type massive struct{ longest, all []float64 }

func newMassive(states int) massive {
	return massive{make([]float64, states), make([]float64, states)}
}

// add takes the states [T D] of a sample.
func (m *massive) add(state int, x []float32, width int) {
	if len(x) < massiveLength*width {
		return
	}
	longest := 0.0
	for i := 0; i < len(x); i += width {
		norm := squares(x[i : i+width])
		longest = max(longest, norm)
		m.all[state] += norm
	}
	m.longest[state] += longest
}

// note is add of a sample of so many tokens whose squared norms a device has summed.
func (m *massive) note(state, tokens int, longest, all float64) {
	if tokens >= massiveLength {
		m.longest[state] += longest
		m.all[state] += all
	}
}

// shares returns the share of the longest tokens in each state; nil where it is above
// massiveShare in none.
func (m massive) shares() []float64 {
	shares, found := make([]float64, len(m.all)), false
	for i, all := range m.all {
		if all > 0 {
			shares[i] = m.longest[i] / all
		}
		found = found || shares[i] > massiveShare
	}
	if !found {
		return nil
	}
	return shares
}

// MassiveDoubt says that a few tokens make the clusters, "" where they do not: in some
// state one token of each sample carries more than half of the squared norm of all
// ("massive activations"), the tokens were taken as they are, and a mean was taken of them.
func (s Similarity) MassiveDoubt() string {
	if s.Massive == nil || s.Tokens != TokensPlain || s.Pooling == PoolLast {
		return ""
	}
	var runs []string
	most := 0.0
	for i := 0; i < len(s.Massive); i++ {
		first := i
		for i < len(s.Massive) && s.Massive[i] > massiveShare {
			most = max(most, s.Massive[i])
			i++
		}
		switch {
		case i == first+1:
			runs = append(runs, fmt.Sprint(first))
		case i > first:
			runs = append(runs, fmt.Sprintf("%d to %d", first, i-1))
		}
	}
	return fmt.Sprintf("in states %s one token of each sample carries up to %.0f%% of the squared norm (massive activations): the similarity, and clusters made of it, may be these tokens': compare with --tokens rms or drop-first", strings.Join(runs, ", "), 100*most)
}
