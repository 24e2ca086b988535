package taskfile

import (
	"slices"
	"strconv"
)

// outputs are the values of output_type.
var outputs = []string{"multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until"}

// aliases are our own names of keys.
var aliases = map[string]string{"choices": "doc_to_choice", "gold": "doc_to_target"}

// known are the keys that a file may have: those that are read, then those that
// change nothing here.
var known = []string{
	"task", "task_alias", "output_type", "doc_to_text", "doc_to_choice", "doc_to_target", "target_delimiter", "fewshot_delimiter",
	"description", "num_fewshot", "generation_kwargs", "metric_list", "filter_list", "metadata", "repeats", "fewshot_config", "gen_prefix",
	"dataset_path", "dataset_name", "training_split", "validation_split", "test_split", "fewshot_split",
	"tag", "group", "group_alias", "dataset_kwargs", "should_decontaminate", "doc_to_decontamination_query",
}

// refusals are keys of the harness that would change what is scored, with what to
// do instead.
var refusals = map[string]string{
	"process_docs":          "rows are used as they are: prepare them beforehand",
	"process_results":       "answers are scored by metric_list alone",
	"doc_to_image":          "there are no images here",
	"doc_to_audio":          "there is no sound here",
	"use_prompt":            "write the prompt as doc_to_text",
	"class":                 "Python code is not run",
	"custom_dataset":        "Python code is not run",
	"unsafe_code":           "code that a model writes is not run",
	"aggregate_metric_list": "a file is one task here, no group",
}

// nearest returns the key that differs least from one that is not known.
func nearest(key string) string {
	best, least := "", -1
	all := slices.Concat(known, []string{"choices", "gold", "include"})
	for _, k := range all {
		if d := distance(key, k); least < 0 || d < least {
			best, least = k, d
		}
	}
	return strconv.Quote(best)
}

// distance is Levenshtein's: how many bytes to change, add or take out.
func distance(a, b string) int {
	a = a[:min(len(a), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		last := row[0]
		row[0] = i + 1
		for j := range b {
			next := last
			if a[i] != b[j] {
				next = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
