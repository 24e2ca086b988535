package outside_test

import (
	"context"
	"fmt"
	"os"

	"lamina/eval"
	"lamina/eval/taskfile"
	"lamina/hub"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// quiz is a task of our own, in the form that lm-evaluation-harness has for them.
const quiz = `
task: quiz
output_type: multiple_choice
test_split: test
doc_to_text: "Question {id}\nAnswer:"
choices: "{choices.text}"
gold: "{answer}"
`

// Example_scores scores a model on a Parquet file and keeps what is finished: the
// second session on the same directory takes the scores from there. A name such as
// "allenai/ai2_arc" in place of the path is looked up in the hub's cache, and
// fetched if it is not there.
func Example_scores() {
	dir, err := os.MkdirTemp("", "scores")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	client, err := hub.FromEnv(os.Getenv)
	if err != nil {
		panic(err)
	}
	checkpoint, err := transformer.Open("../../eval/task/testdata/lmeval/opt")
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
	own, err := taskfile.Parse([]byte(quiz), "quiz.yaml")
	if err != nil {
		panic(err)
	}
	for range 2 {
		requests := 0
		s := &eval.Session{
			Model: &eval.Model{Checkpoint: checkpoint, Backend: be, Decoder: decoder}, Name: "tiny-opt", Dir: dir,
			Progress: func(_ *eval.Job, done int) { requests = done },
		}
		data := eval.Data{Path: "../../dataset/parquet/testdata/arc-zstd.parquet", Locate: client.Locator(ctx, hub.Dataset, hub.DatasetFiles)}
		if err := s.Add(own.Task, data, nil); err != nil {
			panic(err)
		}
		_, outcomes, err := s.Run(ctx)
		if err != nil {
			panic(err)
		}
		m := outcomes[0].Metrics[0]
		fmt.Printf("%s %.2f ± %.2f after %d requests\n", m.Name, m.Value, m.Stderr, requests)
	}
	// Output:
	// acc 0.50 ± 0.50 after 4 requests
	// acc 0.50 ± 0.50 after 0 requests
}
