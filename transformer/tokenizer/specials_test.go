package tokenizer

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// letters is a tokenizer of single letters.
const letters = `{"added_tokens": [{"id": 9, "content": "<s>", "special": true}, {"id": 10, "content": "<x>", "special": false}], "decoder": {"type": "Fuse"},
	"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, " ": 2, ".": 3, "'": 4, "s": 5, "<": 6, ">": 7, "x": 8}, "merges": []}}`

// load loads a directory with the files that are given.
func load(t *testing.T, files map[string]string) (*Tokenizer, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Load(dir)
}

// TestCleanUpAgreesWithReference: testdata/cleanup.json is transformers'.
func TestCleanUpAgreesWithReference(t *testing.T) {
	data, err := os.ReadFile("testdata/cleanup.json")
	var cases [][2]string
	if err == nil {
		err = json.Unmarshal(data, &cases)
	}
	if err != nil || len(cases) < 300 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	changed := 0
	for _, c := range cases {
		if got := cleanUp(c[0]); got != c[1] {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
		if c[0] != c[1] {
			changed++
		}
	}
	if changed < 100 {
		t.Errorf("only %d texts change", changed)
	}
}

// TestDecodeTidies: spaces are taken out where the configuration says so, and nowhere
// else.
func TestDecodeTidies(t *testing.T) {
	for config, want := range map[string]string{
		``: "a . b 's", `{}`: "a . b 's", `{"clean_up_tokenization_spaces": null}`: "a . b 's", `{"clean_up_tokenization_spaces": false}`: "a . b 's",
		`{"clean_up_tokenization_spaces": true}`: "a. b's", `{"tokenizer_class": "LlamaTokenizerFast", "clean_up_tokenization_spaces": true}`: "a. b's",
		`{"tokenizer_class": "GPT2Tokenizer"}`: "a . b 's",
	} {
		files := map[string]string{"tokenizer.json": letters}
		if config != "" {
			files["tokenizer_config.json"] = config
		}
		tok, err := load(t, files)
		if err != nil {
			t.Fatal(config, err)
		}
		ids := []int32{0, 2, 3, 2, 1, 2, 4, 5}
		if got := tok.Decode(ids, true); got != want || tok.Tidies() != strings.Contains(config, "true") {
			t.Errorf("%s: %q, want %q", config, got, want)
		}
		var written strings.Builder
		if err := tok.WriteConfig(&written, 0); err != nil || strings.Contains(written.String(), `"clean_up_tokenization_spaces": true`) != tok.Tidies() {
			t.Errorf("%s: written as %s, %v", config, written.String(), err)
		}
	}
	if _, err := load(t, map[string]string{"tokenizer.json": letters, "tokenizer_config.json": `{"clean_up_tokenization_spaces": 1}`}); err == nil {
		t.Error("a number passes for true")
	}
}

// TestSpecialTokens: the map that chat templates see is that of transformers: by name,
// special_tokens_map.json before tokenizer_config.json where there is no
// added_tokens_decoder, and that file alone where there is one.
func TestSpecialTokens(t *testing.T) {
	for _, c := range []struct {
		config, special string
		want            map[string]string
	}{
		{`{"bos_token": "<s>", "pad_token": {"content": "<x>"}}`, ``, map[string]string{"bos_token": "<s>", "pad_token": "<x>"}},
		{`{"sep_token": "a", "cls_token": "b", "mask_token": "<s>", "unk_token": "x"}`, ``, map[string]string{"sep_token": "a", "cls_token": "b", "mask_token": "<s>", "unk_token": "x"}},
		{`{"bos_token": "<s>"}`, `{"bos_token": "<x>", "eos_token": "<s>"}`, map[string]string{"bos_token": "<x>", "eos_token": "<s>"}},
		{`{"bos_token": "<s>"}`, `{"bos_token": null}`, nil},
		{`{"bos_token": "<s>", "added_tokens_decoder": {}}`, `{"bos_token": "<x>", "eos_token": "<s>"}`, map[string]string{"bos_token": "<s>"}},
		{`{"additional_special_tokens": ["<s>", {"content": "<y>"}]}`, `{"additional_special_tokens": ["<z>", "<s>"]}`, map[string]string{"additional_special_tokens": "<s> <y> <z>"}},
		{`{"extra_special_tokens": {"image_token": "<image>", "end_token": {"content": "<x>"}}}`, ``, map[string]string{"image_token": "<image>", "end_token": "<x>"}},
		{`{"extra_special_tokens": ["<image>"]}`, ``, map[string]string{"additional_special_tokens": "<image>"}},
		{`{"tokenizer_class": "LlamaTokenizer", "eos_token": "<x>"}`, ``, map[string]string{"bos_token": "<s>", "eos_token": "<x>", "unk_token": "<unk>"}},
	} {
		files := map[string]string{"tokenizer.json": letters, "tokenizer_config.json": c.config}
		if c.special != "" {
			files["special_tokens_map.json"] = c.special
		}
		tok, err := load(t, files)
		if err != nil {
			t.Fatal(c, err)
		}
		got := map[string]string{}
		for _, s := range tok.SpecialTokens() {
			got[s.Name] = strings.Join(s.Texts, " ")
			for _, text := range s.Texts {
				if id, ok := tok.ID(text); !ok || !tok.IsSpecial(id) {
					t.Errorf("%s %s: %s is no special token", c.config, c.special, text)
				}
			}
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s %s: %v, want %v", c.config, c.special, got, c.want)
		}
	}
}

// TestSplitSpecialTokens: split_special_tokens leaves special tokens in a text to the
// model, and other added tokens alone.
func TestSplitSpecialTokens(t *testing.T) {
	for config, want := range map[string][]int32{
		`{}`:                             {0, 9, 10},
		`{"split_special_tokens": true}`: {0, 6, 5, 7, 10},
	} {
		tok, err := load(t, map[string]string{"tokenizer.json": letters, "tokenizer_config.json": config})
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.Encode("a<s><x>", false); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", config, got, want)
		}
	}
}
