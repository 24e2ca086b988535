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

// FuzzRender: whatever the template, Render comes back, with a text within its
// limit or an error.
func FuzzRender(f *testing.F) {
	for _, s := range []string{
		"{% for m in messages %}{{ m.role ~ m['content'][1:] | trim }}{% endfor %}",
		"{% macro f(x='a', *args) %}{{ x * 3 }}{% endmacro %}{{ f(messages[-1] | tojson(indent=2)) }}",
		"{% set ns = namespace(n=0) %}{% for i in range(3) if i != 1 %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n // 2 % 2 ** 3 }}",
		"{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | join(', ') }}",
		"{%- if 'a' in messages[0].content.split()[-1] and not x is defined -%}{% generation %}a{% endgeneration %}{%- else -%}{% raw %}{{{% endraw %}{%- endif -%}",
	} {
		f.Add(s)
	}
	messages := []Message{{"user", "a banana\n"}, {"assistant", "ü"}}
	f.Fuzz(func(t *testing.T, template string) {
		text, err := Render(template, messages, Options{BOS: "<s>", Generation: true})
		if len(text) > maxOutput || err != nil && text != "" {
			t.Errorf("%d bytes, error %v", len(text), err)
		}
	})
}
