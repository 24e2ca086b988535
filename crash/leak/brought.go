package leak

import (
	"context"

	"lamina/crash/train"
	"lamina/kernels"
	"lamina/transformer"
)

// Brought measures what weights that were trained in one house give away of the rows that
// trained them.
type Brought struct {
	Backend  kernels.Backend
	Base     *transformer.Decoder // before training
	Audited  Audited
	Shadows  *Shadows        // nil: no LiRA
	Complete CompleteOptions // of completions; none where its Rows are negative

	// Plug returns the trained model. It is called when nothing more is asked of Base, whose
	// weights it may change.
	Plug     func() (*transformer.Decoder, error)
	Progress func(what string, done, total int) // may be nil
}

// Table measures it all: what the untrained model says, then the shadows, then the trained
// one.
func (b Brought) Table(ctx context.Context) (t Table, err error) {
	if err := b.Audited.Validate(); err != nil {
		return t, err
	}
	var public []train.Sequence
	if b.Shadows != nil {
		public = b.Shadows.Public
	}
	for _, doubt := range b.Audited.Doubts(public) {
		t.note("%s", doubt)
	}
	base, err := b.losses(ctx, "losses of the untrained model", b.Base)
	if err != nil {
		return t, err
	}
	var baseCompleted, completed, others []Completed
	if baseCompleted, err = b.complete(ctx, "completions of the untrained model", b.Base, true); err != nil {
		return t, err
	}
	var shadows []Shadow
	if s := b.Shadows; s != nil {
		s.Progress = func(step, steps int) { b.tell("training shadows", step, steps) }
		if shadows, err = s.Train(ctx); err != nil {
			return t, err
		}
	}
	trained, err := b.Plug()
	if err != nil {
		return t, err
	}
	tuned, err := b.losses(ctx, "losses of the trained model", trained)
	if err != nil {
		return t, err
	}
	if completed, err = b.complete(ctx, "completions of the trained model", trained, true); err != nil {
		return t, err
	}
	if others, err = b.complete(ctx, "its completions of others", trained, false); err != nil {
		return t, err
	}
	t.Add(Membership(b.Audited, tuned, base))
	if b.Shadows != nil {
		lira, err := MembershipLiRA(b.Audited, b.Shadows.How, tuned, shadows)
		if err != nil {
			return t, err
		}
		t.Add(lira)
	}
	if b.Complete.Rows >= 0 {
		t.Add(Completion(completed, baseCompleted, others))
	}
	return t, nil
}

func (b Brought) losses(ctx context.Context, what string, d *transformer.Decoder) ([]float64, error) {
	n := len(b.Audited.Members) + len(b.Audited.Others)
	return Observe(ctx, b.Backend, d, b.Audited, func(done int) { b.tell(what, done, n) })
}

func (b Brought) complete(ctx context.Context, what string, d *transformer.Decoder, members bool) ([]Completed, error) {
	rows := b.Audited.Others
	if members {
		rows = b.Audited.Members
	}
	if b.Complete.Rows < 0 {
		return nil, nil
	}
	n := len(rows)
	if b.Complete.Rows > 0 {
		n = min(n, b.Complete.Rows)
	}
	return Complete(ctx, b.Backend, d, rows, b.Complete, func(done int) { b.tell(what, done, n) })
}

func (b Brought) tell(what string, done, total int) {
	if b.Progress != nil {
		b.Progress(what, done, total)
	}
}
