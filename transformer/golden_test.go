package transformer_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"lamina/autograd"
	"lamina/formats/safetensors"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// golden is testdata/<model>/golden.json, written by gen_models.py.
type golden struct {
	Tokens [][]int32 `json:"tokens"`
	Train  struct {
		Tokens      [][]int32          `json:"tokens"`
		Targets     [][]int32          `json:"targets"`
		LR          float64            `json:"lr"`
		Eps         float64            `json:"eps"`
		WeightDecay float64            `json:"weight_decay"`
		Clip        float64            `json:"clip"`
		Loss        []float64          `json:"loss"`
		GradNorm    []float64          `json:"grad_norm"`
		ParamNorm   map[string]float64 `json:"param_norm_after"`
		ParamGrad   map[string]float64 `json:"param_grad_norm"`
	} `json:"train"`
	Greedy *struct {
		Prompt []int32 `json:"prompt"`
		IDs    []int32 `json:"ids"`
	} `json:"greedy"`
}

func models(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/golden.safetensors")
	if err != nil || len(paths) < 7 {
		t.Fatalf("want at least 7 golden models, found %d (%v)", len(paths), err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(filepath.Dir(p))
	}
	return paths
}

func open(t *testing.T, be kernels.Backend, name string) (*transformer.Decoder, golden) {
	t.Helper()
	dir := filepath.Join("testdata", name)
	ckpt, err := transformer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	d, err := ckpt.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return d, g
}

// compare holds float32 results against the design's bars for logits.
func compare(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	var worst, square, norm float64
	for i := range got {
		e := math.Abs(float64(got[i]) - want[i])
		if !(e <= worst) {
			worst = e
		}
		square += e * e
		norm += want[i] * want[i]
	}
	if rms := math.Sqrt(square / norm); !(worst <= 1e-4) || !(rms <= 2e-5) {
		t.Errorf("%s: largest difference %.2g (bar 1e-4), relative RMS %.2g (bar 2e-5)", what, worst, rms)
	}
}

func TestLogitsEqualTransformers(t *testing.T) {
	for _, be := range backends(t) {
		for _, name := range models(t) {
			t.Run(be.Name()+"/"+name, func(t *testing.T) {
				d, g := open(t, be, name)
				file, err := safetensors.Open(filepath.Join("testdata", name, "golden.safetensors"))
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				want := func(item string) []float64 {
					e, ok := file.Entry(item)
					if !ok {
						t.Fatalf("golden has no %q", item)
					}
					data, err := file.Bytes(item)
					if err != nil {
						t.Fatal(err)
					}
					return tensor.MustWrap(be, e.DType, append([]byte(nil), data...), e.Shape...).Floats()
				}
				p := autograd.NewPass(be)
				p.Arena.Poison = true
				x := d.Forward(p, transformer.NewBatch(g.Tokens...), nil)
				logits := d.Logits(p, x).T
				from := 0
				for i, row := range g.Tokens {
					got := logits.Slice(from, from+len(row)).Float32s()
					compare(t, fmt.Sprintf("row %d", i), got, want(fmt.Sprintf("logits.%d", i)))
					from += len(row)
				}
				p.Reset()
				states := 0
				d.Forward(p, transformer.NewBatch(g.Tokens[0]), func(state int, x autograd.Var) {
					compare(t, fmt.Sprintf("hidden state %d", state), x.T.Float32s(), want(fmt.Sprintf("hidden.%d", state)))
					states++
				})
				if states != d.Config.Layers+1 {
					t.Errorf("observed %d states, want %d", states, d.Config.Layers+1)
				}
			})
		}
	}
}

func TestTrainingEqualsTorch(t *testing.T) {
	for _, be := range backends(t) {
		for _, name := range models(t) {
			t.Run(be.Name()+"/"+name, func(t *testing.T) {
				d, g := open(t, be, name)
				trained := tensor.Must(nn.Trainable(be, d.Params()))
				opt := tensor.Must(optim.NewAdamW(be, trained, optim.Config{LR: g.Train.LR, Eps: g.Train.Eps, WeightDecay: g.Train.WeightDecay, Clip: g.Train.Clip}))
				p := autograd.NewTrainingPass(be)
				p.Arena.Poison = true
				batch, rows, targets := trainBatch(g.Train.Tokens, g.Train.Targets)
				for step := range g.Train.Loss {
					loss := lossOf(p, d, batch, rows, targets)
					p.Backward(loss, 1/float64(len(targets)))
					got := loss.T.Floats()[0] / float64(len(targets))
					if step == 0 {
						compareGrads(t, trained, g.Train.ParamGrad)
					}
					norm := opt.Step(1)
					p.Reset()
					near(t, fmt.Sprintf("step %d: loss", step), got, g.Train.Loss[step], 1e-4)
					near(t, fmt.Sprintf("step %d: gradient norm", step), norm, g.Train.GradNorm[step], 1e-4)
				}
				for _, w := range trained.Params {
					if want, ok := g.Train.ParamNorm[w.Name]; ok {
						near(t, w.Name+" after training", l2(w.Value), want, 1e-5)
					}
				}
			})
		}
	}
}

func trainBatch(tokens, targets [][]int32) (b *transformer.Batch, rows, want []int32) {
	b = transformer.NewBatch(tokens...)
	row := int32(0)
	for i := range tokens {
		for j := range tokens[i] {
			if targets[i][j] >= 0 {
				rows, want = append(rows, row), append(want, targets[i][j])
			}
			row++
		}
	}
	return b, rows, want
}

func lossOf(p *autograd.Pass, d *transformer.Decoder, b *transformer.Batch, rows, targets []int32) autograd.Var {
	return d.LossAt(p, d.Forward(p, b, nil), rows, targets)
}

func compareGrads(t *testing.T, trained *nn.Trained, want map[string]float64) {
	t.Helper()
	checked := 0
	for _, w := range trained.Params {
		if norm, ok := want[w.Name]; ok && norm > 1e-4 {
			near(t, w.Name+": gradient", l2(w.Grad), norm, 1e-4)
			checked++
		}
	}
	if checked < len(trained.Params)/2 {
		t.Errorf("only %d of %d gradients have a golden", checked, len(trained.Params))
	}
}

func l2(x tensor.Tensor) float64 {
	sum := 0.0
	for _, v := range x.Floats() {
		sum += v * v
	}
	return math.Sqrt(sum)
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s: %.9g, want %.9g (relative difference %.2g, bar %.0g)", what, got, want, math.Abs(got-want)/math.Abs(want), relative)
	}
}

// backends returns one of each kind that runs here.
func backends(t *testing.T) []kernels.Backend {
	t.Helper()
	return []kernels.Backend{ref.New(), cpu.New(cpu.Options{})}
}
