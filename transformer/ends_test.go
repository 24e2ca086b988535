package transformer_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/record"
	"lamina/transformer"
	"lamina/transformer/chat"
	"lamina/transformer/tokenizer"
)

// accents is a tokenizer in which é is two tokens.
func accents(t *testing.T, template ...string) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.FromVocabMerges(tokenizer.VocabMerges{
		Vocab: map[string]int32{"</s>": 0, "a": 1, "Ġ": 2, "Ã": 3, "©": 4},
		Roles: tokenizer.Roles{EOS: "</s>", ChatTemplate: strings.Join(template, "")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEndTokens(t *testing.T) {
	for _, c := range []struct {
		config     any
		generation string
		ends, stop []int32
	}{
		{nil, "", []int32{0}, nil},
		{7.0, "", []int32{0, 7}, []int32{7}},
		{[]any{9.0, 7.0}, `{"eos_token_id": [11, 10]}`, []int32{0, 7, 9, 10, 11}, []int32{10, 11}},
		{7.0, `{}`, []int32{0, 7}, nil},
		{7.0, `{`, []int32{0, 7}, []int32{7}},
	} {
		ckpt := &transformer.Checkpoint{Dir: t.TempDir()}
		ckpt.Config.Raw = map[string]any{"eos_token_id": c.config}
		if c.generation != "" {
			if err := os.WriteFile(filepath.Join(ckpt.Dir, "generation_config.json"), []byte(c.generation), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := ckpt.EndTokens(accents(t)); !slices.Equal(got, c.ends) {
			t.Errorf("%+v: ends %v", c, got)
		}
		if got := ckpt.StopTokens(); !slices.Equal(got, c.stop) {
			t.Errorf("%+v: stops %v", c, got)
		}
	}
}

func TestChatTemplate(t *testing.T) {
	ckpt := &transformer.Checkpoint{Dir: t.TempDir()}
	for _, c := range []struct {
		config, file string
		variables    record.Object
		want, wrong  string
	}{
		{config: `{}`, wrong: "has no chat template"},
		{config: `{"chat_template": "config"}`, want: "config"},
		{config: `{}`, file: "file", want: "file"},
		{config: `{"chat_template": "config"}`, file: "file", want: "file"},
		{config: `{"chat_template": [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]}`, want: "d"},
		{config: `{"chat_template": [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]}`, variables: record.Object{{Name: "tools", Value: record.List{}}}, want: "t"},
		{config: `{"chat_template": [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]}`, variables: record.Object{{Name: "tools"}}, want: "d"},
		{config: `{"chat_template": [{"name": "rag", "template": "r"}, {"name": "tool_use", "template": "t"}]}`, wrong: "(there are: rag, tool_use)"},
		{config: `{"chat_template": [{"name": "default", "template": "d"}]}`, file: "file", want: "file"},
	} {
		dir := t.TempDir()
		files := map[string]string{
			"tokenizer.json":        `{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`,
			"tokenizer_config.json": c.config, "chat_template.jinja": c.file,
		}
		for name, text := range files {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		tok, err := tokenizer.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ckpt.ChatTemplate(tok, c.variables)
		if got != c.want || (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

// TestTemplatesAreNamed: one that is too long, or is no template, with its file.
func TestTemplatesAreNamed(t *testing.T) {
	for file, c := range map[string]struct{ text, want string }{
		"chat_template.jinja":   {strings.Repeat(" ", 1<<16+1), "more than the 65536"},
		"tokenizer_config.json": {`{"chat_template": "{% if %}"}`, "want a value"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"tokenizer.json": `{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`, file: c.text} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		tok, err := tokenizer.Load(dir)
		if err == nil {
			_, err = (&transformer.Checkpoint{Dir: dir}).ChatIDs(tok, nil, chat.Message{Role: "user", Content: "a"})
		}
		if path := filepath.Join(dir, file); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// A chat has the tokens that its template writes and no others; a prompt of no tokens
// has BOS, where there is one.
func TestPrompts(t *testing.T) {
	ckpt, tok := &transformer.Checkpoint{Dir: t.TempDir()}, accents(t)
	message := chat.Message{Role: "user", Content: "aa"}
	if _, err := ckpt.ChatIDs(tok, nil, message); !errors.Is(err, transformer.ErrNoTemplate) {
		t.Errorf("without a template: %v", err)
	}
	template := "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %} a{% endif %}"
	tok = accents(t, template)
	if got, err := ckpt.ChatIDs(tok, nil, message); err != nil || !slices.Equal(got, []int32{1, 1, 0, 2, 1}) {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string][]int32{"a a": {1, 2, 1}, "": nil} {
		if got, err := ckpt.PromptIDs(tok, text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	bos, err := tokenizer.FromVocabMerges(tokenizer.VocabMerges{Vocab: map[string]int32{"a": 0, "<s>": 1}, Roles: tokenizer.Roles{BOS: "<s>"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ckpt.PromptIDs(bos, ""); err != nil || !slices.Equal(got, []int32{1}) {
		t.Errorf("nothing: %v, %v", got, err)
	}
}

// Pieces are whole characters, and joined they are the text; a token of the ends is
// the last.
func TestGenerateText(t *testing.T) {
	c, err := transformer.ParseConfig([]byte(`{"model_type": "llama", "vocab_size": 5, "hidden_size": 8, "intermediate_size": 8,
		"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64}`))
	if err != nil {
		t.Fatal(err)
	}
	be, tok := ref.New(), accents(t)
	d := transformer.New(c, nn.Init{Device: be, Seed: 1, Std: 0.02})
	ended, split := 0, 0
	for seed := range uint64(20) {
		var pieces []string
		ids, text, err := d.GenerateText(t.Context(), be, tok, []int32{1}, 40, transformer.Sampling{Temperature: 1, Seed: seed}, []int32{0},
			func(piece string) { pieces = append(pieces, piece) })
		if err != nil || strings.Join(pieces, "") != text || text != tok.Decode(ids, true) {
			t.Fatalf("%q of %q, %v: %v", pieces, text, ids, err)
		}
		for i, p := range pieces[:max(0, len(pieces)-1)] {
			if r, _ := utf8.DecodeLastRuneInString(p); r == utf8.RuneError {
				t.Errorf("piece %d of %q ends inside a character", i, pieces)
			}
			if strings.HasSuffix(p, "é") {
				split++
			}
		}
		at := slices.Index(ids, 0)
		if at >= 0 && at != len(ids)-1 {
			t.Errorf("%v goes on after its end", ids)
		}
		if at >= 0 {
			ended++
		}
	}
	if ended == 0 || split == 0 {
		t.Errorf("%d of 20 texts ended, %d pieces held a character of two tokens", ended, split)
	}
}
