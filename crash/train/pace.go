package train

import (
	"context"
	"fmt"
	"time"

	"lamina/autograd"
	"lamina/kernels/replay"
	"lamina/nn"
	"lamina/nn/optim"
)

// Pace is how fast runs of a trainer would be on a device.
type Pace struct {
	Tokens  int     `json:"tokens"`          // of a step
	Step    float64 `json:"step_seconds"`    // of training
	Forward float64 `json:"forward_seconds"` // of the loss of as many tokens, without training
}

// PaceTime is how long the calls of a step are measured where nobody says otherwise.
const PaceTime = 1500 * time.Millisecond

// Pace predicts how fast the trainer would be on a device: the calls of a step are counted
// in a pass on nothing, and one of each kind is made there. The trainer has an objective
// whose examples are alike, such as [Blank]; no weight is read.
func (t *Trainer) Pace(ctx context.Context, on replay.Meter) (Pace, error) {
	if err := t.check(); err != nil {
		return Pace{}, err
	}
	ids := make([]int, min(t.Train.Len(), t.Settings.passSize()))
	for i := range ids {
		ids[i] = i
	}
	r := replay.NewRecorder()
	trained, err := nn.Trainable(r, t.Params)
	if err != nil {
		return Pace{}, err
	}
	defer trained.Close()
	record := func(run func() error) (replay.Work, error) {
		r.Reset()
		err := run()
		return r.Work(), err
	}
	step, err := record(func() error { return t.accumulate(autograd.NewTrainingPass(r), ids, 1, &tally{}) })
	if err != nil {
		return Pace{}, err
	}
	opt, err := optim.NewAdamW(r, trained, optim.Config{LR: 1, Clip: 1})
	if err != nil {
		return Pace{}, err
	}
	defer opt.Close()
	update, _ := record(func() error { opt.Step(1); return nil })
	trained.Freeze()
	forward, err := record(func() error {
		_, err := t.Train.Loss(autograd.NewPass(r), ids)
		return err
	})
	if err != nil {
		return Pace{}, err
	}
	seconds, err := on.Seconds(ctx, step, update, forward)
	if err != nil {
		return Pace{}, err
	}
	tokens, _ := t.Train.Size(ids)
	passes := float64(max(t.Settings.Batch, len(ids))) / float64(len(ids))
	return Pace{int(passes * float64(tokens)), passes*seconds[0] + seconds[1], passes * seconds[2]}, nil
}

// Lines show it to people, each as a word and what it says.
func (p Pace) Lines() [][2]string {
	rate := func(seconds float64) string {
		return fmt.Sprintf("%.3g s (%.0f tokens/s)", seconds, float64(p.Tokens)/seconds)
	}
	return [][2]string{{"time", fmt.Sprintf("a step of %d tokens about %s, their loss alone %s: from the calls of each kind, one of which was measured here", p.Tokens, rate(p.Step), rate(p.Forward))}}
}
