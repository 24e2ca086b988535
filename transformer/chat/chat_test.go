package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lamina/transformer/chat"
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
		{"another file", "{% include '/etc/hostname' %}", "is not known"},
		{"itself", "{% include '/template' %}", "is not known"},
		{"import", "{% import 'x' as y %}", "is not known"},
		{"a parent", "{% extends 'x' %}", "is not known"},
		{"bad syntax", "{% for %}", "want a name"},
		{"no end", "{% for i in range(1000) %}" + strings.Repeat("a", 1<<15) + "{% endfor %}", "more than"},
		{"a large template", strings.Repeat(" ", 1<<16+1), "more than"},
		{"a macro that calls itself", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "macros call macros"},
		{"two macros that call each other", "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}", "macros call macros"},
		{"a block that shows itself", "{% block a %}{{ self.a() }}{% endblock %}", "is not known"},
		{"a loop that calls itself", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", "recursive"},
		{"a long range", "{% for i in range(1000000000000) %}{% endfor %}", "more than"},
		{"a loop over a long text", "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(17) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{% for c in ns.x %}{% endfor %}", "more than"},
		{"doubling", "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "more than"},
		{"doubling a list", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", "more than"},
		{"doubling a list as JSON", "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson(indent=2) }}", "more than"},
		{"doubling a list compared", "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}", "more than"},
		{"doubling in a macro", "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('aa') }}", "more than"},
		{"doubling in loops", "{% set x0 = 'aaaaaaaaaaaaaaaa' %}" + nest(40), "more than"},
		{"a product", "{{ 'a' * 1000000000 }}", "more than"},
		{"no UTF-8", "{{ '\xff' }}", "UTF-8"},
		{"no end of tokens", "{%\x13\u078c~\x1cF\x00\x800.든.I", ""},
		{"no end of numbers", "{%0.든.I", ""},
		{"a long chain", "{{ x" + strings.Repeat(".a", 30000) + " }}", "inside each other"},
		{"a value that holds itself", "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}", "a namespace"},
		{"a value in a value", "{% set ns = namespace(x=1) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}", "nested deeper"},
		{"values in values compared", "{% set ns = namespace(x=1, y=1) %}{% for i in range(100000) %}{% set ns.x = {'a': ns.x} %}{% set ns.y = {'a': ns.y} %}{% endfor %}{{ ns.x == ns.y }}", "more than"},
		{"a value in a value as JSON", "{% set ns = namespace(x=1) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}", "nested deeper"},
		{"a product of many", "{{ 'a'" + strings.Repeat(" * 64", 10) + " }}", "more than"},
		{"long words", "{{ raise_exception('a' * 1000000) }}", "aaa"},
		{"a long text out of place", "{{ 1 '" + strings.Repeat("a", 60000) + "' }}", "unexpected"},
		{"a product of names", "{% set n = 1000000000 %}{{ 'a' * n }}", "more than"},
		{"many operators", "{{ 'a'" + strings.Repeat(" ~ 'a'", 10000) + " }}", "inside each other"},
		{"sums in a loop", "{% for i in range(100000) %}{{ 'a'" + strings.Repeat(" ~ 'a'", 1000) + " }}{% endfor %}", "more than"},
		{"replace", "{% set ns = namespace(x='a') %}{% for i in range(40) %}{% set ns.x = ns.x.replace('a', 'aaaaaaaaaaaaaaaa') %}{% endfor %}", "more than"},
		{"replace in one go", "{% set x = 'aaaaaaaaaaaaaaaa' * 64 %}{% set y = x.replace('a', x) %}{{ y | replace('a', x) }}", "more than"},
		{"join", "{% set x = 'aaaaaaaaaaaaaaaa' * 64 %}{% set y = x * 64 %}{{ y | join(y) }}", "more than"},
		{"join as a method", "{% set x = 'aaaaaaaaaaaaaaaa' * 64 %}{% set y = x * 64 %}{{ y.join(y) }}", "more than"},
		{"a padded text", "{{ 'a'.center(1000000000) }}", "center"},
		{"a padded text by filter", "{{ 'a' | center(1000000000) }}", "center"},
		{"writing into a variable", "{% set x %}{% for i in range(10000) %}" + strings.Repeat("a", 1<<12) + "{% endfor %}{% endset %}", "more than"},
		{"deep parentheses", "{{ " + strings.Repeat("(", 1<<15) + strings.Repeat(")", 1<<15-10) + " }}", ""},
		{"a wide indent", "{{ ('a\n' * 10000) | indent(10000) }}", "more than"},
		{"python's insides", "{{ ''.__class__.__mro__ }}", "__class__"},
		{"a list changed", "{{ messages.append(1) }}", "append"},
	} {
		text, err := chat.Render(c.template, nil, chat.Options{})
		if err == nil || text != "" || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 3000 {
			t.Errorf("%s: %q, %.3000v; want a short error with %q", c.name, text, err, c.want)
		}
	}
}

// TestRenderOfLongConversation: the bound of work grows with what is said.
func TestRenderOfLongConversation(t *testing.T) {
	g := readGolden(t)
	long := strings.Repeat("a long text, ", 1<<15) + "ü"
	var messages []chat.Message
	for range 16 {
		messages = append(messages, chat.Message{Role: "user", Content: long}, chat.Message{Role: "assistant", Content: long})
	}
	for _, name := range []string{"smollm2", "llama2", "llama3", "llama3.1", "qwen2.5", "mistral0.1", "mistral0.3", "macros"} {
		text, err := chat.Render(g.Templates[name], messages, chat.Options{BOS: "<s>", EOS: "</s>"})
		if err != nil || len(text) < len(messages)*len(long) {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
}

// FuzzRender: whatever the template, Render comes back, with the same text again or
// with an error.
func FuzzRender(f *testing.F) {
	for _, s := range readGolden(f).Templates {
		f.Add(s)
	}
	for _, s := range []string{
		"{% for m in messages %}{{ m.role ~ m['content'][1:] | trim }}{% endfor %}",
		"{% macro f(x='a') %}{{ x * 3 }}{% endmacro %}{{ f(messages[-1] | tojson(indent=2)) }}",
		"{% set ns = namespace(n=0) %}{% for i in range(3) if i != 1 %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n // 2 % 2 ** 3 }}",
		"{%- if 'a' in messages[0].content.split()[-1] and not x is defined -%}{% generation %}a{% endgeneration %}{%- else -%}{% raw %}{{{% endraw %}{%- endif -%}",
	} {
		f.Add(s)
	}
	messages := []chat.Message{{Role: "user", Content: "a banana\n"}, {Role: "assistant", Content: "ü"}}
	o := chat.Options{BOS: "<s>", Generation: true, Now: time.Unix(0, 0).UTC()}
	f.Fuzz(func(t *testing.T, template string) {
		text, err := chat.Render(template, messages, o)
		second, again := chat.Render(template, messages, o)
		if text != second || (err == nil) != (again == nil) || err != nil && text != "" {
			t.Errorf("%q, %v and %q, %v", text, err, second, again)
		}
	})
}
