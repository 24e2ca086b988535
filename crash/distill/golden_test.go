package distill_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn/optim"
	"lamina/transformer"
)

// golden is one model of testdata/distill.json, which gen_distill.py writes.
type golden struct {
	Model string
	Rows  [][]int32
	LR    float64
	Seed  uint64
	Cases []struct {
		Train, Plan string
		distill.Settings
		Steps []struct {
			Loss     float64
			GradNorm float64 `json:"grad_norm"`
			Terms    map[string]float64
		}
	}
}

func goldens(t *testing.T) (all []golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/distill.json")
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

// sixBlocks opens a golden's model: the blocks of a checkpoint of three, each with weights
// of its own.
func sixBlocks(t *testing.T, be kernels.Backend, name string) *transformer.Decoder {
	t.Helper()
	c, err := transformer.Open(filepath.Join(crashtest.Models, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	six := *d
	six.Blocks = nil
	for _, layer := range []int{0, 1, 2, 2, 1, 0} {
		six.Blocks = append(six.Blocks, d.Blocks[layer].Clone())
	}
	return &six
}

// TestTenStepsEqualTorch: loss, its parts and the gradient's norm of ten steps of AdamW
// against transformers and torch in float64, ≤ 1e-4 relative, of every kind, with the same
// disturbance of T, whatever the batch is cut into.
func TestTenStepsEqualTorch(t *testing.T) {
	const bar = 1e-4
	for _, be := range []kernels.Backend{ref.New(), cpu.New(cpu.Options{})} {
		for _, g := range goldens(t) {
			for number, c := range g.Cases {
				full := sixBlocks(t, be, g.Model)
				e, _, err := emulate.Fit(t.Context(), be, full, crashtest.Plan(t, c.Plan), nil, emulate.FitOptions{Seed: g.Seed})
				if err != nil {
					t.Fatal(err)
				}
				kind, err := distill.Named(c.Train)
				if err != nil {
					t.Fatal(err)
				}
				params, err := kind.Prepare(e, full)
				if err != nil {
					t.Fatal(err)
				}
				c.Settings.Seed = g.Seed
				o, err := kind.Objective(e, full, g.Rows, c.Settings)
				if err != nil {
					t.Fatal(err)
				}
				var got []train.Metrics
				tr := &train.Trainer{
					Backend: be, Params: params, Held: o.Held(params), Train: o, Report: func(m train.Metrics) { got = append(got, m) },
					Settings: train.Settings{LR: g.LR, Steps: len(c.Steps), Batch: len(g.Rows), MicroBatch: number % 4, Schedule: optim.Constant, Clip: 1, NoShuffle: true},
				}
				if _, err := tr.Run(context.Background()); err != nil {
					t.Fatal(err)
				}
				worst := 0.0
				for i, want := range c.Steps {
					pairs := map[string][2]float64{"loss": {got[i].Loss, want.Loss}, "gradient norm": {got[i].GradNorm, want.GradNorm}}
					for name, v := range got[i].Terms {
						pairs[name] = [2]float64{v, want.Terms[name]}
					}
					for name, p := range pairs {
						apart := math.Abs(p[0]-p[1]) / math.Abs(p[1])
						if name != "gradient norm" { // the bar is of losses
							worst = max(worst, apart)
						}
						if !(apart <= bar) {
							t.Errorf("%s, %s, case %d, step %d: %s %.9g, torch's %.9g: %.2g apart", be.Name(), g.Model, number, i+1, name, p[0], p[1], apart)
						}
					}
				}
				t.Logf("%s, %s, %s, sigma %v: losses %.2g apart", be.Name(), g.Model, c.Train, c.Sigma, worst)
				tr.Close()
				o.Close()
				e.Close()
			}
		}
		be.Close()
	}
}
