package study

import (
	"context"
	"math"
	"slices"
	"strconv"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/nn"
	"lamina/transformer"
)

// Row is one line of the table. A cell that has no meaning for a row is
// null: an untrained full model has no emulator. Delta is the plug-in's accuracy
// less the fine-tuned emulator's: what the owner keeps.
type Row struct {
	Name       string       `json:"row"`
	Plan       plan.Plan    `json:"plan"`
	Share      plan.Sharing `json:"share"`
	Seed       uint64       `json:"seed"`
	LR         float64      `json:"lr,omitempty"`
	Diverged   []float64    `json:"diverged_lrs,omitempty"` // rates that were tried and came to no finite loss
	EmulatorZS *float64     `json:"emulator_zs"`
	EmulatorFT *float64     `json:"emulator_ft"`
	PlugIn     *float64     `json:"plug_in"`
	PlugInNorm *float64     `json:"plug_in_norm"` // acc_norm of the same scores
	Stderr     float64      `json:"stderr"`       // of plug_in
	// AnswerLoss is the plug-in's Σ -log p of the right answers over their tokens, in nats.
	AnswerLoss *float64  `json:"answer_loss,omitempty"`
	N          int       `json:"n"`
	Delta      *float64  `json:"delta"`
	Right      string    `json:"right,omitempty"`      // of plug_in: 1 or 0 for each scored document, in order
	Losses     []float32 `json:"losses,omitempty"`     // of plug_in: -log p of the right answers of each scored document
	TrainLoss  float64   `json:"train_loss,omitempty"` // mean of the last tenth of the steps
	ValidLoss  float64   `json:"valid_loss,omitempty"` // of the kept checkpoint
	// Health is the emulator's loss before training beside the full model's.
	Health       *emulate.Health `json:"health,omitempty"`
	BestStep     int             `json:"best_step,omitempty"`
	Trajectory   []Moment        `json:"trajectory,omitempty"` // where [Protocol.PlugAt] asks for some
	Steps        int             `json:"steps,omitempty"`
	HeldParams   int             `json:"held_params"`
	TrainParams  int             `json:"train_params"`
	Seconds      float64         `json:"seconds"`                 // training and scoring
	PeakBytes    int             `json:"peak_bytes"`              // weights held, moments and the largest pass
	Measures     *Measures       `json:"measures,omitempty"`      // none: not measured
	BuildSeconds float64         `json:"build_seconds,omitempty"` // of Seconds: fitting what the plan asks for
	TrainSeconds float64         `json:"train_seconds,omitempty"` // of Seconds: training, of all rates
	// Fits say how well what stands in gaps, and scales, were fitted; Built is the plan with
	// the fitted scales, where there are some.
	Fits  []emulate.Fitted `json:"fits,omitempty"`
	Built plan.Plan        `json:"built,omitempty"`
}

// shown is the plan as people read it: with scales as they were fitted, to three digits.
func (r Row) shown() plan.Plan {
	p := slices.Clone(r.Plan)
	for place, s := range r.Built {
		if p[place].Scale == plan.FitScale {
			p[place].Scale, _ = strconv.ParseFloat(strconv.FormatFloat(s.Scale, 'g', 3, 64), 64)
		}
	}
	return p
}

// Counts are the numbers of examples of each part of the data.
type Counts struct {
	Train   int `json:"train"`
	Valid   int `json:"valid"`
	Support int `json:"support"`
	Test    int `json:"test"`
}

// Table is the protocol's result.
type Table struct {
	Rows        []Row        `json:"rows"`
	Comparisons []Comparison `json:"comparisons"`         // of the best row with the others
	Baselines   []Comparison `json:"baselines,omitempty"` // of every emulator with each baseline
	Notes       []string     `json:"notes,omitempty"`     // why a measure is missing
	// AnswerTokens are those of the right answers of each scored document, which the losses
	// are over; null where answers are not scored. Chance is the accuracy of a guess.
	AnswerTokens []int             `json:"answer_tokens,omitempty"`
	Chance       float64           `json:"chance,omitempty"`
	Model        string            `json:"model"`
	Task         string            `json:"task"`
	Splits       Counts            `json:"splits"`
	Versions     map[string]string `json:"versions"`
	Page         *Telling          `json:"page,omitempty"` // what a page tells beside the rows; of earlier versions none
}

// What stands in [Row.Right] for a document.
const (
	rightMark = '1'
	wrongMark = '0'
)

// marks says which documents are right; "" where a metric is no share of right ones.
func marks(m task.Metric) string {
	text := make([]byte, len(m.Values))
	for i, v := range m.Values {
		switch v {
		case task.Value{Of: 1, Weight: 1}:
			text[i] = rightMark
		case task.Value{Of: 0, Weight: 1}:
			text[i] = wrongMark
		default:
			return ""
		}
	}
	return string(text)
}

func (p *Protocol) accuracy(ctx context.Context, row string, d *transformer.Decoder) (task.Result, error) {
	return eval.Run(ctx, p.Backend, d, p.Test, func(done, total int) {
		p.tell(Event{Row: row, Phase: "score", Done: done, Total: total})
	})
}

func (p *Protocol) scoreInto(ctx context.Context, r *Row, d *transformer.Decoder) error {
	result, err := p.accuracy(ctx, r.Name, d)
	if err != nil {
		return err
	}
	r.PlugIn, r.Stderr, r.Right = &result.Metrics[0].Value, result.Metrics[0].Stderr, marks(result.Metrics[0])
	if m, ok := result.Metric("acc_norm"); ok {
		r.PlugInNorm = &m.Value
	}
	for _, loss := range p.Test.AnswerLosses(result.Rows) {
		r.Losses = append(r.Losses, float32(loss))
	}
	if r.Losses != nil {
		loss := total(r.Losses) / float64(count(p.Test.AnswerTokens()))
		r.AnswerLoss = &loss
	}
	if math.IsNaN(r.Stderr) { // of a single document
		r.Stderr = 0
	}
	if r.HeldParams == 0 {
		r.HeldParams = nn.Count(d.Params())
	}
	return nil
}

// trainBytes is what training adds to a weight: gradient and two moments in F32.
const trainBytes = 3 * 4
