package corpus_test

import (
	"slices"
	"strings"
	"testing"

	"lamina/crash/corpus"
	"lamina/eval"
	"lamina/eval/task"
)

func TestLearn(t *testing.T) {
	const path = "testdata/chat.jsonl"
	answer := read(t, "plain", path, corpus.Options{MaxLength: 1024})
	last := read(t, "plain", path, corpus.Options{MaxLength: 1024, Learn: corpus.Last})
	all := read(t, "plain", path, corpus.Options{MaxLength: 1024, Learn: corpus.All})
	two := [3]int{targets(answer.Sequences[1]), targets(last.Sequences[1]), targets(all.Sequences[1])}
	if !(two[0] > two[1] && two[1] > 1 && two[2] == len(all.Sequences[1].Tokens)-1) {
		t.Errorf("learned of two turns: %v", two)
	}
	if a, l := answer.Sequences[0], last.Sequences[0]; !slices.Equal(a.Learn, l.Learn) {
		t.Errorf("one turn: %v, %v", a.Learn, l.Learn)
	}
	documents := write(t, "d.jsonl", `{"context": "a question", "continuation": "the answer"}`)
	d := read(t, "plain", documents, corpus.Options{MaxLength: 1024, Learn: corpus.All})
	if s := d.Sequences[0]; d.Kind != "documents" || targets(s) != len(s.Tokens)-1 {
		t.Errorf("a document: %s, %v", d.Kind, s.Learn)
	}
}

// A row that is too long is cut from the left, and into what is learned only if that is said.
func TestFit(t *testing.T) {
	chat := write(t, "c.jsonl", `{"messages": [{"role": "user", "content": "`+strings.Repeat("of many words ", 20)+`"}, {"role": "assistant", "content": "the answer"}, {"role": "user", "content": "x"}, {"role": "assistant", "content": "the text"}]}
{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}`)
	whole := read(t, "plain", chat, corpus.Options{MaxLength: 1024})
	n := len(whole.Sequences[0].Tokens)
	short := read(t, "plain", chat, corpus.Options{MaxLength: n - 6})
	if s := short.Sequences[0]; short.Cut != 1 || len(s.Tokens) != n-5 || targets(s) != targets(whole.Sequences[0]) {
		t.Errorf("%d cut to %d tokens", short.Cut, len(s.Tokens))
	}
	o := corpus.Options{MaxLength: 20}
	if _, err := corpus.Read(model("plain"), eval.Data{Path: chat}, 0, o); err == nil || !strings.Contains(err.Error(), "c.jsonl:1") || !strings.Contains(err.Error(), "--overlong") {
		t.Errorf("cut into a turn: %v", err)
	}
	o.Overlong = task.OverlongSkip
	if skipped := read(t, "plain", chat, o); skipped.Skipped != 1 || len(skipped.Sequences) != 1 {
		t.Errorf("%d left out", skipped.Skipped)
	}
	o.Overlong = task.OverlongCut
	cut := read(t, "plain", chat, o)
	if s := cut.Sequences[0]; cut.Cut != 1 || len(s.Tokens) != 21 || s.Learn[0] || targets(s) == 0 {
		t.Errorf("%d cut: %v", cut.Cut, s)
	}
	o.Learn = corpus.Last // the first turn is no target then, and may be cut
	o.Overlong = task.OverlongError
	if s := read(t, "plain", chat, o).Sequences[0]; len(s.Tokens) != 21 {
		t.Errorf("the last turn: %d tokens", len(s.Tokens))
	}
}

func TestPackWithEOS(t *testing.T) {
	const eos = 1
	rows := write(t, "r.jsonl", `{"text": "a"}`+"\n"+`{"text": ""}`+"\n"+`{"text": "b</s>"}`+"\n"+`{"text": "c"}`+"\n"+`{"text": "d"}`)
	got := read(t, "plain", rows, corpus.Options{Pack: corpus.PackEOS, MaxLength: 3})
	var ids []int32
	for _, s := range got.Sequences {
		ids = append(ids, s.Tokens...)
	}
	// a E | b E(of the text) | c E | d
	if len(ids) != 6 || ids[1] != eos || ids[3] != eos || ids[5] != eos || got.Dropped != 1 {
		t.Errorf("%v, %d dropped", ids, got.Dropped)
	}
	whole := read(t, "bos", write(t, "t.txt", "a\n\nb\r\nc"), corpus.Options{Pack: corpus.PackEOS, MaxLength: 7})
	if len(whole.Sequences) != 1 || whole.Dropped != 0 || whole.Sequences[0].Tokens[0] != 0 {
		t.Errorf("a file as one text: %v", whole)
	}
}

// Each is refused with its place, what is wrong and what to do.
func TestWrongRows(t *testing.T) {
	for _, c := range []struct {
		name, text string
		o          corpus.Options
		want       []string
	}{
		{"no output", `{"instruction": "x", "output": "y"}` + "\n" + `{"instruction": "x"}`, corpus.Options{}, []string{":2", `"output"`, "missing"}},
		{"instruction of another type", `{"instruction": 3, "output": "y"}`, corpus.Options{}, []string{":1", `"instruction"`, "want a text"}},
		{"empty instruction", `{"instruction": "", "output": "y"}`, corpus.Options{}, []string{":1", `"instruction"`, "empty"}},
		{"input of another type", `{"instruction": "x", "input": ["a"], "output": "y"}`, corpus.Options{}, []string{":1", `"input"`}},
		{"two kinds", `{"instruction": "x", "output": "y", "messages": []}`, corpus.Options{}, []string{":1", "two kinds", "--rows"}},
		{"no messages", `{"messages": []}`, corpus.Options{}, []string{":1", `"messages"`, "empty"}},
		{"messages of another type", `{"messages": "hello"}`, corpus.Options{}, []string{":1", "want a list"}},
		{"a message that is a text", `{"messages": ["hello"]}`, corpus.Options{}, []string{":1", "message 1", `"role"`}},
		{"no role", `{"messages": [{"content": "x"}]}`, corpus.Options{}, []string{":1", "message 1", `"role"`, "missing"}},
		{"content in parts", `{"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}`, corpus.Options{}, []string{":1", `"content"`, "want a text"}},
		{"a call of a tool", `{"messages": [{"role": "assistant", "content": "x", "tool_calls": [{"a": 1}]}]}`, corpus.Options{}, []string{":1", "tool_calls", "not learned"}},
		{"an unknown speaker", `{"conversations": [{"from": "bing", "value": "x"}]}`, corpus.Options{}, []string{":1", "bing", "human"}},
		{"nobody answers", `{"messages": [{"role": "user", "content": "x"}]}`, corpus.Options{}, []string{":1", "assistant"}},
		{"prefixes that do not nest", `{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}, {"role": "user", "content": "z"}]}`,
			corpus.Options{Template: "{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}"}, []string{":1", "chat template", "message 2", "{% generation %}"}},
		{"a template that refuses", `{"messages": [{"role": "user", "content": "x"}]}`, corpus.Options{Template: "{{ raise_exception('not this') }}"}, []string{":1", "not this"}},
		{"another kind is forced", `{"text": "x"}`, corpus.Options{Kind: "chat"}, []string{":1", "conversations", "missing", "messages"}},
		{"a kind that is not known", `{"text": "x"}`, corpus.Options{Kind: "sharegpt"}, []string{"sharegpt", "documents, alpaca, chat"}},
		{"the last of a document", `{"context": "x", "continuation": "y"}`, corpus.Options{Learn: corpus.Last}, []string{"--learn last", "conversations"}},
		{"the last of an instruction", `{"instruction": "x", "output": "y"}`, corpus.Options{Learn: corpus.Last}, []string{"--learn last", "conversations"}},
		{"packed questions", `{"context": "x", "continuation": "y"}`, corpus.Options{Pack: corpus.PackCLM}, []string{":1", `"text"`, "--pack wants"}},
		{"packed conversations", `{"messages": []}`, corpus.Options{Pack: corpus.PackCLM, Kind: "chat"}, []string{"--pack", "chat"}},
		{"too few tokens", `{"text": "x"}`, corpus.Options{Pack: corpus.PackCLM}, []string{"fill no block of 64", "--max-length"}},
		{"no JSON", `{"instruction": "x"`, corpus.Options{}, []string{":1"}},
	} {
		path := write(t, "rows.jsonl", c.text)
		if c.o.MaxLength == 0 {
			c.o.MaxLength = 64
		}
		_, err := corpus.Read(model("plain"), eval.Data{Path: path}, 0, c.o)
		if err == nil {
			t.Errorf("%s: read", c.name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v (want %s)", c.name, err, w)
			}
		}
	}
	if _, err := corpus.Read(model("plain"), eval.Data{Path: write(t, "a.txt", "x")}, 0, corpus.Options{MaxLength: 64}); err == nil || !strings.Contains(err.Error(), "--pack") {
		t.Errorf("plain text without --pack: %v", err)
	}
	if _, err := corpus.Read(model("plain"), eval.Data{Path: write(t, "a.txt", "x\n\xff\n")}, 0, corpus.Options{MaxLength: 2, Pack: corpus.PackCLM}); err == nil || !strings.Contains(err.Error(), "a.txt:2") {
		t.Errorf("text that is no UTF-8: %v", err)
	}
}
