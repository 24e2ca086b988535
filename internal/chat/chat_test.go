package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"lamina/internal/chat"
)

const turns = "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] | trim }}{{ eos_token }}\n{% endfor %}" +
	"{% if add_generation_prompt %}<|assistant|>{% endif %}"

func ExampleRender() {
	text, err := chat.Render(turns, []chat.Message{{Role: "user", Content: " Hello "}}, chat.Options{EOS: "</s>", Generation: true})
	fmt.Printf("%q %v\n", text, err)
	// Output: "<|user|>Hello</s>\n<|assistant|>" <nil>
}

func TestRender(t *testing.T) {
	user := []chat.Message{{Role: "user", Content: `a "<b>" ü`}}
	for _, c := range []struct{ name, template, want string }{
		{"system by default", "{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}<sys>\n{% endif %}{{ m.content }}{% endfor %}", "<sys>\na \"<b>\" ü"},
		{"blocks are trimmed", "x\n  {% if true %}\n  y\n  {% endif %}\nz", "x\n  y\nz"},
		{"white space control", "{%- for m in messages -%}\n  {{- m.role }}\n{%- endfor -%}\n", "user"},
		{"namespace", "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "1"},
		{"tojson escapes nothing for HTML", "{{ messages[0].content | tojson }}", `"a \"<b>\" ü"`},
		{"slices", "{% for m in messages[1:] %}x{% endfor %}-{{ messages[0]['content'][:1] }}", "-a"},
		{"tokens", "{{ bos_token }}{{ eos_token }}", "<s></s>"},
		{"undefined is false", "{% if tools %}t{% else %}n{% endif %}{% if nothing is defined %}t{% endif %}", "n"},
	} {
		got, err := chat.Render(c.template, user, chat.Options{BOS: "<s>", EOS: "</s>"})
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

// nest returns loops inside loops, each over twice the text of the one outside.
func nest(depth int) string {
	var head, tail string
	for i := range depth {
		head += fmt.Sprintf("{%% for x%d in [x%d ~ x%d] %%}", i+1, i, i)
		tail += "{% endfor %}"
	}
	return head + tail
}

func TestRenderRefuses(t *testing.T) {
	for _, c := range []struct{ name, template, want string }{
		{"raise_exception", "{{ raise_exception('roles must alternate') }}", "roles must alternate"},
		{"another file", "{% include '/etc/hostname' %}", "stands alone"},
		{"itself", "{% include '/template' %}", "stands alone"},
		{"import", "{% import 'x' as y %}", "stands alone"},
		{"a parent", "{% extends 'x' %}", "stands alone"},
		{"bad syntax", "{% for %}", "does not parse"},
		{"no end", "{% for i in range(1000) %}" + strings.Repeat("a", 1<<15) + "{% endfor %}", "more than"},
		{"a large template", strings.Repeat(" ", 1<<16+1), "more than"},
		{"a macro that calls itself", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "calls macros from macros"},
		{"two macros that call each other", "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}", "calls macros from macros"},
		{"a block that shows itself", "{% block a %}{{ self.a() }}{% endblock %}", "stands alone"},
		{"a loop that calls itself", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "recursive"},
		{"a long range", "{% for i in range(1000000000000) %}{% endfor %}", "more than 100000"},
		{"a loop over a long text", "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(14) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{% for c in ns.x %}{% endfor %}", "more than 100000"},
		{"doubling", "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "makes a value"},
		{"doubling a list", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}", "makes a value"},
		{"doubling in a macro", "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('aa') }}", "makes a value"},
		{"doubling in loops", "{% set x0 = 'aaaaaaaaaaaaaaaa' %}" + nest(40), "makes a value"},
		{"a product", "{{ 'a' * 1000000000 }}", "product"},
		{"no UTF-8", "{{ '\xff' }}", "UTF-8"},
		{"no end of tokens", "{%\x13\u078c~\x1cF\x00\x800.든.I", ""},
		{"no end of numbers", "{%0.든.I", ""},
		{"a long chain", "{{ x" + strings.Repeat(".a", 30000) + " }}", "in one tag"},
		{"a value that holds itself", "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "nested more than"},
		{"a value in a value", "{% set ns = namespace(x=1) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}", "nested more than"},
		{"a product of many", "{{ 'a'" + strings.Repeat(" * 64", 10) + " }}", "product"},
		{"a product the other way", "{{ 64 * 64 * 'a' }}", "product"},
		{"a product of names", "{% set n = 1000000000 %}{{ 'a' * n }}", "product"},
		{"many operators", "{{ 'a'" + strings.Repeat(" ~ 'a'", 100) + " }}", "operators"},
		{"replace", "{% set ns = namespace(x='a') %}{% for i in range(40) %}{% set ns.x = ns.x.replace('a', 'aaaaaaaaaaaaaaaa') %}{% endfor %}", "makes a value"},
		{"replace in one go", "{% set x = 'aaaaaaaaaaaaaaaa' * 64 %}{% set y = x.replace('a', x) %}{{ y | replace('a', x) }}", "makes a value"},
		{"join", "{% set x = 'aaaaaaaaaaaaaaaa' * 64 %}{% set y = x * 64 %}{{ y | join(y) }}", "makes a value"},
		{"join as a method", "{% set x = 'aaaaaaaaaaaaaaaa' * 64 %}{% set y = x * 64 %}{{ y.join(y) }}", "makes a value"},
		{"a padded text", "{{ 'a'.center(1000000000) }}", "center"},
		{"a padded text by filter", "{{ 'a' | center(1000000000) }}", "center"},
		{"writing into a variable", "{% set x %}{% for i in range(1000) %}" + strings.Repeat("a", 1<<12) + "{% endfor %}{% endset %}", "more than"},
		{"deep parentheses", "{{ " + strings.Repeat("(", 1<<15) + strings.Repeat(")", 1<<15-10) + " }}", ""},
	} {
		text, err := chat.Render(c.template, nil, chat.Options{})
		if err == nil || text != "" || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 3000 {
			t.Errorf("%s: %q, %v; want a short error with %q", c.name, text, err, c.want)
		}
	}
}
