package study

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/transformer"
)

// Chooser chooses layers of a model by any method: it measures what the method reads on
// support texts.
type Chooser struct {
	Backend kernels.Backend
	Full    *transformer.Decoder
	Support Support
	Vectors measure.Vectors // of similarities
	// Samples is over how many texts the model is run again and again; 0: SupportTexts, which
	// are the most.
	Samples int

	// Similarity is asked for that of the full model; nil: it is measured.
	Similarity func(ctx context.Context) (measure.Similarity, error)
	// Watch is told what goes on; may be nil.
	Watch func(Event)

	answers   *answers // to questions that were asked before; may be nil
	gradients *measure.Gradients
	asked     int // questions of the method that chooses
	questions int // of it at the most
	phase     string
}

// Support are the texts that plans are made from.
type Support struct {
	Rows    [][]int32                  // whole
	Answers []transformer.Continuation // what is scored of them, after what
}

// SupportTexts is how many texts are used at the most where the model runs over them again and again:
// as many as SLEB and GradOT's Gram form take.
const SupportTexts = exchange.SupportDocuments

// NewSupport encodes documents.
func NewSupport(m *eval.Model, t task.Task, docs []task.Document, length int, overlong task.Overlong) (s Support, err error) {
	if s.Rows, err = m.Rows(t, docs, length, overlong); err != nil {
		return s, err
	}
	pairs, _, err := m.Examples(t, docs, task.FormatScoring, length, overlong)
	for _, p := range pairs {
		s.Answers = append(s.Answers, transformer.Continuation{Context: p.Context, Target: p.Target})
	}
	return s, err
}

// BringSimilarity reads what lamina similarity wrote into a request, which then knows how
// many layers there are, and says in lines what makes it doubtful for a method.
func BringSimilarity(path string, m plan.Method, q *plan.Request) (doubts []string, err error) {
	s, err := measure.Read(path)
	if err != nil {
		return nil, err
	}
	near := plan.Adjacent(s.Matrix)
	q.Similarity, q.Layers = s.Matrix, len(s.Matrix)-1
	m = m.As(*q)
	add := func(doubt string) {
		if doubt != "" {
			doubts = append(doubts, path+": "+doubt)
		}
	}
	if m.Reads(plan.NeedSimilarity) {
		add(s.Doubt())
		add(s.MassiveDoubt())
	}
	if len(doubts) == 0 && len(near) > 1 && slices.Max(near) == slices.Min(near) {
		add(fmt.Sprintf("all neighbours are equally alike (%g): the plan follows from the order of the layers alone", near[0]))
	}
	return doubts, nil
}

// few returns the first texts alone.
func (s Support) few() Support {
	return Support{s.Rows[:min(len(s.Rows), SupportTexts)], s.Answers[:min(len(s.Answers), SupportTexts)]}
}

// few returns those that the model is run over again and again.
func (c *Chooser) few() Support {
	s := c.Support.few()
	if n := c.Samples; n > 0 {
		s.Rows, s.Answers = s.Rows[:min(len(s.Rows), n)], s.Answers[:min(len(s.Answers), n)]
	}
	return s
}

// measurements bring what methods of choosing need.
var measurements = []struct {
	need    plan.Need
	measure func(context.Context, *Chooser, *plan.Request) error
}{
	{plan.NeedSimilarity, func(ctx context.Context, c *Chooser, q *plan.Request) error {
		s, err := c.similarity(ctx)
		q.Similarity = s.Matrix
		return err
	}},
	{plan.NeedDirections, func(ctx context.Context, c *Chooser, q *plan.Request) error {
		d, err := measure.LayerDirections(ctx, c.Backend, c.Full, c.Support.Rows, c.count("directions"))
		q.Cosine, q.Angle = d.Cosine, d.Angle
		return err
	}},
	{plan.NeedGains, func(ctx context.Context, c *Chooser, q *plan.Request) (err error) {
		q.Gains, err = c.gradient().Gains(ctx, plan.GainGroup, c.count("gains"))
		return err
	}},
	{plan.NeedTextLoss, func(ctx context.Context, c *Chooser, q *plan.Request) error {
		items := measure.Texts(c.few().Rows)
		q.TextLoss = c.loss(ctx, plan.NeedTextLoss, items)
		return wantTexts(len(items), "of two tokens or more")
	}},
	{plan.NeedAnswerLoss, func(ctx context.Context, c *Chooser, q *plan.Request) error {
		items := c.few().Answers
		q.AnswerLoss = c.loss(ctx, plan.NeedAnswerLoss, items)
		return wantTexts(len(items), "with an answer")
	}},
	{plan.NeedNeighbours, func(ctx context.Context, c *Chooser, q *plan.Request) error {
		rows := c.few().Rows
		c.warn(measure.Doubt(rows))
		q.Neighbours = func(kept []int) ([]float64, error) {
			return asked(c, func() ([]float64, error) {
				return measure.Neighbours(ctx, c.Backend, measure.Keeping(c.Full, kept), rows, c.Vectors)
			})
		}
		return nil
	}},
	{plan.NeedGradient, func(ctx context.Context, c *Chooser, q *plan.Request) error {
		q.GradientCosine = func(kept, trained []int) (float64, error) {
			return asked(c, func() (float64, error) {
				return c.answers.recall(question(plan.NeedGradient, kept, trained), func() (float64, error) {
					return c.gradient().Cosine(ctx, kept, trained)
				})
			})
		}
		return wantTexts(len(c.Support.Answers), "with an answer")
	}},
	{plan.NeedGram, func(ctx context.Context, c *Chooser, q *plan.Request) error {
		q.Gram = func(kept, trained []int) (plan.Gram, error) {
			return asked(c, func() (plan.Gram, error) { return c.gradient().Gram(ctx, kept, trained) })
		}
		return wantTexts(len(c.Support.Answers), "with an answer")
	}},
}

// wantTexts returns an error where there is nothing to measure on.
func wantTexts(n int, kind string) error {
	if n == 0 {
		return fmt.Errorf("no support text %s: give other documents", kind)
	}
	return nil
}

// Measure brings the measurements that are made beforehand and can serve several
// methods; Choose makes those that are missing.
func (c *Chooser) Measure(ctx context.Context, needs []plan.Need, q *plan.Request) error {
	for _, m := range measurements {
		if slices.Contains(needs, m.need) && !q.Has(m.need) {
			if err := m.measure(ctx, c, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// Choose chooses by a method. What it costs is told before it begins.
func (c *Chooser) Choose(ctx context.Context, m plan.Method, q plan.Request) (plan.Choice, error) {
	return c.choose(ctx, m, &q)
}

// choose is Choose that leaves in the request what was measured.
func (c *Chooser) choose(ctx context.Context, m plan.Method, q *plan.Request) (plan.Choice, error) {
	defer c.close()
	cost, err := q.CostOf(m)
	if err != nil {
		return plan.Choice{}, err
	}
	m = m.As(*q)
	if text := c.costs(m, *q, cost); text != "" {
		c.tell(Event{Phase: "note", Note: m.Name + ": " + text})
	}
	if err := c.Measure(ctx, q.Needed(m), q); err != nil {
		return plan.Choice{}, err
	}
	c.phase, c.asked, c.questions = m.Name, 0, cost.Forwards+cost.Backwards
	choice, err := m.Plan(*q)
	return choice, errors.Join(err, c.answers.save())
}

// costs says what the questions of a method cost, "" where it asks none.
func (c *Chooser) costs(m plan.Method, q plan.Request, cost plan.Cost) string {
	few := c.few()
	texts, tokens := len(few.Rows), 0
	for _, r := range few.Rows {
		tokens += len(r)
	}
	of := fmt.Sprintf("over %d texts (%d tokens)", texts, tokens)
	switch {
	case m.Cost == nil && cost.Backwards == 0, cost == plan.Cost{}:
		return ""
	case cost.Backwards == 0:
		return fmt.Sprintf("%d forward passes %s at the most", cost.Forwards, of)
	case cost.Forwards == 0:
		return fmt.Sprintf("%d forward and backward passes %s at the most", cost.Backwards, of)
	}
	return fmt.Sprintf("%d forward passes and %d forward and backward %s at the most", cost.Forwards, cost.Backwards, of)
}

// asked counts a question and answers it.
func asked[T any](c *Chooser, answer func() (T, error)) (T, error) {
	v, err := answer()
	c.asked++
	c.tell(Event{Phase: c.phase, Done: c.asked, Total: max(c.questions, c.asked)})
	return v, err
}

// loss returns the question for the mean loss on items.
func (c *Chooser) loss(ctx context.Context, need plan.Need, items []transformer.Continuation) func(kept []int) (float64, error) {
	return func(kept []int) (float64, error) {
		return asked(c, func() (float64, error) {
			return c.answers.recall(question(need, kept, nil), func() (float64, error) {
				loss, err := measure.Loss(ctx, c.Backend, measure.Keeping(c.Full, kept), items)
				if err == nil && math.IsInf(loss, 0) {
					err = fmt.Errorf("the loss without some layers is %v: look at the model's weights and the texts", loss)
				}
				return loss, err
			})
		})
	}
}

// similarity returns that of the full model.
func (c *Chooser) similarity(ctx context.Context) (measure.Similarity, error) {
	if c.Similarity != nil {
		return c.Similarity(ctx)
	}
	c.warn(measure.Doubt(c.Support.Rows))
	s, err := measure.LayerSimilarity(ctx, c.Backend, c.Full, c.Support.Rows, c.Vectors, c.count("similarity"))
	c.warn(s.MassiveDoubt())
	return s, err
}

// gradient returns what measures gradients, on the first texts.
func (c *Chooser) gradient() *measure.Gradients {
	if c.gradients == nil {
		c.gradients = &measure.Gradients{Backend: c.Backend, Full: c.Full, Items: c.few().Answers}
	}
	return c.gradients
}

// close gives back what questions hold.
func (c *Chooser) close() {
	if c.gradients != nil {
		c.gradients.Close()
		c.gradients = nil
	}
}

// count returns the progress of a phase.
func (c *Chooser) count(phase string) func(done, total int) {
	return func(done, total int) { c.tell(Event{Phase: phase, Done: done, Total: total}) }
}

func (c *Chooser) warn(text string) {
	if text != "" {
		c.tell(Event{Phase: "warning", Warning: text})
	}
}

func (c *Chooser) tell(e Event) {
	if c.Watch != nil {
		c.Watch(e)
	}
}
