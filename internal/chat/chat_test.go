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
		{"undefined is false", "{% if tools %}t{% else %}n{% endif %}{% if tools is defined %}t{% endif %}", "n"},
	} {
		got, err := chat.Render(c.template, user, chat.Options{BOS: "<s>", EOS: "</s>"})
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
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
		{"a large template", strings.Repeat(" ", 1<<20+1), "more than"},
	} {
		text, err := chat.Render(c.template, nil, chat.Options{})
		if err == nil || text != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v; want an error with %q", c.name, text, err, c.want)
		}
	}
}
