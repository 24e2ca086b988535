// Package task turns files of documents into what a decoder scores and learns
// from, and scores back into accuracy and perplexity, as EleutherAI's
// lm-evaluation-harness does.
//
//	docs, err := task.ReadFile("arc_easy.jsonl")
//	arc, err := task.Named("arc_easy")
//	item, err := arc.Item(docs[0])
//	pairs, err := task.Encode(item, tokenizer, task.Rules04, maxLength)
//	// … run the model: one Score per pair …
//	result, err := task.Evaluate("arc_easy", task.Rules04, items, rows)
//
// It knows no model: a tokenizer comes in as an [Encoder], and log-probabilities
// as [Score] values. It reads files strictly; what is wrong with one is said with
// its name and line.
//
// Invariants: documents, items and rows keep the order of their file; a target
// is never cut; two calls with the same arguments give the same result.
package task
