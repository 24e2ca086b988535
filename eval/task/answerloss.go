package task

import "fmt"

// AnswerTokens returns how many tokens of each document are its right answers: of the gold
// choice, of all answers where several are right, of the continuation. It is nil where
// nothing is right or wrong (Text), or an answer is written rather than scored (Generation).
func (r *Requests) AnswerTokens() []int {
	tokens := make([]int, len(r.Items))
	at := 0
	for i := range r.Items {
		item := &r.Items[i]
		if item.Shape == Text || item.Shape == Generation {
			return nil
		}
		for k, pair := range r.Pairs[at : at+r.Counts[i]] {
			if item.right(k) {
				tokens[i] += len(pair.Target)
			}
		}
		at += r.Counts[i]
	}
	return tokens
}

// AnswerLosses returns -log p of the right answers of each document, in nats, from rows of
// scores as [Evaluate] takes them; nil where [Requests.AnswerTokens] is. The answer loss of
// a model is Σ losses / Σ tokens. It panics unless there is one row per item.
func (r *Requests) AnswerLosses(rows [][]Score) []float64 {
	if len(rows) != len(r.Items) {
		panic(fmt.Sprintf("task: AnswerLosses: %d items and %d rows", len(r.Items), len(rows)))
	}
	losses := make([]float64, len(rows))
	for i, row := range rows {
		item := &r.Items[i]
		if item.Shape == Text || item.Shape == Generation {
			return nil
		}
		for k, s := range row {
			if item.right(k) {
				losses[i] -= s.LogProb
			}
		}
	}
	return losses
}

// right reports whether the continuation is a right answer.
func (item *Item) right(k int) bool {
	return item.Shape != Choice && item.Shape != ContextChoice || k == item.Gold
}

// ByChance returns the accuracy of a guess: the mean of one in as many as there are
// choices; 0 of documents without choices.
func (r *Requests) ByChance() float64 {
	sum := 0.0
	for i := range r.Items {
		if s := r.Items[i].Shape; s == Choice || s == ContextChoice {
			sum += 1 / float64(len(r.Items[i].Requests))
		}
	}
	return sum / float64(max(len(r.Items), 1))
}
