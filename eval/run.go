package eval

import (
	"context"
	"fmt"
	"slices"

	"lamina/eval/task"
	"lamina/kernels"
	"lamina/transformer"
)

// Run runs requests through a decoder and evaluates them: pairs are scored,
// prompts continued greedily.
func Run(ctx context.Context, be kernels.Backend, d *transformer.Decoder, r *task.Requests, progress func(done, total int)) (task.Result, error) {
	items := make([]transformer.Continuation, len(r.Pairs))
	for i, pair := range r.Pairs {
		items[i] = transformer.Continuation{Context: pair.Context, Target: pair.Target}
	}
	scores, err := d.Score(ctx, be, items, transformer.ScoreOptions{Progress: progress})
	if err != nil {
		return task.Result{}, err
	}
	rows := make([]task.Score, len(scores))
	for i, s := range scores {
		rows[i] = task.Score(s)
	}
	texts, err := generate(ctx, be, d, r, progress)
	if err != nil {
		return task.Result{}, err
	}
	return r.Result(rows, texts)
}

// SetAnswers gives requests that ask for texts the model's own settings for generating
// them, which lm-evaluation-harness applies through transformers: rules for logits, and
// a length of answers that counts before the task's. It returns a warning of what is not
// applied, "" for none.
func (m *Model) SetAnswers(r *task.Requests) (warning string, err error) {
	if len(r.Prompts) == 0 {
		return "", nil
	}
	said, err := m.Generation()
	if err != nil {
		return "", err
	}
	r.Logits = said.Rules
	for i := range r.Prompts {
		p := &r.Prompts[i]
		if said.MaxNewTokens > 0 {
			p.MaxTokens = min(said.MaxNewTokens, m.Config.MaxPositions-len(p.IDs))
		}
	}
	return said.Warning, nil
}

// generate continues prompts until each says that it has enough; nil for none.
func generate(ctx context.Context, be kernels.Backend, d *transformer.Decoder, r *task.Requests, progress func(done, total int)) ([]string, error) {
	var texts []string
	for i, p := range r.Prompts {
		var ids []int32
		var text string
		err := d.Generate(ctx, be, p.IDs, p.MaxTokens, transformer.Sampling{Rules: r.Logits}, func(id int32) bool {
			// The token that ends an answer is part of it: a special one has no text.
			ids = append(ids, id)
			var done bool
			text, done = p.Text(ids)
			return !done && !slices.Contains(p.Stop, id)
		})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("answer to document %d: %w", i+1, err)
		}
		texts = append(texts, text)
		if progress != nil {
			progress(i+1, len(r.Prompts))
		}
	}
	return texts, nil
}
