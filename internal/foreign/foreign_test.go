package foreign_test

import (
	"errors"
	"strings"
	"testing"

	"lamina/internal/foreign"
)

func TestRecover(t *testing.T) {
	own := errors.New("its own error")
	for _, c := range []struct {
		call func() error
		want string
	}{
		{func() error { return nil }, ""},
		{func() error { return own }, "its own error"},
		{func() error { panic("no such block") }, "the decoder gave up: no such block"},
		{func() error { panic("at \"a\x1b[2J\n" + strings.Repeat("b", 300)) }, "the decoder gave up: at \"a [2J " + strings.Repeat("b", 190)},
		{func() error { return []error{}[len(own.Error())] }, "the decoder gave up: runtime error: index out of range [13] with length 0"},
	} {
		got := ""
		if err := guarded(c.call); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func guarded(call func() error) (err error) {
	defer foreign.Recover(&err, "the decoder")
	return call()
}
