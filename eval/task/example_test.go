package task_test

import (
	"fmt"
	"strings"

	"lamina/eval/task"
	"lamina/record"
)

// letters is a tokenizer with one token per byte.
type letters struct{}

func (letters) BOS() (int32, bool) { return 1, true }
func (letters) EOS() (int32, bool) { return 2, true }
func (letters) Encode(text string, addSpecial bool) (ids []int32) {
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids
}

func Example() {
	file := `{"query":"Question: What falls?","choices":["rain","hills"],"gold":0}`
	arc, _ := task.Named("arc_easy")
	docs, err := arc.Read(strings.NewReader(file), "weather.jsonl")
	if err != nil {
		fmt.Println(err)
		return
	}
	items, _ := arc.Items(docs, task.Setting{Rules: task.Rules04})
	fmt.Printf("%q\n", items[0].Requests[0])
	pairs, _ := task.Encode(items[0], letters{}, task.Rules04, 16)
	fmt.Println(len(pairs[0].Context), "tokens of context,", pairs[0].Cut, "cut; target", pairs[0].Target)
	rows := [][]task.Score{{{LogProb: -3.2}, {LogProb: -4.1}}} // from a model
	result, _ := task.Evaluate("arc_easy", task.Rules04, items, rows)
	acc, _ := result.Metric("acc")
	fmt.Println("acc", acc.Value)
	// Output:
	// {"Question: What falls?\nAnswer:" " rain"}
	// 12 tokens of context, 17 cut; target [32 114 97 105 110]
	// acc 1
}

// A task with an example before each document, as one model's requests.
func ExampleEncodeAll() {
	row := func(question, right string) string {
		return `{"question":"` + question + `","choices":{"text":["rain","hills"],"label":["A","B"]},"answerKey":"` + right + `"}`
	}
	arc, _ := task.Named("arc_easy")
	train, _ := arc.Read(strings.NewReader(row("What stands?", "B")), "train.jsonl")
	test, err := arc.Read(strings.NewReader(row("What falls?", "A")), "test.jsonl")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := task.EncodeAll(arc, test, letters{}, task.Setting{Shots: 1, Pool: train}, 2048)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Items[0].Requests[0].Context)
	fmt.Println(len(r.Pairs), "pairs")
	result, _ := r.Result([]task.Score{{LogProb: -3.2}, {LogProb: -4.1}}, nil) // from a model
	for _, m := range result.Metrics {
		fmt.Println(m.Name, m.Value)
	}
	// Output:
	// Question: What stands?
	// Answer: hills
	//
	// Question: What falls?
	// Answer:
	// 2 pairs
	// acc 1
	// acc_norm 1
}

// A task of one's own: rows become documents in a function.
func ExampleNew() {
	sums := task.New(task.Definition{Name: "sums", Delimiter: " ", Document: func(r record.Record) (task.Document, error) {
		sum, err := r.Text("sum")
		if err != nil {
			return task.Document{}, err
		}
		answer, err := r.Text("answer")
		return task.Document{Shape: task.Continuation, Query: sum + " =", Continuation: answer}, err
	}})
	docs, err := sums.Read(strings.NewReader(`{"sum":"2 + 2","answer":"4"}`+"\n"+`{"sum":"3 + 3"}`), "sums.jsonl")
	fmt.Println(len(docs), err)
	docs, _ = sums.Read(strings.NewReader(`{"sum":"2 + 2","answer":"4"}`), "sums.jsonl")
	item, _ := sums.Item(docs[0], task.Rules04)
	fmt.Printf("%q\n", item.Requests[0])
	// Output:
	// 0 sums.jsonl:2 (byte 29): field "answer": is missing
	// {"2 + 2 =" " 4"}
}

func ExampleRead() {
	_, err := task.Read(strings.NewReader(`{"query":"q","choices":["a","b","c","d"],"gold":5}`+"\n"), "train.jsonl")
	fmt.Println(err)
	// Output: train.jsonl:1: field "gold": 5 out of range (4 choices)
}

func ExampleSplit() {
	s, _ := task.Split(20, 42, true, true)
	fmt.Println(len(s.Train), s.Valid, s.Support)
	// Output: 16 [2 19] [9 12]
}
