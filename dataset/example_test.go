package dataset_test

import (
	"fmt"
	"os"
	"path/filepath"

	"lamina/dataset"
)

// A directory as people have them: the names of its files say which split each is.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "dataset")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{
		"train.csv":  "question,answer\nWhich is a star?,sun\n",
		"test.jsonl": `{"question": "Which can be eaten?", "answer": "salt"}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			panic(err)
		}
	}
	if _, err := dataset.Open(dir, dataset.Options{Split: "validation"}); err != nil {
		fmt.Println("no such split")
	}
	for _, split := range []string{"train", "test"} {
		set, err := dataset.Open(dir, dataset.Options{Split: split})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %s, SHA-256 %.8s…\n", set.Split, set.Files[0].Name, set.Files[0].SHA256)
		for row, err := range set.Records() {
			if err != nil {
				panic(err)
			}
			answer, err := row.Text("answer")
			fmt.Println(row.At.Line, answer, err)
		}
	}
	// Output:
	// no such split
	// train: train.csv, SHA-256 16514581…
	// 2 sun <nil>
	// test: test.jsonl, SHA-256 ea027add…
	// 1 salt <nil>
}

// The rows of one file at once, whatever its format.
func ExampleReadAll() {
	rows, files, err := dataset.ReadAll("parquet/testdata/arc-snappy.parquet", dataset.Options{Limit: 1})
	if err != nil {
		panic(err)
	}
	choices, err := rows[0].Texts("choices.text")
	fmt.Println(files[0].Name, files[0].Size, len(rows), choices, err)
	// Output: arc-snappy.parquet 784 1 [sun moon] <nil>
}
