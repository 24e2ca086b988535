package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTokensBeyondTheVocabulary: an id that the tokenizer has and the embedding lacks is
// an error of the text that holds it, as published Llama 2 models with a pad token had
// one; every other text is computed.
func TestTokensBeyondTheVocabulary(t *testing.T) {
	model := tinyModel(t)
	path := filepath.Join(model, "tokenizer.json")
	var tok map[string]any
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &tok); err != nil {
		t.Fatal(err)
	}
	added, _ := tok["added_tokens"].([]any)
	tok["added_tokens"] = append(added, map[string]any{"id": 420, "content": "<padding>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false})
	if data, err = json.Marshal(tok); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fine := write(t, dir, "fine.jsonl", `{"query":"a cat","choices":["is","was"],"gold":0}`)
	holds := write(t, dir, "holds.jsonl", `{"query":"a <padding> cat","choices":["is","was"],"gold":0}`)
	texts := write(t, dir, "texts.json", `["a <padding> cat"]`)
	must(t, "generate", "--model", model, "--prompt", "a cat", "--max-tokens", "2")
	must(t, "eval", "--model", model, "--data", fine)
	must(t, "finetune", "--model", model, "--data", fine, "--lr", "1e-3", "--steps", "1", "--batch", "1", "--out", filepath.Join(dir, "run"))
	if got := must(t, "tokenize", "--model", model, "--texts", texts); !strings.Contains(got, "420") {
		t.Errorf("tokenize, which needs no model: %s", got)
	}
	for _, args := range [][]string{
		{"generate", "--model", model, "--prompt", "a <padding> cat", "--max-tokens", "2"},
		{"eval", "--model", model, "--data", holds},
		{"similarity", "--model", model, "--data", holds},
		{"finetune", "--model", model, "--data", holds, "--lr", "1e-3", "--steps", "1", "--batch", "1", "--out", filepath.Join(dir, "run2")},
	} {
		code, _, stderr := lamina(t, args...)
		stderr = unwarned(stderr)
		if code != exitError || !strings.Contains(stderr, "420") || !strings.Contains(stderr, "<padding> cat") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d: %s", args[0], code, stderr)
		}
	}
}
