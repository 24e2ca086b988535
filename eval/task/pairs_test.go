package task

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"lamina/transformer/tokenizer"
)

// The tokenizer is an Encoder as it is.
var _ Encoder = (*tokenizer.Tokenizer)(nil)

func realTokenizers(t *testing.T) map[string]*tokenizer.Tokenizer {
	t.Helper()
	opt, err := tokenizer.Load(dataFile(t, "tokenizers/opt"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := os.ReadFile(dataFile(t, "tokenizers/llama/tokenizer.model"))
	if err != nil {
		t.Fatal(err)
	}
	llama, err := tokenizer.FromSentencePiece(model, tokenizer.SentencePieceOptions{Legacy: true})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*tokenizer.Tokenizer{"opt": opt, "llama": llama}
}

func joined(ids []int32) string {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.Itoa(int(id))
	}
	return strings.Join(text, ",")
}

// The ids of real documents equal the harness's, for both rules and two kinds of
// tokenizer; see testdata/gen_pairs.py.
func TestRealPairsEqualHarness(t *testing.T) {
	files := map[string]string{
		"arc_easy": "eval/arc_easy.jsonl", "arc_challenge": "eval/arc_challenge.jsonl", "openbookqa": "eval/openbook_qa.jsonl",
		"piqa": "eval/piqa.jsonl", "boolq": "eval/boolq.jsonl", "webqs": "webquestions/test.json",
	}
	toks := realTokenizers(t)
	text, err := os.ReadFile("testdata/pairs.json")
	if err != nil {
		t.Fatal(err)
	}
	var digests map[string]string
	if err := json.Unmarshal(text, &digests); err != nil {
		t.Fatal(err)
	}
	for key, want := range digests {
		words := strings.Fields(key)
		rules, err := ParseRules(words[2])
		if err != nil {
			t.Fatal(err)
		}
		docs, err := mustNamed(t, words[1]).ReadFile(dataFile(t, files[words[1]]))
		if err != nil {
			t.Fatal(err)
		}
		items, err := mustNamed(t, words[1]).Items(docs[:min(300, len(docs))], Setting{Rules: rules})
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.New()
		for _, item := range items {
			pairs, err := Encode(item, toks[words[0]], rules, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pairs {
				fmt.Fprintf(digest, "%s|%s\n", joined(p.Context), joined(p.Target))
			}
		}
		if got := fmt.Sprintf("%x", digest.Sum(nil)); got != want {
			t.Errorf("%s: digest %s, want %s", key, got, want)
		}
	}
}
