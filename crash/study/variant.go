package study

import (
	"context"
	"fmt"
	"time"

	"lamina/crash/emulate"
	"lamina/crash/plan"
)

// variant is one row before it is run: a recipe, or a draw of it, with its plan.
type variant struct {
	Recipe
	row      string
	plan     plan.Plan
	clusters [][]int
}

// variants lists the rows with their plans, and measures first what their methods
// need.
func (p *Protocol) variants(ctx context.Context) ([]variant, error) {
	if p.resolved != nil {
		return p.resolved, nil
	}
	c := &Chooser{Backend: p.Backend, Full: p.Full, Support: p.Support, Vectors: p.Vectors, Similarity: p.Similarity, Watch: p.Watch, Samples: p.Samples}
	var doubt string
	c.answers, doubt = openAnswers(p.Dir)
	p.warn(doubt)
	for _, r := range p.rows() {
		for i, name := range r.rowNames() {
			v, err := p.variant(ctx, c, r, i)
			if err != nil {
				return nil, fmt.Errorf("row %s: %w", name, err)
			}
			v.row = name
			p.resolved = append(p.resolved, v)
		}
	}
	return p.resolved, nil
}

// variant returns a draw of a recipe. Draws are apart in the upper half of the seed.
func (p *Protocol) variant(ctx context.Context, c *Chooser, r Recipe, draw int) (v variant, err error) {
	q := p.request(r)
	q.Seed += uint64(draw) << 32
	v = variant{Recipe: r, plan: plan.Identity(q.Layers, nil)}
	switch {
	case r.Plan != nil:
		v.plan = r.Plan
	case r.Method.Choose != nil:
		chosen, err := p.choose(ctx, c, r.Method, q)
		if err != nil {
			return v, err
		}
		v.plan, v.clusters = chosen.Plan, chosen.Clusters
	}
	if r.Restored || r.FullDepth {
		v.plan = plan.Identity(q.Layers, v.plan.Trainable())
	}
	if r.changes() {
		err = p.change(&v)
	}
	return v, err
}

// change makes of the chosen plan what the recipe says.
func (p *Protocol) change(v *variant) error {
	t, err := p.transform(v.Recipe)
	if err != nil {
		return err
	}
	shaped, left, err := plan.Shape{Share: v.Sharing, Repair: v.Repair, Compress: t}.Of(v.plan, len(p.Full.Blocks))
	if err != nil {
		return err
	}
	if v.plan = shaped; left != nil {
		p.warn(fmt.Sprintf("row %s: the gaps of layers %s stay as they are: %s needs a frozen block below", v.Name, plan.GapsText(left), v.Repair))
	}
	return nil
}

// transform returns how a recipe makes layers smaller, with its amount.
func (p *Protocol) transform(r Recipe) (t plan.Transform, err error) {
	t = r.Compress
	if r.FullDepth && t.Amount == 0 {
		t.Amount, err = emulate.EqualShare(p.Full.Config, p.kept(r), p.Trainable, t.Name)
	}
	return t, err
}

// build makes what a row runs and trains, before training, or opens it where it was made beforehand: what is fitted in it is fitted
// to the first support texts, and comes to the same bits at each call. It says in the row
// what came out.
func (p *Protocol) build(ctx context.Context, r *Row, v variant) (*emulate.Emulator, error) {
	if v.Trains == Everything {
		return emulate.Whole(p.Full), nil
	}
	begin := time.Now()
	if v.Ready.Dir != "" {
		e, err := p.openReady(v.Recipe)
		if err == nil {
			r.BuildSeconds, r.Fits = time.Since(begin).Seconds(), e.Fits
		}
		return e, err
	}
	e, fits, err := emulate.Fit(ctx, p.Backend, p.Full, v.plan, p.Support.few().Rows, emulate.FitOptions{Progress: func(done, total int) {
		p.tell(Event{Row: v.row, Phase: "build", Done: done, Total: total})
	}})
	if err != nil {
		return nil, err
	}
	r.BuildSeconds = time.Since(begin).Seconds()
	if r.Fits = fits; e.Plan.String() != v.plan.String() {
		r.Built = e.Plan
	}
	return e, nil
}
