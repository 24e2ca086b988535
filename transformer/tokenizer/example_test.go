package tokenizer_test

import (
	"fmt"
	"log"
	"os"

	"lamina/transformer/tokenizer"
)

// A tokenizer of two merges, in the byte-level alphabet where Ġ is a space.
func ExampleFromVocabMerges() {
	tok, err := tokenizer.FromVocabMerges(tokenizer.VocabMerges{
		Vocab:  map[string]int32{"</s>": 0, "a": 1, "b": 2, "Ġ": 3, "ab": 4, "Ġab": 5},
		Merges: []string{"a b", "Ġ ab"},
		Roles:  tokenizer.Roles{BOS: "</s>", EOS: "</s>"},
		AddBOS: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	ids := tok.Encode("ab ab ba</s>", true)
	fmt.Println(ids)
	fmt.Println(tok.Decode(ids, true))
	fmt.Println(tok.Token(5), tok.VocabSize())
	// Output:
	// [0 4 5 3 2 1 0]
	// ab ab ba
	// Ġab 6
}

// Offsets count characters; the template's token stands for nothing.
func ExampleTokenizer_EncodeOffsets() {
	tok, err := tokenizer.FromVocabMerges(tokenizer.VocabMerges{
		Vocab:  map[string]int32{"</s>": 0, "a": 1, "b": 2, "Ġ": 3, "ab": 4, "Ã": 5, "©": 6},
		Merges: []string{"a b"},
		Roles:  tokenizer.Roles{BOS: "</s>"},
		AddBOS: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	ids, spans, err := tok.EncodeOffsets("é ab", true)
	fmt.Println(ids, spans, err)
	// Output:
	// [0 5 6 3 4] [{0 0} {0 1} {0 1} {1 2} {2 4}] <nil>
}

// Unknown parts of a file are errors that say where.
func ExampleFromJSON() {
	_, err := tokenizer.FromJSON([]byte(`{
		"normalizer": {"type": "Sequence", "normalizers": [{"type": "Rot13"}]},
		"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}`))
	fmt.Println(err)
	// Output:
	// normalizer.normalizers[0].type: unknown normalizer "Rot13" (known: NFC NFD NFKC NFKD Prepend Replace Sequence Strip)
}

func ExampleLoad() {
	dir, err := os.MkdirTemp("", "tokenizer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	_, err = tokenizer.Load(dir)
	fmt.Println(err != nil)
	// Output: true
}
