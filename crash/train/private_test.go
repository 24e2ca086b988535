package train_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/privacy"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/ref"
	"lamina/nn"
)

// privately makes a trainer's run private, with a key that is none.
func privately(tr *train.Trainer, clip, noise float64) *train.Trainer {
	key := privacy.TestKey(1)
	tr.Key = &key
	tr.Settings.Clip, tr.Settings.Private = 0, &train.Private{Clip: clip, Noise: noise, Delta: 1e-5}
	return tr
}

// single is the gradient of an example by itself: a plain run whose batch is it.
func single(t *testing.T, be kernels.Backend, i int) []float32 {
	t.Helper()
	tr, e := trainer(t, be, crashtest.Small(be, "llama"), "0* 1 2 5*")
	tr.Settings.Dropout, tr.Settings.Batch = 0, 1
	tr.Train = crashtest.NextToken(t, e.Decoder, crashtest.Pairs(22)[i:i+1])
	g, _, err := tr.FirstGradient()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// TestPrivateGradientIsTheClippedSum holds a private step against a loop over batches of
// one example, clipped and summed in float64; and each clipped gradient against the bound
// that the guarantee rests on.
func TestPrivateGradientIsTheClippedSum(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	const n = 22
	var gradients [][]float32
	var norms []float64
	for i := range n {
		g := single(t, be, i)
		gradients, norms = append(gradients, g), append(norms, norm(g))
	}
	slices.Sort(norms)
	clip := norms[n/2] // half of them are clipped
	want := make([]float64, len(gradients[0]))
	for _, g := range gradients {
		scale := min(1, clip/norm(g))
		for j, v := range g {
			want[j] += scale * float64(v) / n
		}
	}
	tr, _ := trainer(t, be, crashtest.Small(be, "llama"), "0* 1 2 5*")
	tr.Settings.Dropout, tr.Settings.Batch = 0, n // every example is drawn
	got, ids, err := privately(tr, clip, 0).FirstGradient()
	if err != nil || len(ids) != n {
		t.Fatal(err, ids)
	}
	for j := range got {
		if d := math.Abs(float64(got[j]) - want[j]); !(d <= 2e-6*clip) {
			t.Fatalf("element %d is %v, want %v", j, got[j], want[j])
		}
	}
	for i := range 3 { // one example at a time, clipped far below its norm
		tr, e := trainer(t, be, crashtest.Small(be, "llama"), "0* 1 2 5*")
		tr.Settings.Dropout, tr.Settings.Batch = 0, 1
		tr.Train = crashtest.NextToken(t, e.Decoder, crashtest.Pairs(22)[i:i+1])
		got, _, err := privately(tr, 1e-3, 0).FirstGradient()
		if err != nil {
			t.Fatal(err)
		}
		if n := norm(got); !(n <= 1e-3 && n >= 1e-3*(1-1e-5)) {
			t.Errorf("example %d: a gradient clipped to 1e-3 has the norm %v", i, n)
		}
	}
}

// TestPrivateGradientOfFewWeights is the same where few weights train, as PEFT has it (here
// BitFit's): the norm that is clipped is theirs alone.
func TestPrivateGradientOfFewWeights(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	const n = 6
	first := func(pairs []task.Pair, private float64) []float32 {
		tr, e := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
		var few []*autograd.Parameter
		for w := range e.Params() {
			if w.Value.Rank() == 1 {
				few = append(few, w)
			}
		}
		tr.Params, tr.Settings.Dropout, tr.Settings.Batch = nn.List(few...), 0, len(pairs)
		tr.Train = crashtest.NextToken(t, e.Decoder, pairs)
		if private > 0 {
			privately(tr, private, 0)
		}
		g, _, err := tr.FirstGradient()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	pairs := crashtest.Pairs(n)
	var gradients [][]float32
	var norms []float64
	for i := range n {
		g := first(pairs[i:i+1], 0)
		gradients, norms = append(gradients, g), append(norms, norm(g))
	}
	slices.Sort(norms)
	clip := norms[n/2]
	want := make([]float64, len(gradients[0]))
	for _, g := range gradients {
		scale := min(1, clip/norm(g))
		for j, v := range g {
			want[j] += scale * float64(v) / n
		}
	}
	got := first(pairs, clip)
	for j := range got {
		if d := math.Abs(float64(got[j]) - want[j]); !(d <= 2e-6*clip) {
			t.Fatalf("element %d is %v, want %v", j, got[j], want[j])
		}
	}
}

// TestUnclippedPrivateStepIsTheMean: without noise and bound, with all examples drawn, the
// gradient is that of a plain step, where all examples have as many targets.
func TestUnclippedPrivateStepIsTheMean(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	pairs := crashtest.Pairs(16)
	for i := range pairs {
		pairs[i].Target = []int32{int32(i), 7, 9}
	}
	run := func(private bool) []float32 {
		tr, e := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 2 5*")
		tr.Settings.Batch, tr.Train = 16, crashtest.NextToken(t, e.Decoder, pairs) // with dropout
		if private {
			privately(tr, math.Inf(1), 0)
		}
		g, _, err := tr.FirstGradient()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	plain, private := run(false), run(true)
	diff := make([]float32, len(plain))
	for i := range plain {
		diff[i] = plain[i] - private[i]
	}
	if d := norm(diff) / norm(plain); !(d <= 1e-5) {
		t.Errorf("the gradients differ by %.2g of their norm", d)
	}
}

// without is a backend that runs no kernels from outside, as one of another device.
type without struct{ kernels.Backend }

func (without) Custom(kernels.Kernel) bool { return false }

// TestNoiseIsTheKeys: what a step adds is σ·C times the key's deviates, over the expected
// batch; its moments are a normal distribution's; and a device that cannot run the kernel
// gets the same.
func TestNoiseIsTheKeys(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	const clip, sigma, batch = 0.01, 1.5, 4
	run := func(be kernels.Backend, noise float64) []float32 {
		tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 2 3* 4* 5*")
		tr.Settings.Batch = batch
		g, _, err := privately(tr, clip, noise).FirstGradient()
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	bare, noisy := run(be, 0), run(be, sigma)
	var m [4]float64
	stream := privacy.TestKey(1).Stream(0, 1)
	for i := range noisy {
		z := (float64(noisy[i]) - float64(bare[i])) * batch / (sigma * clip)
		if d := math.Abs(z - stream.Normal(uint64(i))); !(d <= 1e-5) {
			t.Fatalf("element %d got %v, the key says %v", i, z, stream.Normal(uint64(i)))
		}
		for j, f := range []float64{z, z * z, z * z * z, z * z * z * z} {
			m[j] += f / float64(len(noisy))
		}
	}
	for j, want := range []struct{ value, deviation float64 }{{0, 1}, {1, math.Sqrt(2)}, {0, math.Sqrt(15)}, {3, math.Sqrt(96)}} {
		if d := math.Abs(m[j] - want.value); !(d <= 6*want.deviation/math.Sqrt(float64(len(noisy)))) {
			t.Errorf("moment %d of %d deviates is %v, want %v", j+1, len(noisy), m[j], want.value)
		}
	}
	if elsewhere := run(without{be}, sigma); !slices.Equal(elsewhere, noisy) {
		t.Error("a device without the kernel gets other noise")
	}
	gpu := cudatest.Open(t, cudatest.Options{}) // whose memory is not the host's
	for i, v := range run(gpu, sigma) {
		if d := math.Abs(float64(v - noisy[i])); !(d <= 1e-6) {
			t.Fatalf("element %d is %v on a GPU, %v on the host", i, v, noisy[i])
		}
	}
}

// TestExamplesAreDrawnByThemselves counts batches and examples over many steps against the
// binomial law, and sees that another key draws others.
func TestExamplesAreDrawnByThemselves(t *testing.T) {
	be := ref.New()
	tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
	tr.Settings.Batch = 3
	privately(tr, 1, 1)
	const steps, n = 4000, 22
	q := 3. / n
	var sizes, squares float64
	each := make([]float64, n)
	empty := 0
	for step := range steps {
		ids := tr.DrawnIn(step)
		size := float64(len(ids))
		sizes, squares = sizes+size, squares+size*size
		for _, id := range ids {
			each[id]++
		}
		if len(ids) == 0 {
			empty++
		}
	}
	mean, variance := sizes/steps, squares/steps-sizes/steps*sizes/steps
	if d := math.Abs(mean - 3); !(d <= 6*math.Sqrt(n*q*(1-q)/steps)) {
		t.Errorf("batches of %v examples on average, want 3", mean)
	}
	if d := math.Abs(variance - n*q*(1-q)); !(d <= 0.1*variance) {
		t.Errorf("variance of the sizes %v, want %v", variance, n*q*(1-q))
	}
	for id, count := range each {
		if d := math.Abs(count - steps*q); !(d <= 6*math.Sqrt(steps*q*(1-q))) {
			t.Errorf("example %d was drawn %v times, want about %v", id, count, steps*q)
		}
	}
	if p := math.Pow(1-q, n); math.Abs(float64(empty)-steps*p) > 6*math.Sqrt(steps*p*(1-p)) {
		t.Errorf("%d empty batches, want about %v", empty, steps*p)
	}
	other := privacy.TestKey(2)
	first := tr.DrawnIn(0)
	if tr.Key = &other; slices.Equal(tr.DrawnIn(0), first) && slices.Equal(tr.DrawnIn(1), first) {
		t.Error("two keys draw the same examples")
	}
}

// TestPrivateBitsDoNotDependOnWorkers trains with one to four workers.
func TestPrivateBitsDoNotDependOnWorkers(t *testing.T) {
	var want []uint32
	for _, workers := range []int{1, 2, 3, 4} {
		be := cpu.New(cpu.Options{Threads: workers, SplitAll: true, Delay: disturb()})
		tr, e := trainer(t, be, crashtest.Small(be, "llama"), "0* 1 2 5*")
		tr.Settings.Epochs = 1
		if _, err := privately(tr, 0.1, 0.8).Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		got := crashtest.Bits(e.Params())
		if want == nil {
			want = got
		}
		crashtest.Same(t, fmt.Sprintf("%d workers", workers), got, want)
		be.Close()
	}
}

// TestPrivateMetrics: each step tells ε so far, which the accountant gives, and how many
// examples were drawn; an empty batch is noise alone.
func TestPrivateMetrics(t *testing.T) {
	be := ref.New()
	tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
	tr.Valid = nil
	tr.Settings.Batch, tr.Settings.Steps, tr.Settings.Epochs, tr.Settings.Warmup = 1, 12, 0, 0
	privately(tr, 0.1, 0.7)
	a, err := privacy.NewAccountant(privacy.Mechanism{Rate: 1. / 22, Noise: 0.7})
	if err != nil {
		t.Fatal(err)
	}
	empty := 0
	tr.Report = func(m train.Metrics) {
		if want := a.Epsilon(m.Step, 1e-5); m.Epsilon != want {
			t.Errorf("step %d: ε %v, want %v", m.Step, m.Epsilon, want)
		}
		if m.Clipped != m.Drawn || m.GradNorm == 0 { // 0.1 is below any gradient here
			t.Errorf("step %d: %d of %d clipped, gradient norm %v", m.Step, m.Clipped, m.Drawn, m.GradNorm)
		}
		if m.Drawn == 0 {
			empty++
		}
	}
	out, err := tr.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if empty == 0 || empty == 12 {
		t.Errorf("%d of 12 batches are empty: the test wants some", empty)
	}
	if out.Private.Epsilon != a.Epsilon(12, 1e-5) || !strings.Contains(out.Private.String(), "(ε, δ)") {
		t.Errorf("outcome %+v: %s", out.Private, out.Private)
	}
	seed := uint64(1)
	for _, void := range []train.Private{{Clip: 1, Noise: 0, Delta: 1e-5}, {Clip: 1, Noise: 1, Delta: 1e-5, Seed: &seed}} {
		tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
		privately(tr, 1, 1).Settings.Private, tr.Settings.Steps = &void, 1
		out, err := tr.Run(context.Background())
		if err != nil || !strings.Contains(out.Private.String(), "no guarantee") {
			t.Errorf("%+v: %s (%v)", void, out.Private, err)
		}
	}
}

// TestPrivateSettingsAreRefused names each setting that a private run cannot have.
func TestPrivateSettingsAreRefused(t *testing.T) {
	for want, change := range map[string]func(*train.Settings){
		"--dp-clip 0":      func(s *train.Settings) { s.Private.Clip = 0 },
		"--dp-clip +Inf":   func(s *train.Settings) { s.Private.Clip = math.Inf(1) },
		"--dp-noise -1":    func(s *train.Settings) { s.Private.Noise = -1 },
		"--dp-noise NaN":   func(s *train.Settings) { s.Private.Noise = math.NaN() },
		"--dp-delta 0":     func(s *train.Settings) { s.Private.Delta = 0 },
		"--dp-delta 1":     func(s *train.Settings) { s.Private.Delta = 1 },
		"--clip 1":         func(s *train.Settings) { s.Clip = 1 },
		"--micro-batch 2":  func(s *train.Settings) { s.MicroBatch = 2 },
		"--max-grad-skip ": func(s *train.Settings) { s.MaxGradSkip = 1 },
		"--no-shuffle wit": func(s *train.Settings) { s.NoShuffle = true },
	} {
		s := crashtest.Settings()
		s.Clip, s.Private = 0, &train.Private{Clip: 1, Noise: 1, Delta: 1e-5}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	be := ref.New()
	tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
	privately(tr, 1, 1).Key = nil
	if _, err := tr.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "without a key") {
		t.Errorf("without a key: %v", err)
	}
}

// TestPrivateMemoryIsPlanned: the plan has the sum of clipped gradients, and the largest
// example's pass, which no step exceeds.
func TestPrivateMemoryIsPlanned(t *testing.T) {
	be := ref.New()
	tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 5*")
	plain, err := tr.Memory()
	if err != nil {
		t.Fatal(err)
	}
	tr.Valid, tr.Settings.Epochs = nil, 4
	m, err := privately(tr, 1, 1).Memory()
	if err != nil {
		t.Fatal(err)
	}
	if m.Trained != plain.Trained/4*5 || m.Pass >= plain.Pass {
		t.Errorf("private %+v, plain %+v", m, plain)
	}
	out, err := tr.Run(context.Background())
	if err != nil || out.PeakBytes > m.Pass || out.PeakBytes < m.Pass/2 {
		t.Errorf("planned %d bytes a pass, took %d (%v)", m.Pass, out.PeakBytes, err)
	}
}
