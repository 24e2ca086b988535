package chat_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lamina/transformer/chat"
)

// The golden's places count characters.
func TestSaidAgreesWithReference(t *testing.T) {
	var g struct {
		Templates map[string]string
		Turns     map[string][][2]string
		Cases     []struct {
			Template, Turns, Text string
			Said                  [][2]int
		}
	}
	data, err := os.ReadFile(filepath.Join("testdata", "said.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	turns := golden{Turns: g.Turns}
	for _, c := range g.Cases {
		text, said, err := chat.Said(g.Templates[c.Template], turns.messages(c.Turns), chat.Options{BOS: "<s>", EOS: "</s>"})
		if len(c.Said) == 0 {
			if err == nil || !strings.Contains(err.Error(), "generation block") {
				t.Errorf("%s, %s: nothing is marked: %v", c.Template, c.Turns, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s, %s: %v", c.Template, c.Turns, err)
			continue
		}
		var got [][2]int
		for _, s := range said {
			got = append(got, [2]int{utf8.RuneCountInString(text[:s.From]), utf8.RuneCountInString(text[:s.To])})
		}
		if text != c.Text || !slices.Equal(got, c.Said) {
			t.Errorf("%s, %s: %q %v, want %q %v", c.Template, c.Turns, text, got, c.Text, c.Said)
		}
	}
}

// Without generation blocks the spans are what stands behind the words that ask for a turn.
func TestSaidByPrefixes(t *testing.T) {
	const chatml = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
	const inst = "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}</s>{% endif %}{% endfor %}"
	const counted = "{{ messages | length }}{% for m in messages %} {{ m.content }}{% endfor %}"
	const thinking = "{% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' and not loop.last %}…{% endif %}{{ m.content }}\n{% endfor %}"
	const first = "{{ messages[0].role }}{% for m in messages %} {{ m.content }}{% endfor %}"
	two := []chat.Message{{Role: "user", Content: "a"}, {Role: "assistant", Content: "b"}, {Role: "user", Content: "c"}, {Role: "assistant", Content: "d e"}}
	for _, c := range []struct {
		template string
		want     []string
		wrong    string
	}{
		{chatml, []string{"b<|im_end|>\n", "d e<|im_end|>\n"}, ""},
		{inst, []string{" b</s>", " d e</s>"}, ""},
		{counted, nil, "{% generation %}"},
		{thinking, nil, "before message 2"},
		{first, []string{" b", " d e"}, ""},
	} {
		text, said, err := chat.Said(c.template, two, chat.Options{})
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v", c.template, err)
			}
			continue
		}
		var got []string
		for _, s := range said {
			got = append(got, text[s.From:s.To])
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.template, got, err, c.want)
		}
	}
	if _, _, err := chat.Said(chatml, two[:1], chat.Options{}); err == nil || !strings.Contains(err.Error(), "nothing to learn") {
		t.Errorf("a question alone: %v", err)
	}
	const captured = "{% set x %}{% generation %}{{ messages[1].content }}{% endgeneration %}{% endset %}{{ x }}"
	if _, _, err := chat.Said(captured, two, chat.Options{}); err == nil || !strings.Contains(err.Error(), "captured") {
		t.Errorf("a block in a captured text: %v", err)
	}
	if text, err := chat.Render(captured, two, chat.Options{}); err != nil || text != "b" {
		t.Errorf("rendered alone: %q, %v", text, err)
	}
}
