// Package task turns files of documents into what a decoder scores and learns
// from, and scores back into accuracy and perplexity, as EleutherAI's
// lm-evaluation-harness does.
//
//	arc, err := task.Named("arc_easy")
//	docs, err := arc.ReadFile("arc_easy.jsonl")
//	setting := task.Setting{Rules: task.Rules04, Shots: 5, Pool: train}
//	requests, err := task.EncodeAll(arc, docs, tokenizer, setting, maxLength)
//	// … run the model: one Score for each of requests.Pairs …
//	result, err := requests.Result(scores, nil)
//
// It knows no model: a tokenizer comes in as an [Encoder], and log-probabilities
// as [Score] values. It reads files strictly; what is wrong with one is said with
// its name and line.
//
// Invariants: documents, items and rows keep the order of their file; a target
// is never cut; two calls with the same arguments give the same result.
package task
