package train_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"

	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

func trainer(t *testing.T, be kernels.Backend, full *transformer.Decoder, text string) (*train.Trainer, *emulate.Emulator) {
	t.Helper()
	e, err := emulate.New(full, crashtest.Plan(t, text))
	if err != nil {
		t.Fatal(err)
	}
	all := crashtest.Pairs(30)
	return &train.Trainer{
		Backend: be, Params: e.Params(), Held: e.Decoder.Params(), Settings: crashtest.Settings(),
		Train: crashtest.NextToken(t, e.Decoder, all[:22]), Valid: crashtest.NextToken(t, e.Decoder, all[22:]),
	}, e
}

// disturb returns a delay that holds up one call in sixteen, by chance.
func disturb() func() {
	var calls atomic.Uint64
	return func() {
		n := calls.Add(1)
		if u := philox.New(1, 1).Uint32(n); u%16 == 0 {
			time.Sleep(time.Duration(u>>8%32) * time.Microsecond)
		}
	}
}

// TestTrainingBitsDoNotDependOnWorkers trains with every number of workers,
// nothing too small to be split, and chunks that finish in a disturbed order.
func TestTrainingBitsDoNotDependOnWorkers(t *testing.T) {
	for _, family := range crashtest.Families {
		var want []uint32
		for _, workers := range []int{1, 2, 3, 7, 16} {
			be := cpu.New(cpu.Options{Threads: workers, SplitAll: true, Delay: disturb()})
			tr, e := trainer(t, be, crashtest.Small(be, family), "0* 1 2 2 5* 4")
			tr.Settings.Epochs = 1
			if _, err := tr.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			got := crashtest.Bits(e.Params())
			if want == nil {
				want = got
			}
			crashtest.Same(t, fmt.Sprintf("%s, %d workers", family, workers), got, want)
			be.Close()
		}
	}
}

// TestAccumulationIsTheWholeBatch cuts a batch of 16 into 4 x 4.
func TestAccumulationIsTheWholeBatch(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	run := func(micro int) (losses, norms []float64) {
		tr, _ := trainer(t, be, crashtest.Small(be, "llama"), "0* 1 2 5*")
		tr.Settings.Batch, tr.Settings.MicroBatch, tr.Settings.Steps = 16, micro, 10
		tr.Report = func(m train.Metrics) {
			if m.Loss != 0 {
				losses, norms = append(losses, m.Loss), append(norms, m.GradNorm)
			}
		}
		if _, err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return losses, norms
	}
	whole, wholeNorm := run(0)
	cut, cutNorm := run(4)
	for i := range whole {
		if math.Abs(whole[i]-cut[i]) > 1e-4*whole[i] || math.Abs(wholeNorm[i]-cutNorm[i]) > 1e-4*wholeNorm[i] {
			t.Errorf("step %d: loss %.8g and %.8g, gradient norm %.8g and %.8g", i+1, whole[i], cut[i], wholeNorm[i], cutNorm[i])
		}
	}
}

// stopAfter ends a run in the middle, as Ctrl-C does.
func stopAfter(step int, cancel context.CancelFunc) func(train.Metrics) {
	return func(m train.Metrics) {
		if m.Step == step && m.Loss != 0 {
			cancel()
		}
	}
}

func TestResumedRunHasTheSameBits(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	run := func(dir string, stop int) (*emulate.Emulator, train.Outcome) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		tr, e := trainer(t, be, full, "0* 1 2 3 5*")
		store, err := train.OpenRunDir(dir, tr.Settings, false)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		tr.Store = store
		if stop > 0 {
			tr.Report = stopAfter(stop, cancel)
		}
		out, err := tr.Run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return e, out
	}
	want, _ := run(t.TempDir(), 0)
	for _, stop := range []int{1, 3, 6, 7, 11} {
		dir := t.TempDir()
		_, out := run(dir, stop)
		if !out.Stopped || out.Steps != stop {
			t.Fatalf("stopped at %d: %+v", stop, out)
		}
		got, _ := run(dir, 0)
		crashtest.Same(t, fmt.Sprintf("stopped at %d", stop), crashtest.Bits(got.Params()), crashtest.Bits(want.Params()))
	}
}

func TestDamagedCheckpointIsPutAside(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	dir := t.TempDir()
	run := func(steps int) *emulate.Emulator {
		tr, e := trainer(t, be, full, "0* 1 5*")
		tr.Settings.EvalEvery, tr.Settings.Steps = 2, 6
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if steps > 0 {
			tr.Report = stopAfter(steps, cancel)
		}
		store, err := train.OpenRunDir(dir, tr.Settings, false)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		tr.Store = store
		if _, err := tr.Run(ctx); err != nil {
			t.Fatal(err)
		}
		return e
	}
	run(4)
	path := filepath.Join(dir, "checkpoints", "step-4", "weights.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	got := run(0)
	if _, err := os.Stat(filepath.Join(dir, "checkpoints", "step-4.bad")); err != nil {
		t.Errorf("the damaged checkpoint was not put aside: %v", err)
	}
	dir = t.TempDir()
	crashtest.Same(t, "after a damaged checkpoint", crashtest.Bits(got.Params()), crashtest.Bits(run(0).Params()))
}

func TestRunDirRefusesOtherSettings(t *testing.T) {
	dir := t.TempDir()
	s := crashtest.Settings()
	r, err := train.OpenRunDir(dir, s, false)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	s.LR = 1
	if _, err := train.OpenRunDir(dir, s, false); err == nil {
		t.Error("a run with another learning rate was resumed")
	} else if want := "lr is 0.003 there, 1 now"; !strings.Contains(err.Error(), want) {
		t.Errorf("%v: does not say %q", err, want)
	}
}

// TestUntrainedEmulatorPlugsBackToTheSameBits is the protocol's identity.
func TestUntrainedEmulatorPlugsBackToTheSameBits(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		e, err := emulate.New(full, crashtest.Plan(t, "0* 1 3* 3 5*"))
		if err != nil {
			t.Fatal(err)
		}
		tensor.Must(nn.Trainable(be, e.Params())).Freeze()
		logits := func(d *transformer.Decoder) []float32 {
			p := autograd.NewPass(be)
			return d.Logits(p, d.Forward(p, transformer.NewBatch([]int32{3, 1, 4}, []int32{1, 5}), nil)).T.Float32s()
		}
		a, b := logits(full), logits(e.Plug(full))
		for i := range a {
			if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
				t.Fatalf("%s: logit %d: %v, plugged back %v", family, i, a[i], b[i])
			}
		}
	}
}

// measured is an objective whose mean is always the same.
type measured struct {
	train.Objective
	mean float64
}

func (m measured) Mean(context.Context, kernels.Backend, *tensor.Arena) (float64, error) {
	return m.mean, nil
}

// TestValidationThatIsNotFinite ends the training, and says after which step.
func TestValidationThatIsNotFinite(t *testing.T) {
	be := ref.New()
	for mean, bad := range map[float64]bool{2: false, math.Inf(1): true, math.Inf(-1): true, math.NaN(): true} {
		tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
		tr.Valid = measured{tr.Valid, mean}
		_, err := tr.Run(t.Context())
		if (err != nil) != bad || bad && (!strings.Contains(err.Error(), "validation after step") || !strings.Contains(err.Error(), "is not finite: lower --lr")) {
			t.Errorf("%v: %v", mean, err)
		}
	}
}
