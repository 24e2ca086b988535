package task_test

import (
	"fmt"
	"strings"

	"lamina/crash/task"
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
