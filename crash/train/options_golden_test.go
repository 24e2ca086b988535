package train_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn/optim"
	"lamina/transformer"
)

// tenSteps is one run of testdata/options.json, written by gen_options.py.
type tenSteps struct {
	Epsilon     float64   `json:"epsilon"`
	Decay       float64   `json:"decay"`
	WeightDecay float64   `json:"weight_decay"`
	Lambda      float64   `json:"lambda"`
	Loss        []float64 `json:"loss"`
	Valid       []float64 `json:"valid"`
}

type optionGolden struct {
	Rows                                    [][]int32
	Context, Batch                          int
	LR                                      float64
	Plain, Smoothing, Layers, Proximal, EMA tenSteps
}

func readOptions(t *testing.T) (g optionGolden) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "options.json"))
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil || len(g.Rows) == 0 || len(g.EMA.Valid) != 10 {
		t.Fatalf("options.json: %v", err)
	}
	return g
}

// trainer trains all of the golden's model on its rows.
func (g optionGolden) trainer(t *testing.T, be kernels.Backend) *train.Trainer {
	t.Helper()
	c, err := transformer.Open(filepath.Join(crashtest.Models, "llama-gqa-tied"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	var rows []train.Sequence
	for _, tokens := range g.Rows {
		s := train.Sequence{Tokens: tokens, Learn: make([]bool, len(tokens))}
		for i := g.Context; i < len(tokens); i++ {
			s.Learn[i] = true
		}
		rows = append(rows, s)
	}
	objective := func() *train.NextToken {
		o, err := train.NewSequences(d, rows)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	return &train.Trainer{
		Backend: be, Params: d.Params(), Held: d.Params(), Train: objective(), Valid: objective(),
		Settings: train.Settings{LR: g.LR, Steps: len(g.Plain.Loss), Batch: g.Batch, Schedule: optim.Constant, Clip: 1, EvalEvery: 1, NoShuffle: true},
	}
}

// TestOptionsEqualTorch holds ten steps with each option against transformers and torch, to
// the bar of the design, 1e-4 relative.
func TestOptionsEqualTorch(t *testing.T) {
	g := readOptions(t)
	for _, be := range []kernels.Backend{ref.New(), cpu.New(cpu.Options{})} {
		for name, c := range map[string]struct {
			want tenSteps
			set  func(s *train.Settings, want tenSteps)
		}{
			"plain":     {g.Plain, func(*train.Settings, tenSteps) {}},
			"smoothing": {g.Smoothing, func(s *train.Settings, want tenSteps) { s.LabelSmoothing = want.Epsilon }},
			"layers": {g.Layers, func(s *train.Settings, want tenSteps) {
				s.LayerLRDecay, s.WeightDecay = want.Decay, want.WeightDecay
				s.Groups = []optim.Group{{Match: "*mlp*", WeightDecay: want.WeightDecay}, {Match: "*"}}
			}},
			"proximal": {g.Proximal, func(s *train.Settings, want tenSteps) { s.Proximal = want.Lambda }},
			"ema":      {g.EMA, func(s *train.Settings, want tenSteps) { s.EMA = want.Decay }},
		} {
			tr := g.trainer(t, be)
			c.set(&tr.Settings, c.want)
			var loss, valid []float64
			tr.Report = func(m train.Metrics) {
				switch {
				case m.Loss != 0:
					loss = append(loss, m.Loss)
				case m.Step > 0:
					valid = append(valid, m.ValidLoss)
				}
			}
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			tr.Close()
			worst := 0.0
			for i, want := range c.want.Loss {
				worst = max(worst, math.Abs(loss[i]-want)/want)
			}
			for i, want := range c.want.Valid {
				worst = max(worst, math.Abs(valid[i]-want)/want)
			}
			t.Logf("%s, %s: %.2g relative at most", be.Name(), name, worst)
			if !(worst <= 1e-4) {
				t.Errorf("%s, %s: losses %v, want %v; validation %v, want %v", be.Name(), name, loss, c.want.Loss, valid, c.want.Valid)
			}
		}
	}
}
