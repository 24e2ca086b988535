package chat

import (
	"strings"
	"testing"
	"time"
)

// TestTimeRunsOut: loops, macros and assignments look at the clock. The start is
// put into the past, so that the test itself takes no time.
func TestTimeRunsOut(t *testing.T) {
	late := &guard{start: time.Now().Add(-maxTime - time.Second)}
	for _, template := range []string{
		"{% for i in [1] %}{% endfor %}",
		"{% macro f() %}{% endmacro %}{{ f() }}",
		"{% set x = 1 %}",
	} {
		if _, err := render(template, nil, Options{}, late); err == nil || !strings.Contains(err.Error(), errTooSlow.Error()) {
			t.Errorf("%s: error %v, want %v", template, err, errTooSlow)
		}
		if _, err := Render(template, nil, Options{}); err != nil {
			t.Errorf("%s in time: %v", template, err)
		}
	}
}
