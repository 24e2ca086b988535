package tokenizer

import (
	"errors"
	"strings"
	"testing"

	"github.com/dlclark/regexp2/v2"
)

// A panic of the engine is an error that names the pattern; one of ours stays a panic.
func TestPanickingEngineIsAnError(t *testing.T) {
	search := func(re *regexp2.Regexp, found func(from, to int)) (err error) {
		defer rescue(&err)
		backtrackingOn(re, "a(?=b)")("ab", found)
		return nil
	}
	whole, err := compileBacktracking("a(?=b)")
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	if err := search(whole, func(from, to int) { at = to }); at != 1 || err != nil {
		t.Errorf("found up to %d, error %v", at, err)
	}
	var named *PatternError
	err = search(new(regexp2.Regexp), func(from, to int) {})
	if !errors.As(err, &named) || named.Pattern != "a(?=b)" || !strings.Contains(err.Error(), "the backtracking engine gave up: ") {
		t.Errorf("a broken engine: error %v", err)
	}
	defer func() {
		if fault := recover(); fault != "ours" {
			t.Errorf("our own panic became %v", fault)
		}
	}()
	t.Errorf("our own panic became the error %v", search(whole, func(from, to int) { panic("ours") }))
}
