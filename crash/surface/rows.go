package surface

import (
	"context"
	"fmt"
	"math"

	"lamina/eval/task"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// Rows are documents that weights are measured on, as [lamina/eval] scores them.
type Rows struct {
	requests *task.Requests
	items    []transformer.Continuation
	answers  int // tokens of right answers, or of texts
}

// NewRows takes encoded documents. It is an error if nothing of them is scored: answers that
// are written have no loss.
func NewRows(r *task.Requests) (*Rows, error) {
	rows := &Rows{requests: r}
	for _, p := range r.Pairs {
		rows.items = append(rows.items, transformer.Continuation{Context: p.Context, Target: p.Target})
	}
	switch counts := r.AnswerTokens(); {
	case len(r.Items) == 0:
		return nil, fmt.Errorf("no documents to measure a loss on")
	case len(r.Pairs) == 0:
		return nil, fmt.Errorf("task %s writes its answers, which have no loss: take a task that scores them", r.Task.Name())
	case counts != nil:
		for _, n := range counts {
			rows.answers += n
		}
	default: // texts, of which every token is predicted
		for _, it := range rows.items {
			rows.answers += len(it.Target)
		}
	}
	if rows.answers == 0 {
		return nil, fmt.Errorf("the documents have no answer tokens to measure a loss on")
	}
	return rows, nil
}

// Documents returns how many there are.
func (r *Rows) Documents() int { return len(r.requests.Items) }

// Answers returns how many tokens the loss is the mean of.
func (r *Rows) Answers() int { return r.answers }

// Tokens returns how many tokens run through the decoder at each point.
func (r *Rows) Tokens() int { return r.requests.Tokens }

// Digest is that of what is asked.
func (r *Rows) Digest() string { return r.requests.Digest() }

// Measured is the loss of a decoder on rows.
type Measured struct {
	// Loss is -Σ log p(right answer)/Σ tokens of right answers, in nats a token; of texts
	// that of every token.
	Loss Number `json:"loss"`
	// Accuracy is the share of documents answered right, acc of the task's rules; null of
	// texts.
	Accuracy Number `json:"accuracy"`
}

// Measure scores a decoder. What overflows has no number.
func (r *Rows) Measure(ctx context.Context, be kernels.Backend, d *transformer.Decoder, kept *transformer.Kept, memory *tensor.Arena) (Measured, error) {
	none := Measured{Number(math.NaN()), Number(math.NaN())}
	scores, err := d.Score(ctx, be, r.items, transformer.ScoreOptions{Kept: kept, Arena: memory})
	if err != nil {
		return none, err
	}
	sum := 0.0
	rows := make([]task.Score, len(scores))
	for i, s := range scores {
		if math.IsNaN(s.LogProb) || math.IsInf(s.LogProb, 0) {
			return none, nil
		}
		rows[i] = task.Score(s)
		sum -= s.LogProb
	}
	result, err := r.requests.Result(rows, nil)
	if err != nil {
		return none, err
	}
	if losses := r.requests.AnswerLosses(result.Rows); losses != nil {
		sum = 0
		for _, l := range losses {
			sum += l
		}
	}
	m := Measured{Loss: Number(sum / float64(r.answers)), Accuracy: none.Accuracy}
	if acc, ok := result.Metric("acc"); ok {
		m.Accuracy = Number(acc.Value)
	}
	return m, nil
}
