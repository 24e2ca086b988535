package study

import (
	"context"
	"fmt"
	"math"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/internal/units"
	"lamina/nn"
)

// Proposal is a plan that a method chose, and what was made of it.
type Proposal struct {
	plan.File
	Method  plan.Method
	Request plan.Request // with what was measured; Keep as it came out
	Choice  plan.Choice
	Shape   plan.Shape // as it was asked for, the rest as the method wants it
	Left    []plan.Gap // that the repair could not fill
}

// Missing is the error of a measurement that a method reads where there are no texts to make
// it on.
type Missing struct {
	Method string
	Need   plan.Need
}

func (e *Missing) Error() string {
	return fmt.Sprintf("method %s: no support text to measure the %s on", e.Method, e.Need)
}

// Plan chooses by a method and makes of its plan what is asked for, and where nothing is
// asked what the method wants. With a budget other than 0 it keeps as many layers as it can
// where the emulator is to hold no more than that share of the model's numbers, embeddings,
// head and maps in gaps included; the request says how many train. Each size is tried from
// the top down, but for those that hold too much without anything in their gaps, and what
// the method measures is measured once. It is an error, with the least budget that does,
// where even the trained layers alone are too much, and a [*Missing] where there is nothing
// to measure on.
func (c *Chooser) Plan(ctx context.Context, m plan.Method, q plan.Request, asked plan.Shape, budget float64) (Proposal, error) {
	if budget == 0 {
		return c.plan(ctx, m, &q, asked)
	}
	q.Keep = q.Layers
	if _, err := q.CostOf(m); err != nil { // which looks at the rest of the request
		return Proposal{}, err
	}
	whole := float64(nn.Count(c.Full.Params()))
	least := math.Inf(1)
	for ; q.Keep >= q.Trainable; q.Keep-- {
		if n, err := c.held(c.bare(m, q, asked)); err != nil {
			return Proposal{}, err
		} else if float64(n)/whole > budget && q.Keep > q.Trainable {
			continue
		}
		p, err := c.plan(ctx, m, &q, asked)
		if err != nil {
			return p, err
		}
		n, err := c.held(p.Plan)
		if err != nil || float64(n)/whole <= budget {
			return p, err
		}
		least = min(least, float64(n)/whole)
	}
	return Proposal{}, fmt.Errorf("a budget of %g of the model's %s numbers: embeddings, head, %d trained layers and what fills the gaps take %.4f of them at the least: give that or more (--budget %.4f), or train fewer layers (--trainable)",
		budget, units.Count(int(whole)), q.Trainable, roundedUp(least), roundedUp(least))
}

// roundedUp is a share with four digits behind the point, and no less than it was.
func roundedUp(share float64) float64 { return math.Ceil(share*1e4) / 1e4 }

// plan chooses for one size.
func (c *Chooser) plan(ctx context.Context, m plan.Method, q *plan.Request, asked plan.Shape) (p Proposal, err error) {
	for _, need := range q.Needed(m) {
		if len(c.Support.Rows) == 0 && !q.Has(need) {
			return p, &Missing{m.Name, need}
		}
	}
	p.Method, p.Shape = m, asked
	if a, ok := m.Advice(*q); ok {
		p.Shape = asked.Or(a.Shape)
	}
	if p.Choice, err = c.choose(ctx, m, q); err != nil {
		return p, err
	}
	p.Request = *q
	p.File, p.Left, err = p.Choice.File(m, *q, p.Shape)
	return p, err
}

// bare returns a plan of as many layers, smaller as they are to be, with nothing in its gaps:
// no plan of the size holds less, for all blocks of a model are of one size.
func (c *Chooser) bare(m plan.Method, q plan.Request, asked plan.Shape) plan.Plan {
	if a, ok := m.Advice(q); ok {
		asked = asked.Or(a.Shape)
	}
	p := plan.Identity(q.Layers, nil)[:q.Keep]
	for place := range q.Trainable {
		p[place].Trainable = true
	}
	if asked.Compress == (plan.Transform{}) {
		return p
	}
	return p.Transformed(asked.Compress)
}

// held returns how many numbers the emulator of a plan has.
func (c *Chooser) held(p plan.Plan) (int, error) {
	e, err := emulate.OutlineOf(c.Full, p)
	if err != nil {
		return 0, err
	}
	return e.HeldParams(), nil
}

// Lines tell who asked for no method in particular what came out and what is to be done
// next, a line each: what was chosen, why, what of the model is handed out, and how training
// comes back. nil of a method that stands for itself.
func (p Proposal) Lines(cost *emulate.Cost) []string {
	a, ok := p.Method.Advice(p.Request)
	if !ok {
		return nil
	}
	lines := a.Lines(p.Request, p.Shape)
	if cost != nil {
		e, f := cost.Emulator.Weights, cost.Full.Weights
		lines = append(lines, fmt.Sprintf("handed out: %.1f%% of the model's numbers (%s of %s), what stands in gaps among them", 100*float64(e)/float64(f), units.Count(e), units.Count(f)))
	}
	return append(lines, fmt.Sprintf("next: lamina emulate, and where the data is lamina finetune --return %s", a.Return))
}
