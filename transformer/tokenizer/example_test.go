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
