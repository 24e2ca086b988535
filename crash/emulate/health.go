package emulate

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"lamina/kernels"
	"lamina/transformer"
)

// Health sets the loss of an emulator before training, on some text, beside the full
// model's on the same and beside chance's, ln V of a vocabulary of V: in nats a token. An
// emulator that is nearer to chance than to its model teaches its trained blocks to
// repair it, and not the task.
type Health struct {
	Emulator float64 `json:"emulator_loss"`
	Full     float64 `json:"full_loss,omitempty"` // 0: not known
	// Elsewhere is the full model's loss on another text, which stands in for Full where
	// that is not known: at the data owner's, who has no full model.
	Elsewhere float64 `json:"full_loss_elsewhere,omitempty"`
	Chance    float64 `json:"chance_loss"`
}

// NewHealth returns the health for losses of a decoder with V tokens; full is 0 if it is
// not known.
func NewHealth(c transformer.Config, emulator, full float64) Health {
	return Health{Emulator: emulator, Full: full, Chance: math.Log(float64(c.Vocab))}
}

// nearChance is the share of chance's loss from which on a full model knows too little of
// a text for that to judge an emulator by.
const nearChance = 0.9

// Tells reports whether the text says anything: a full model that is at chance itself
// does not know it.
func (h Health) Tells() bool { return h.full() < nearChance*h.Chance }

// full returns the full model's loss as far as it is known.
func (h Health) full() float64 { return cmp.Or(h.Full, h.Elsewhere) }

// Broken reports whether the emulator's loss lies above half way between the full
// model's and chance's. Where the full model's is not known it is taken for 0.
func (h Health) Broken() bool {
	return h.Tells() && !(h.Emulator <= (h.full()+h.Chance)/2) // a NaN is broken
}

// String tells the numbers, in nats a token.
func (h Health) String() string {
	full := ""
	switch {
	case h.Full > 0:
		full = fmt.Sprintf(", the full model's %.2f", h.Full)
	case h.Elsewhere > 0:
		full = fmt.Sprintf(", the full model's on its owner's text %.2f", h.Elsewhere)
	}
	return fmt.Sprintf("the emulator's loss is %.2f nats a token%s, chance's (ln V) %.2f", h.Emulator, full, h.Chance)
}

// Warning says in a line that the emulator is broken and what its owner can do, or is
// "".
func (h Health) Warning() string {
	if !h.Broken() {
		return ""
	}
	if h.full() == 0 && h.Emulator < h.Chance {
		return "this emulator may be broken: " + h.String() + ", more than half of that, and the full model's is not known here: its owner can tell, " +
			"and keep more layers, fill the removed places (--share all or frozen) or repair the gaps (--repair ghost)"
	}
	return "this emulator is broken: " + h.String() + ", and it is above half way to chance: its owner can keep more layers, " +
		"fill the removed places (--share all or frozen), repair the gaps (--repair ghost) or let lamina plan crash choose"
}

// Loss returns the mean of -log p over all tokens of some rows but the first of each, in
// nats. Rows of one token have none.
func Loss(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32) (float64, error) {
	var items []transformer.Continuation
	tokens := 0
	for _, row := range rows {
		if len(row) > 1 {
			items = append(items, transformer.Continuation{Context: row[:1], Target: row[1:]})
			tokens += len(row) - 1
		}
	}
	if tokens == 0 {
		return 0, fmt.Errorf("no row of two tokens or more to measure a loss on")
	}
	scores, err := d.Score(ctx, be, items, transformer.ScoreOptions{})
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, s := range scores {
		sum -= s.LogProb
	}
	if mean := sum / float64(tokens); !math.IsNaN(mean) && !math.IsInf(mean, 0) {
		return mean, nil
	}
	return 0, fmt.Errorf("the loss is %v: the model computes no numbers", sum)
}
