package corpus

import (
	"fmt"
	"slices"

	"lamina/crash/train"
	"lamina/eval/task"
)

// Learn says which tokens of a row are learned.
type Learn int

// What is learned; the words in quotes are the text forms.
const (
	Answer Learn = iota // "answer": of a document the target, of a conversation every turn of the assistant's
	All                 // "all": every token but the first
	Last                // "last": of a conversation the assistant's last turn
)

var learns = [...]string{Answer: "answer", All: "all", Last: "last"}

// String returns the text form.
func (l Learn) String() string {
	if l < 0 || int(l) >= len(learns) {
		return fmt.Sprintf("Learn(%d)", int(l))
	}
	return learns[l]
}

// ParseLearn reads the text form.
func ParseLearn(text string) (Learn, error) {
	if i := slices.Index(learns[:], text); i >= 0 {
		return Learn(i), nil
	}
	return 0, fmt.Errorf("learn %.64q: want answer, all or last", text)
}

// learnAll marks every token but the first.
func learnAll(s train.Sequence) {
	for i := range s.Learn {
		s.Learn[i] = i > 0
	}
}

// fit cuts a sequence from the left so that a decoder of maxLength positions can learn it:
// it reads all before the last learned token, which may be one more. ok is false where the
// row is left out, cut true where tokens were taken off. What is learned is cut into as
// overlong says; the first token that stays is not learned then.
func fit(s train.Sequence, maxLength int, overlong task.Overlong) (fitted train.Sequence, cut, ok bool, err error) {
	end := len(s.Learn)
	for end > 0 && !s.Learn[end-1] {
		end--
	}
	s = train.Sequence{Tokens: s.Tokens[:end], Learn: s.Learn[:end]}
	over := end - maxLength - 1
	if over <= 0 {
		return s, false, true, nil
	}
	if slices.Contains(s.Learn[:over+1], true) {
		switch overlong {
		case task.OverlongError:
			return s, false, false, fmt.Errorf("the row has %d tokens and the model can take %d (or --max-length allows no more): to cut it from the left takes off what is to be learned: --overlong cut does it, --overlong skip leaves such rows out", end, maxLength+1)
		case task.OverlongSkip:
			return s, false, false, nil
		}
	}
	fitted = train.Sequence{Tokens: slices.Clone(s.Tokens[over:]), Learn: slices.Clone(s.Learn[over:])}
	fitted.Learn[0] = false
	return fitted, true, true, nil
}
