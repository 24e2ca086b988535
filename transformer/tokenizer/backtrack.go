package tokenizer

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"

	"lamina/internal/foreign"
)

// Limits of a pattern of a file.
const (
	matchTime     = 2 * time.Second // to the next match, of the backtracking engine
	backtrackings = 1 << 24         // places to come back to, all at once
)

// A PatternError says that a pattern of a tokenizer.json did not get through
// a text in the time and memory it is given.
type PatternError struct {
	Pattern string // as the file has it
	Err     error
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("tokenizer: pattern %s of the tokenizer's file: %v", quote(e.Pattern), e.Err)
}

// Unwrap returns what the engine said.
func (e *PatternError) Unwrap() error { return e.Err }

// rescue turns a panic with a PatternError into an error.
func rescue(err *error) {
	switch r := recover().(type) {
	case nil:
	case *PatternError:
		*err = r
	default:
		panic(r)
	}
}

// backtracking returns the finder of a pattern, spelled for the engine. The
// finder panics with a PatternError past the limits.
func backtracking(pattern, spelled string) (find finder, why string) {
	re, err := compileBacktracking(spelled)
	if err != nil {
		return nil, "not for the backtracking engine: " + quote(err.Error())
	}
	re.MatchTimeout = matchTime
	return backtrackingOn(re, pattern), ""
}

func compileBacktracking(spelled string) (_ *regexp2.Regexp, err error) {
	defer foreign.Recover(&err, "the backtracking engine")
	return regexp2.Compile(spelled, regexp2.OptionMaxBacktrackingStackSize(backtrackings))
}

// backtrackingOn is backtracking for a compiled pattern.
func backtrackingOn(re *regexp2.Regexp, pattern string) finder {
	left := newPatience()
	return func(s string, found func(from, to int)) {
		start, past := time.Now(), false
		limit := left.limit(len(s))
		defer left.spend(start)
		at, runes := 0, 0 // bytes of s gone through, and the runes in them
		to := func(rune int) int {
			for ; runes < rune; runes++ {
				_, w := utf8.DecodeRuneInString(s[at:])
				at += w
			}
			return at
		}
		err := eachMatch(re, []rune(s), func(index, length int) bool {
			from := to(index)
			found(from, to(index+length))
			past = time.Since(start) > limit
			return !past
		})
		if err == nil && past {
			err = tooLong(limit)
		}
		if err != nil {
			panic(&PatternError{pattern, err})
		}
	}
}

// eachMatch calls each with the place and the length of every match until it returns
// false. A panic of the engine is an error; one of each goes on.
func eachMatch(re *regexp2.Regexp, text []rune, each func(index, length int) bool) (err error) {
	ours := false
	defer func() {
		if ours {
			return // each's panic goes on
		}
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the backtracking engine gave up: %.200q", fmt.Sprint(fault))
		}
	}()
	return re.FindRunesMatches(text, 0, func(m regexp2.MatchView) bool {
		index, length, _ := m.GroupRange(0)
		ours = true
		more := each(index, length)
		ours = false
		return more
	})
}
