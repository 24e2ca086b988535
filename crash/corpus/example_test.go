package corpus_test

import (
	"fmt"
	"log"

	"lamina/crash/corpus"
	"lamina/eval"
)

// Of a conversation the answers are learned, whatever stands around them.
func ExampleRead() {
	rows, err := corpus.Read(model("plain"), eval.Data{Path: "testdata/chat.jsonl"}, 1, corpus.Options{MaxLength: 1024})
	if err != nil {
		log.Fatal(err)
	}
	s, learned := rows.Sequences[0], 0
	for _, l := range s.Learn {
		if l {
			learned++
		}
	}
	fmt.Printf("%s: %d of %d tokens are learned\n", rows.Kind, learned, len(s.Tokens))
	// Output: chat: 10 of 26 tokens are learned
}
