// Package taskfile reads tasks of one's own from YAML: the keys of the task files
// of lm-evaluation-harness 0.4, as far as they hold no Python, so that many of its
// files work unchanged.
//
//	f, err := taskfile.Read("weather.yaml")
//	docs, err := f.Task.ReadFile("weather.jsonl")
//	items, err := f.Task.Items(docs, task.Setting{Shots: f.Shots})
//
// A file for multiple choice:
//
//	task: weather
//	output_type: multiple_choice
//	doc_to_text: "Question: {question}\nAnswer:"
//	choices: "{choices.text}"    # or doc_to_choice
//	gold: label                  # or doc_to_target
//
// doc_to_text, doc_to_choice and doc_to_target are each one of: the name of a field;
// a template of Jinja, "{{question}}" (see [lamina/internal/jinja]); or a text with
// fields in single braces, "{question}", where it has none of "{{", "{%" and "{#".
// In such a text a brace that begins no field's name stands for itself; a name in
// braces that is to stand for itself is written "{{ '{name}' }}". doc_to_choice may
// also be a list and doc_to_target a list or the index of a choice. The words of a
// row are turned into text as Python does it: a list prints as its repr, and a
// target that is all digits is an index where there are choices.
//
// A generated text goes through chains of filters, each of which is a score: take_first,
// majority_vote, remove_whitespace, lowercase, uppercase, map, regex and
// multi_choice_regex. exact_match may leave out case, punctuation, numbers and what
// regular expressions find. Examples may stand in the file (fewshot_config.samples). A file
// whose key "task" is a list is a group, see [ReadGroup].
//
// It runs no code: "!function" is refused, and so is any key whose meaning it does
// not carry out. It knows no data: where a file says which data set it is for,
// [File] passes that on.
//
// Of the 2,187 task files that lm-eval 0.4.8 brings and that have no Python, in them or in
// what they include, 2,063 are read. The others want a metric that is not known here
// (bleu, ter and chrf 92, f1 17, mcc 14) or several texts of one prompt (1). Of its 410
// group files 60 are read, for 329 list tasks with Python. Over made-up rows, which could
// be found for 1,899, prompts without and with examples are the harness's byte by byte,
// and so are metrics, but where rows of a kind that nobody means are refused (20); see
// testdata/gen_all.py.
//
// Invariants: what a file or a row lacks is an error with its line; two calls with
// the same arguments give the same result.
package taskfile
