package eval_test

import (
	"context"
	"fmt"
	"os"

	"lamina/eval"
	"lamina/eval/taskfile"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// A model is scored on a Parquet file by a task of one's own, as lamina eval does it.
// What is finished
// stays in the directory: the second session there runs nothing. Data on the hub
// differs by one line: Locate asks a [lamina/hub.Client] where it lies.
func ExampleSession() {
	dir, err := os.MkdirTemp("", "scores")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	checkpoint, err := transformer.Open("task/testdata/lmeval/opt")
	if err != nil {
		panic(err)
	}
	defer checkpoint.Close()
	be := cpu.New(cpu.Options{})
	defer be.Close()
	decoder, err := checkpoint.Decoder(be)
	if err != nil {
		panic(err)
	}
	quiz, err := taskfile.Parse([]byte(`
task: quiz
output_type: multiple_choice
test_split: test
doc_to_text: "Question {id}\nAnswer:"
choices: "{choices.text}"
gold: "{answer}"
`), "quiz.yaml")
	if err != nil {
		panic(err)
	}
	for range 2 {
		ran := 0
		s := &eval.Session{
			Model: &eval.Model{Checkpoint: checkpoint, Backend: be, Decoder: decoder},
			Name:  "tiny-opt", Dir: dir,
			Progress: func(_ *eval.Job, done int) { ran = done },
		}
		if err := s.Add(quiz.Task, eval.Data{Path: "../dataset/parquet/testdata/arc-zstd.parquet"}, nil); err != nil {
			panic(err)
		}
		scores, outcomes, err := s.Run(context.Background())
		if err != nil {
			panic(err)
		}
		written, err := scores.Write(dir, true)
		fmt.Println(ran, "requests,", len(written), "files,", err)
		for _, m := range outcomes[0].Metrics {
			fmt.Printf("%s %.2f ± %.2f\n", m.Name, m.Value, m.Stderr)
		}
	}
	// Output:
	// 4 requests, 2 files, <nil>
	// acc 0.50 ± 0.50
	// acc_norm 0.50 ± 0.50
	// 0 requests, 2 files, <nil>
	// acc 0.50 ± 0.50
	// acc_norm 0.50 ± 0.50
}
