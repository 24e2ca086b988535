package jinja_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"lamina/internal/jinja"
	"lamina/record"
)

func Example() {
	row := record.Object{{Name: "question", Value: "What falls?"}, {Name: "choices", Value: record.List{"rain", "it's snow"}}}
	t, _ := jinja.Parse("Question: {{question}}\nAnswer: {{choices}}", jinja.Options{})
	fmt.Println(t.Render(row))
	t, _ = jinja.Parse("{{ answer }}", jinja.Options{})
	_, err := t.Render(row)
	fmt.Println(err)
	// Output:
	// Question: What falls?
	// Answer: ['rain', "it's snow"] <nil>
	// line 1: field "answer" is missing
}

// golden is testdata/jinja.json, made by gen_jinja.py with Jinja2 3.1.6: Good and
// Bad as lm-evaluation-harness has it, Chat as transformers has it. A text that is
// nil means an error.
type golden struct {
	Row        json.RawMessage
	Good, Chat [][2]*string
	Bad        []string
}

// ofChat are the options of chat templates.
var ofChat = jinja.Options{Trim: true, Lenient: true, Chat: true, Functions: map[string]func(string) (string, error){
	"raise_exception": func(words string) (string, error) { return "", errors.New(words) },
	"strftime_now":    func(format string) (string, error) { return format, nil },
}}

func readGolden(t testing.TB) (g golden, row record.Object) {
	t.Helper()
	text, err := os.ReadFile("testdata/jinja.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range record.Scan(strings.NewReader(strings.ReplaceAll(string(g.Row), "\n", " ")), "row") {
		if err != nil {
			t.Fatal(err)
		}
		row = r.Fields
	}
	return g, row
}

func render(source string, row record.Object, o jinja.Options) (string, error) {
	t, err := jinja.Parse(source, o)
	if err != nil {
		return "", err
	}
	return t.Render(row)
}

func TestRenderEqualsJinja2(t *testing.T) {
	g, row := readGolden(t)
	if len(g.Good) < 80 || len(g.Chat) < 70 {
		t.Fatalf("only %d and %d cases", len(g.Good), len(g.Chat))
	}
	check := func(cases [][2]*string, o jinja.Options) {
		for _, c := range cases {
			got, err := render(*c[0], row, o)
			switch {
			case c[1] == nil && err == nil:
				t.Errorf("%q: %q, want an error", *c[0], got)
			case c[1] != nil && (err != nil || got != *c[1]):
				t.Errorf("%q:\n got %q, %v\nwant %q", *c[0], got, err, *c[1])
			}
		}
	}
	check(g.Good, jinja.Options{})
	check(g.Chat, ofChat)
	for _, source := range g.Bad {
		if _, err := jinja.Parse(source, jinja.Options{}); err == nil || !strings.HasPrefix(err.Error(), "line 1: ") {
			t.Errorf("%q parses, or %v names no line", source, err)
		}
	}
}

// What a hostile template may do ends soon, and costs no more memory than its work.
func TestRenderIsBounded(t *testing.T) {
	row := record.Object{{Name: "text", Value: strings.Repeat("ab ", 1<<16)}}
	loops := func(n int, body string) string {
		return strings.Repeat("{% for i in range(10000) %}", n) + body + strings.Repeat("{% endfor %}", n)
	}
	for _, c := range []struct{ name, source, want string }{
		{"loops", loops(6, ""), "more than"},
		{"a long range", "{{ range(9000000000)|length }}", "more than"},
		{"a range to the end", "{% for i in range(9223372036854775800, 9223372036854775807, 7) %}{{ i }}{% endfor %}", ""},
		{"repeated text", "{{ 'x' * 9000000000000000000 }}", "more than"},
		{"doubled text", strings.Repeat("{% set text = text ~ text %}", 40), "more than"},
		{"doubled list", "{% set x = [1] %}" + strings.Repeat("{% set x = x + x %}", 40), "more than"},
		{"replaced", "{{ text.replace('', text) }}", "more than"},
		{"joined", "{{ text.join(text) }}", "more than"},
		{"lists of lists written", "{% set x = [text, text] %}" + strings.Repeat("{% set x = [x, x] %}", 30) + "{{ x }}", "more than"},
		{"lists of lists compared", "{% set x = [text, text] %}{% set y = [text, text] %}" + strings.Repeat("{% set x = [x, x] %}{% set y = [y, y] %}", 30) + "{{ x == y }}", "more than"},
		{"padding", "{{ 'x'.zfill(900000000000) }}", "zfill"},
		{"splitting", loops(2, "{{ text.split(' ') | length }}"), "more than"},
		{"parentheses", "{{ " + strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000) + " }}", "deeper"},
		{"signs", "{{ " + strings.Repeat("-", 1000) + "1 }}", "deeper"},
		{"statements", strings.Repeat("{% if 1 %}", 1000) + strings.Repeat("{% endif %}", 1000), "deeper"},
		{"large", strings.Repeat("x", 1<<17), "more than"},
		{"include", "{% include 'x' %}", `statement "include" is not known`},
		{"import", "{% import 'x' as y %}", `statement "import" is not known`},
		{"extends", "{% extends 'x' %}", `statement "extends" is not known`},
		{"macros", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "macros call macros"},
		{"deep chains in macros", "{% macro f() %}{{ f()" + strings.Repeat(".a", 15000) + " }}{% endmacro %}{{ f() }}", "inside each other"},
		{"sums in macros", "{% macro f(x) %}{{ f(x" + strings.Repeat("+1", 1000) + ")" + strings.Repeat("+1", 4000) + " }}{% endmacro %}{{ f(1) }}", "inside each other"},
		{"a block", "{% block a %}{% endblock %}", `statement "block" is not known`},
		{"break", "{% for i in [1] %}{% break %}{% endfor %}", `statement "break" is not known`},
		{"a namespace in itself", "{% set n = namespace() %}{% set n.n = n %}{{ [n, n == n] }}", ""},
		{"a slice of a text", loops(2, "{{ text[::-1] }}{{ text[1:] }}{{ text[7] }}"), "more than"},
		{"python's insides", "{{ ''.__class__.__mro__ }}", "__class__"},
		{"a method written", "{{ text.upper }}", "not called"},
		{"a list changed", "{% set x = [1] %}{{ x.append(2) }}", "append"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := render(c.source, row, jinja.Options{})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%.60q, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func FuzzRender(f *testing.F) {
	g, row := readGolden(f)
	for _, c := range g.Good {
		f.Add(*c[0])
	}
	for _, source := range g.Bad {
		f.Add(source)
	}
	for _, c := range g.Chat {
		f.Add(*c[0])
	}
	for _, source := range []string{"{{ 'ab'.strip('ba' * 999) }}", "{{ question|indent(999) }}", "{{ question.splitlines() }}", "{{ [question] * 99 | sort }}", "{{ question.zfill(9999) }}"} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, o := range []jinja.Options{{}, ofChat} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			first, err := render(source, row, o)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 256<<20 {
				t.Errorf("%q takes %d bytes", source, took)
			}
			second, again := render(source, row, o)
			if first != second || (err == nil) != (again == nil) || err != nil && first != "" {
				t.Errorf("%q gives %q, %v and %q, %v", source, first, err, second, again)
			}
		}
	})
}
