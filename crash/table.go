package crash

import (
	"context"
	"math"
	"slices"

	"lamina/eval/task"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// TableRow is one line of the table. A cell that has no meaning for a row is
// null: an untrained full model has no emulator. Delta is the plug-in's accuracy
// less the fine-tuned emulator's: what the owner keeps.
type TableRow struct {
	Row         string    `json:"row"`
	Plan        LayerPlan `json:"plan"`
	Share       Sharing   `json:"share"`
	Seed        uint64    `json:"seed"`
	LR          float64   `json:"lr,omitempty"`
	EmulatorZS  *float64  `json:"emulator_zs"`
	EmulatorFT  *float64  `json:"emulator_ft"`
	PlugIn      *float64  `json:"plug_in"`
	PlugInNorm  *float64  `json:"plug_in_norm"` // acc_norm of the same scores
	Stderr      float64   `json:"stderr"`       // of plug_in
	N           int       `json:"n"`
	Delta       *float64  `json:"delta"`
	ValidLoss   float64   `json:"valid_loss,omitempty"` // of the kept checkpoint
	BestStep    int       `json:"best_step,omitempty"`
	Steps       int       `json:"steps,omitempty"`
	HeldParams  int       `json:"held_params"`
	TrainParams int       `json:"train_params"`
	Seconds     float64   `json:"seconds"`    // training and scoring
	PeakBytes   int       `json:"peak_bytes"` // weights held, moments and the largest pass
}

// ProtocolSplits counts the examples of each part of the data.
type ProtocolSplits struct {
	Train   int `json:"train"`
	Valid   int `json:"valid"`
	Support int `json:"support"`
	Test    int `json:"test"`
}

// Table is the protocol's result.
type Table struct {
	Rows     []TableRow        `json:"rows"`
	Model    string            `json:"model"`
	Task     string            `json:"task"`
	Splits   ProtocolSplits    `json:"splits"`
	Versions map[string]string `json:"versions"`
}

func (p *Protocol) accuracy(ctx context.Context, row string, d *transformer.Decoder) (task.Result, error) {
	return Score(ctx, p.Backend, d, p.Test, func(done, total int) {
		p.tell(Event{Row: row, Phase: "score", Done: done, Total: total})
	})
}

func (p *Protocol) scoreInto(ctx context.Context, r *TableRow, d *transformer.Decoder) error {
	result, err := p.accuracy(ctx, r.Row, d)
	if err != nil {
		return err
	}
	r.PlugIn, r.Stderr = &result.Metrics[0].Value, result.Metrics[0].Stderr
	if m, ok := result.Metric("acc_norm"); ok {
		r.PlugInNorm = &m.Value
	}
	if math.IsNaN(r.Stderr) { // of a single document
		r.Stderr = 0
	}
	if r.HeldParams == 0 {
		for w := range d.Params() {
			r.HeldParams += w.Value.Len()
		}
	}
	return nil
}

// heldBytes returns the storage of a decoder's distinct weights, trainBytes what
// training adds: gradient and two moments in F32.
func heldBytes(d *transformer.Decoder) int {
	n := 0
	for w := range d.Params() {
		n += w.Value.Bytes()
	}
	return n
}

func trainBytes(params nn.Params) int {
	n := 0
	for w := range params {
		n += 3 * 4 * w.Value.Len()
	}
	return n
}

// Score runs requests through a decoder and evaluates them: pairs are scored,
// prompts continued greedily.
func Score(ctx context.Context, be kernels.Backend, d *transformer.Decoder, r *task.Requests, progress func(done, total int)) (task.Result, error) {
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
	texts, err := generate(ctx, be, d, r.Prompts, progress)
	if err != nil {
		return task.Result{}, err
	}
	return r.Result(rows, texts)
}

// generate continues prompts until each says that it has enough; nil for none.
func generate(ctx context.Context, be kernels.Backend, d *transformer.Decoder, prompts []task.Prompt, progress func(done, total int)) ([]string, error) {
	var texts []string
	for i, p := range prompts {
		var ids []int32
		var text string
		err := d.Generate(ctx, be, p.IDs, p.MaxTokens, transformer.Sampling{}, func(id int32) bool {
			if slices.Contains(p.Stop, id) {
				return false
			}
			ids = append(ids, id)
			var done bool
			text, done = p.Text(ids)
			return !done
		})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
		if progress != nil {
			progress(i+1, len(prompts))
		}
	}
	return texts, nil
}
