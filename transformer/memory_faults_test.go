package transformer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// host is a backend that counts the memory it has handed out.
type host interface {
	kernels.Backend
	Held() int64
}

// refuseEach runs work on a device that refuses its n-th allocation, for every n that
// work comes to. Each time there is one error that says what was wanted, free and held,
// nothing is asked for after it, and at the end all is given back.
func refuseEach(t *testing.T, inner host, least int, work func(be kernels.Backend) error) {
	t.Helper()
	before := inner.Held()
	for n := 1; ; n++ {
		be := kerneltest.NewFailing(inner, n)
		err := work(be)
		if held := inner.Held() - before; held != 0 {
			t.Fatalf("allocation %d is refused: %d bytes are not given back", n, held)
		}
		if be.Asked() < n {
			if err != nil || n <= least {
				t.Fatalf("%d allocations, want %d or more: %v", n-1, least, err)
			}
			return
		}
		var oom *tensor.OutOfMemory
		if !errors.As(err, &oom) || oom.Wanted == 0 || be.Asked() != n {
			t.Fatalf("allocation %d is refused, %d were asked for: %v", n, be.Asked(), err)
		}
		for _, word := range []string{"out of memory: wanted ", ", free ", ", held "} {
			if strings.Count(err.Error(), word) != 1 {
				t.Fatalf("allocation %d is refused: the error says %q", n, err)
			}
		}
	}
}

// TestTrainingStepSurvivesEachRefusal: parameters made trainable, an optimiser, a pass
// whose every tensor asks its device, and a step.
func TestTrainingStepSurvivesEachRefusal(t *testing.T) {
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	for name := range smallModels {
		for _, recompute := range []bool{false, true} {
			d := small(t, be, name)
			refuseEach(t, be, 30, func(be kernels.Backend) error { return trainOnce(be, d, recompute) })
			for w := range d.Params() {
				if w.Trainable || w.Value.Err() != nil || tensor.HostBytes(w.Value) == nil {
					t.Errorf("%s: %s is not what it was", name, w.Name)
				}
			}
		}
	}
}

func trainOnce(be kernels.Backend, d *transformer.Decoder, recompute bool) error {
	trained, err := nn.Trainable(be, d.Params())
	if err != nil {
		return err
	}
	defer trained.Close()
	opt, err := optim.NewAdamW(be, trained, optim.Config{LR: 1e-3, Clip: 1})
	if err != nil {
		return err
	}
	defer opt.Close()
	p := autograd.NewTrainingPass(be)
	defer p.Close()
	p.Arena.ChunkBytes = 1
	p.Recompute, p.Dropout = recompute, autograd.Dropout{P: 0.1, Seed: 1}
	x := d.Forward(p, transformer.NewBatch(layerRows...), nil)
	loss := d.LossAt(p, x, []int32{0, 3, 5}, []int32{1, 9, 4})
	if err := p.Backward(loss, 1); err != nil {
		return err
	}
	if sum, norm := loss.T.Floats()[0], opt.Step(1); math.IsNaN(sum + norm) {
		return fmt.Errorf("loss %v, norm %v", sum, norm)
	}
	return p.Sync()
}

// TestScoreSurvivesEachRefusal: contexts that choices share, in three passes of growing
// size, so that store and arena are replaced.
func TestScoreSurvivesEachRefusal(t *testing.T) {
	for name := range smallModels {
		be := ref.New()
		d := small(t, be, name)
		var items []transformer.Continuation
		for n := range int32(3) {
			for target := range int32(2) {
				items = append(items, transformer.Continuation{Context: make([]int32, 2+2*n), Target: []int32{target, n, 3}})
			}
			items = append(items, transformer.Continuation{Context: []int32{n, 4}, Target: []int32{5}})
		}
		for _, chunk := range []int{0, 1} {
			refuseEach(t, be, 3, func(be kernels.Backend) error {
				opt := transformer.ScoreOptions{Tokens: 6}
				if chunk > 0 {
					opt.Arena = tensor.NewArena(be)
					opt.Arena.ChunkBytes = chunk
					defer opt.Arena.Close()
				}
				scores, err := d.Score(context.Background(), be, items, opt)
				if (err == nil) != (len(scores) == len(items)) {
					t.Errorf("%d scores and error %v", len(scores), err)
				}
				return err
			})
		}
	}
}

// TestGenerateSurvivesEachRefusal: no token comes of a pass that failed.
func TestGenerateSurvivesEachRefusal(t *testing.T) {
	for name := range smallModels {
		be := ref.New()
		d := small(t, be, name)
		refuseEach(t, be, 1, func(be kernels.Backend) error {
			tokens := 0
			err := d.Generate(context.Background(), be, []int32{1, 2, 3}, 4, transformer.Sampling{Temperature: 1}, func(id int32) bool {
				tokens++
				return id >= 0
			})
			if err == nil && tokens != 4 || err != nil && tokens != 0 {
				t.Errorf("%d tokens and error %v", tokens, err)
			}
			return err
		})
	}
}

// TestLoadingSurvivesEachRefusal: a checkpoint gives its weights back when closed.
func TestLoadingSurvivesEachRefusal(t *testing.T) {
	for _, name := range []string{"llama-bf16", "opt-f16"} {
		refuseEach(t, ref.New(), 10, func(be kernels.Backend) error {
			ckpt, err := transformer.Open("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			defer ckpt.Close()
			_, err = ckpt.Decoder(be)
			return err
		})
	}
}

// TestNewWeightsWithoutMemoryFailThePass: an initialiser has no error of its own.
func TestNewWeightsWithoutMemoryFailThePass(t *testing.T) {
	inner := ref.New()
	c, err := transformer.ParseConfig([]byte(smallLLaMA))
	if err != nil {
		t.Fatal(err)
	}
	d := transformer.New(c, nn.Init{Device: kerneltest.NewFailing(inner, 3), Seed: 1})
	var oom *tensor.OutOfMemory
	_, err = d.Score(context.Background(), inner, []transformer.Continuation{{Context: []int32{1}, Target: []int32{2}}}, transformer.ScoreOptions{})
	if !errors.As(err, &oom) {
		t.Errorf("scoring: %v", err)
	}
	if _, err := nn.Trainable(inner, d.Params()); !errors.As(err, &oom) {
		t.Errorf("training: %v", err)
	}
}

// TestCopiesBetweenHostAndDevice counts them.
func TestCopiesBetweenHostAndDevice(t *testing.T) {
	inner := cpu.New(cpu.Options{})
	defer inner.Close()
	rows := func(n int) (items []transformer.Continuation) { // of n targets, nothing shared
		for i := range n / 4 {
			items = append(items, transformer.Continuation{Context: []int32{int32(i % 300), int32(i / 300)}, Target: []int32{1, 2, 3, 4}})
		}
		return items
	}
	shared := []transformer.Continuation{
		{Context: []int32{1, 2}, Target: []int32{3, 4}}, {Context: []int32{1, 2}, Target: []int32{5, 6, 7}},
	}
	score := func(d *transformer.Decoder, be kernels.Backend, items []transformer.Continuation) error {
		_, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{Tokens: 1 << 20})
		return err
	}
	generate := func(d *transformer.Decoder, be kernels.Backend, tokens int) error {
		return d.Generate(context.Background(), be, []int32{1, 2, 3}, tokens, transformer.Sampling{}, func(int32) bool { return true })
	}
	for name := range smallModels {
		d := small(t, inner, name)
		for _, c := range []struct {
			work     string
			run      func(be kernels.Backend) error
			up, down int
		}{
			// The stream, and rows with their targets; the loss, and the gradient's norm.
			{"a training step with dropout", func(be kernels.Backend) error { return trainOnce(be, d, false) }, 2, 2},
			// The stream, its rows, and what is asked of them; the answers.
			{"256 scored rows", func(be kernels.Backend) error { return score(d, be, rows(256)) }, 3, 1},
			{"512 scored rows", func(be kernels.Backend) error { return score(d, be, rows(512)) }, 4, 2},
			// A second stream and its rows.
			{"a shared context", func(be kernels.Backend) error { return score(d, be, shared) }, 5, 1},
			// The stream, and the logits of its last row.
			{"a prompt and a token", func(be kernels.Backend) error { return generate(d, be, 1) }, 1, 1},
			{"nine tokens more", func(be kernels.Backend) error { return generate(d, be, 10) }, 10, 10},
		} {
			be := kerneltest.NewCounting(inner)
			if err := c.run(be); err != nil {
				t.Fatal(err)
			}
			if up, down := be.Times("Upload"), be.Times("Download"); up != c.up || down != c.down {
				t.Errorf("%s: %s: %d copies to the device and %d back, want %d and %d", name, c.work, up, down, c.up, c.down)
			}
		}
	}
}

// TestBreakdownIsAnError: whichever call (one in seven is tried) breaks the device, nobody is given a number
// that was not computed.
func TestBreakdownIsAnError(t *testing.T) {
	inner := ref.New()
	for name := range smallModels {
		d := small(t, inner, name)
		items := []transformer.Continuation{{Context: []int32{1, 2}, Target: []int32{3, 4}}, {Context: []int32{1, 2}, Target: []int32{5}}}
		for what, run := range map[string]func(be kernels.Backend) (given bool, err error){
			"scoring": func(be kernels.Backend) (bool, error) {
				scores, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{})
				return scores != nil, err
			},
			"generation": func(be kernels.Backend) (given bool, err error) {
				err = d.Generate(context.Background(), be, []int32{1, 2}, 1, transformer.Sampling{}, func(int32) bool {
					given = true
					return true
				})
				return given, err
			},
			"logits": func(be kernels.Backend) (bool, error) {
				var text strings.Builder
				err := d.WriteLogits(context.Background(), be, [][]int32{{1, 2}}, &text, nil)
				return text.Len() > 0, err
			},
		} {
			for n := 1; ; n += 7 {
				be := kerneltest.NewBroken(inner, n)
				given, err := run(be)
				if be.Sync() == nil { // it takes fewer calls
					if n < 20 || err != nil || !given {
						t.Errorf("%s, %s: %d calls, %v", name, what, n-1, err)
					}
					break
				}
				if given || !errors.Is(err, kerneltest.ErrBroken) {
					t.Fatalf("%s, %s: call %d breaks the device: error %v, numbers given: %t", name, what, n, err, given)
				}
			}
		}
	}
}
