package train

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"lamina/crash/privacy"
	"lamina/kernels"
	"lamina/tensor"
)

// Private makes a run DP-SGD (Abadi et al., "Deep Learning with Differential Privacy", CCS
// 2016). A step draws every example by itself, with probability q = batch/N (q ≤ 1), so
// that batches vary in size and may be empty; of each drawn example the gradient of its
// mean loss a term, over all trained weights, is scaled to a norm of Clip at most; and the
// step's gradient is
//
//	(Σ g_i·min(1, Clip/‖g_i‖) + N(0, (Noise·Clip)²)) / batch
//
// with the batch that is expected, not the one that was drawn, which is nobody's to know.
// What the optimiser does with that gives away nothing more. One example more or less in
// the training data is what (ε, δ) speaks of: who wrote several is protected less, and who
// has what was validated on not at all.
type Private struct {
	Clip    float64 `json:"clip"`              // C, above 0
	Noise   float64 `json:"noise"`             // σ, in units of Clip; 0 promises nothing
	Delta   float64 `json:"delta"`             // δ that ε is told for
	Epsilon float64 `json:"epsilon,omitempty"` // ε that Noise was chosen for; 0: none
	Seed    *uint64 `json:"seed,omitempty"`    // of a key that is no secret: for tests
}

// Spent is what a private run has given away so far.
type Spent struct {
	Epsilon float64 `json:"epsilon,omitempty"` // absent: without noise there is no ε
	Delta   float64 `json:"delta"`
	Noise   float64 `json:"noise"` // σ
	Clip    float64 `json:"clip"`
	Rate    float64 `json:"rate"` // q
	Void    bool    `json:"void,omitempty"`
}

// String tells the guarantee in a sentence.
func (s Spent) String() string {
	switch {
	case s.Void:
		return "DP-SGD with a key that is no secret: no guarantee"
	case s.Epsilon == 0:
		return "DP-SGD without noise: no guarantee"
	}
	return fmt.Sprintf("DP-SGD: (ε, δ) = (%.3g, %g) for an example more or less in the training data, by Rényi accounting of the Poisson-subsampled Gaussian mechanism with σ %g, q %.4g",
		s.Epsilon, s.Delta, s.Noise, s.Rate)
}

// NoClaim is what a run claims that promises nothing.
const NoClaim = "none"

// Claim is what may be told of it: no rate, which is a number of examples, and no noise.
func (s Spent) Claim() string {
	if s.Void || s.Epsilon == 0 {
		return NoClaim
	}
	return fmt.Sprintf("(epsilon, delta) = (%.4g, %g), an example added or removed", s.Epsilon, s.Delta)
}

// warnings tell, of a run over n examples, why a guarantee says little or nothing.
func (d *Private) warnings(n int) (warnings []string) {
	switch {
	case d.Seed != nil:
		warnings = append(warnings, fmt.Sprintf("--dp-seed %d: who knows the seed takes the noise away: no guarantee holds; it is for tests", *d.Seed))
	case d.Noise == 0:
		warnings = append(warnings, "--dp-noise 0: gradients are clipped, and nothing is promised")
	}
	if d.Delta >= 1/float64(n) {
		warnings = append(warnings, fmt.Sprintf("--dp-delta %v of %d examples: from 1/N on, telling all of one example is allowed: want far less", d.Delta, n))
	}
	return warnings
}

// ChooseNoise sets the noise of a private run over n examples that is to have some ε: the
// least that does; of others it does nothing.
func (s *Settings) ChooseNoise(n int) (err error) {
	d := s.Private
	if d == nil || d.Epsilon == 0 {
		return nil
	}
	chosen := *d
	if chosen.Noise, err = privacy.NoiseFor(s.Rate(n), s.TotalSteps(n), d.Epsilon, d.Delta); err != nil {
		return fmt.Errorf("--dp-%w", err)
	}
	s.Private = &chosen
	return nil
}

// validate is Settings.Validate's part.
func (d *Private) validate(s Settings) error {
	most := math.IsInf(d.Clip, 1) && d.Noise == 0 // nothing is clipped, and nothing promised
	switch {
	case !(d.Clip > 0) || !inFloat32(d.Clip) && !most:
		return fmt.Errorf("--dp-clip %v: want a positive number that 32 bits hold", d.Clip)
	case !(d.Noise >= 0) || !inFloat32(d.Noise*d.Clip) && !most:
		return fmt.Errorf("--dp-noise %v: want 0 or more, and times --dp-clip a number that 32 bits hold", d.Noise)
	case s.Clip != 0:
		return fmt.Errorf("--clip %v with --dp-sgd: each example's gradient is clipped, by --dp-clip, and not their sum", s.Clip)
	case s.MicroBatch > 1:
		return fmt.Errorf("--micro-batch %d with --dp-sgd: a pass holds one example, whose gradient is clipped by itself: leave it out", s.MicroBatch)
	case s.MaxGradSkip > 0:
		return fmt.Errorf("--max-grad-skip %d with --dp-sgd: that a step was left out tells of its examples: leave it out", s.MaxGradSkip)
	case s.NoShuffle:
		return fmt.Errorf("--no-shuffle with --dp-sgd: which examples a step takes is drawn in secret")
	}
	if err := privacy.CheckDelta(d.Delta); err != nil {
		return fmt.Errorf("--dp-%w", err)
	}
	return nil
}

// Rate returns q, the probability with which a private run over n examples draws each.
func (s Settings) Rate(n int) float64 { return min(1, float64(s.Batch)/float64(n)) }

// Purposes of the key's streams.
const (
	drawing = iota
	noising
)

// private is what a trainer has for a run that is private.
type private struct {
	Private
	accountant *privacy.Accountant
	rate       float64
	clipped    tensor.Tensor // F32 [M]: the sum of clipped gradients
	squares    tensor.Tensor // F64 [1]: of an example's gradient
}

// startPrivate prepares a run that is private.
func (t *Trainer) startPrivate() (err error) {
	if t.Settings.Private == nil {
		return nil
	}
	if t.Key == nil {
		return fmt.Errorf("DP-SGD without a key of noise: Trainer.Key is what RunDir.NoiseKey keeps")
	}
	d := &private{Private: *t.Settings.Private, rate: t.Settings.Rate(t.Train.Len())}
	if d.accountant, err = privacy.NewAccountant(privacy.Mechanism{Rate: d.rate, Noise: d.Noise}); err != nil {
		return err
	}
	t.private = d // closed by finish
	n := t.trained.Values.Len()
	if d.clipped, err = tensor.New(t.Backend, tensor.F32, n); err == nil {
		d.squares, err = tensor.New(t.Backend, tensor.F64, 1)
	}
	if err != nil {
		return fmt.Errorf("sum of clipped gradients of %d trained weights: %w", n, err)
	}
	return nil
}

// close gives the memory back.
func (d *private) close() {
	if d != nil {
		d.clipped.Free()
		d.squares.Free()
		d.clipped, d.squares = tensor.Tensor{}, tensor.Tensor{}
	}
}

// spent returns what the steps so far have given away.
func (t *Trainer) spent() (s Spent) {
	d := t.private
	if d == nil {
		return s
	}
	s = Spent{Delta: d.Delta, Noise: d.Noise, Clip: d.Clip, Rate: d.rate, Void: d.Seed != nil}
	if e := d.accountant.Epsilon(t.state.Step, d.Delta); !math.IsInf(e, 0) {
		s.Epsilon = e
	}
	return s
}

// drawn returns the examples of a private step, in their order: each is drawn by itself.
func (t *Trainer) drawn(step int) []int {
	stream := t.Key.Stream(uint32(step), drawing)
	var ids []int
	for i := range t.Train.Len() {
		if stream.Uniform(uint64(i)) < t.private.rate {
			ids = append(ids, i)
		}
	}
	return ids
}

// privateGradients forms the gradient of a private step, see [Private]. The loss is that
// of the drawn examples, which is not private: it stays in the run's directory.
func (t *Trainer) privateGradients(ids []int) (g gradient, err error) {
	var sums tally
	kernels.Fill(t.Backend, t.private.clipped, 0)
	for _, id := range ids {
		tokens, terms := t.Train.Size([]int{id})
		err := t.accumulate(t.pass, []int{id}, 1/float64(terms), &sums)
		t.state.PeakBytes = max(t.state.PeakBytes, t.pass.Arena.Peak())
		t.pass.Reset()
		if err != nil {
			return g, err
		}
		g.tokens += tokens
		g.clipped += t.addClipped()
	}
	t.addNoise()
	g.drawn = len(ids)
	if len(ids) > 0 {
		_, terms := t.Train.Size(ids)
		g.loss, g.parts = sums.mean(terms)
	}
	return g, nil
}

// beyondClip keeps a clipped gradient's norm below Clip whatever 32 bits make of it.
const beyondClip = 1e-6

// addClipped adds an example's gradient to the sum, scaled to the norm of Clip at most, and
// sets it to 0. It returns 1 where it was clipped. What is not finite makes the sum so, and
// the step fails.
func (t *Trainer) addClipped() (clipped int) {
	be, d, grads := t.Backend, t.private, t.trained.Grads
	kernels.Fill(be, d.squares.As(tensor.F32, 2), 0) // two zeros of 32 bits are one of 64
	kernels.SumSquares(be, d.squares, grads)
	norm, scale := math.Sqrt(d.squares.Floats()[0]), 1.0
	if most := d.Clip / (1 + beyondClip); !(norm <= most) {
		scale, clipped = most/norm, 1
	}
	kernels.AddScaled(be, d.clipped, grads, scale)
	kernels.Fill(be, grads, 0)
	return clipped
}

// addNoise writes the noisy mean of the clipped gradients where the optimiser reads.
func (t *Trainer) addNoise() {
	d := t.private
	n := noise{dst: t.trained.Grads, sum: d.clipped, stream: t.Key.Stream(uint32(t.state.Step), noising), batch: d.rate * float64(t.Train.Len())}
	if d.Noise > 0 { // or Clip may be infinite
		n.deviation = d.Noise * d.Clip
	}
	if !kernels.Custom(t.Backend, n) {
		n.upload()
	}
}

// noise is the kernel that adds it: dst = (sum + N(0, deviation²))/batch, in float64,
// rounded once.
type noise struct {
	dst, sum         tensor.Tensor // F32 [M]
	stream           privacy.Stream
	deviation, batch float64
}

// noisePiece is how many elements are one piece of work: an even number, since normal
// deviates come in pairs.
const noisePiece = 4096

// Name is how profiles call the kernel.
func (noise) Name() string { return "dp_noise" }

// Len returns the number of pieces.
func (n noise) Len() int { return (n.sum.Len() + noisePiece - 1) / noisePiece }

// Run computes some pieces on the host.
func (n noise) Run(from, to int) {
	first, last := from*noisePiece, min(to*noisePiece, n.sum.Len())
	n.write(tensor.HostFloats[float32](n.dst)[first:last], tensor.HostFloats[float32](n.sum)[first:last], uint64(first))
}

func (n noise) write(dst, sum []float32, first uint64) {
	for i := range dst {
		v := float64(sum[i])
		if n.deviation > 0 {
			v += float64(n.deviation * n.stream.Normal(first+uint64(i))) // the conversion keeps it from being fused
		}
		dst[i] = float32(v / n.batch)
	}
}

// upload computes all on the host for a device that is elsewhere: a key's deviates are
// AES's, which is the host's to make. Pieces are shared out among all processors.
func (n noise) upload() {
	const most = 1024 * noisePiece // elements at a time: 16 MiB each way
	workers := runtime.GOMAXPROCS(0)
	for from := 0; from < n.sum.Len(); from += most {
		to := min(from+most, n.sum.Len())
		values := n.sum.Slice(from, to).Float32s()
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for at := w * noisePiece; at < len(values); at += workers * noisePiece {
					piece := values[at:min(at+noisePiece, len(values))]
					n.write(piece, piece, uint64(from+at))
				}
			})
		}
		wg.Wait()
		n.dst.Slice(from, to).SetFloat32s(values)
	}
}
