package emulate_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/repair"
	"lamina/internal/cases"
	"lamina/internal/heaptest"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// postNorm returns a decoder of the reference's 350m kind, which normalises behind each
// sum.
func postNorm(be kernels.Backend) *transformer.Decoder {
	c := crashtest.Small(be, "opt").Config
	c.PostNorm = true
	return transformer.New(c, nn.Init{Device: be, Seed: 3, Std: 0.15})
}

// TestGhostLeavesLeast of all linear maps at every gap of a plan, the gaps below alike
// repaired, however tokens are weighted; and no fit leaves more than nothing in the gap.
func TestGhostLeavesLeast(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	be, rows := ref.New(), texts(40)
	decoders := map[string]*transformer.Decoder{"post-norm": postNorm(be)}
	for _, family := range crashtest.Families {
		decoders[family] = crashtest.Small(be, family)
	}
	for name, full := range decoders {
		for _, tokens := range []repair.Weighting{repair.ByRMS, repair.DropFirst, repair.Plain} {
			opt := emulate.FitOptions{Ridge: 1e-9, Tokens: tokens}
			for _, gaps := range []string{"%s 1 3 5*", "0* %s 2 4 5*", "~ 1 %s 4 5*", "0* ~ 2 ~ 4 %s"} {
				what := fmt.Sprintf("%s, %s, %s", name, tokens, gaps)
				left := map[plan.Map]float64{}
				for _, kind := range []plan.Map{plan.Ghost, plan.Patch, plan.Hadamard, plan.Scalar} {
					e, _ := fitted(t, be, full, fmt.Sprintf(gaps, kind), rows, opt)
					fit := e.Fits[len(e.Fits)-1]
					if left[kind] = fit.Left; fit.What != kind.String() {
						t.Errorf("%s: reported %v", what, fit)
					}
					if want := map[plan.Map]int{plan.Ghost: 24 * 24, plan.Patch: 24, plan.Hadamard: 24, plan.Scalar: 1}[kind]; fit.Numbers != want {
						t.Errorf("%s, %s: %d numbers were fitted, want %d", what, kind, fit.Numbers, want)
					}
				}
				for kind, l := range left {
					if !(left[plan.Ghost] <= l+1e-7) || !(left[plan.Ghost] <= 1) {
						t.Errorf("%s: Ghost leaves %.7f, %s %.7f", what, left[plan.Ghost], kind, l)
					}
				}
			}
		}
	}
}

// TestReplaceMeFoldsTheGap: what the report says is left is what the folded block leaves
// of what the block as it is does, which is no more than 1; no weight is added, and the
// full model is as it was.
func TestReplaceMeFoldsTheGap(t *testing.T) {
	be, rows := ref.New(), texts(60)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		before := crashtest.Logits(be, full)
		for text, place := range map[string]int{"0* 1:replaceme 4 5*": 1, "0:replaceme 3 4 5*": 0, "0* 2 3:replaceme": 2, "0* 1 2:replaceme 5*": 2} {
			e, _ := fitted(t, be, full, text, rows, emulate.FitOptions{Ridge: 1e-9, Tokens: repair.Plain})
			fit, layer := e.Fits[0], e.Plan[place].Layer
			goal := e.Plan.GapEnd(place, 6)
			plain := *e.Decoder
			plain.Blocks = append(append([]transformer.Block(nil), plain.Blocks[:place]...), full.Blocks[layer])
			x, got, want := stream(&plain, rows, place+1), stream(e.Decoder, rows, place+1), stream(full, rows, goal)
			left, change := 0.0, 0.0
			for i, y := range want {
				left += math.Pow(float64(got[i]-y), 2)
				change += math.Pow(float64(x[i]-y), 2)
			}
			if direct := math.Sqrt(left / change); math.Abs(direct-fit.Left) > 1e-5 || !(fit.Left < 1) || fit.Place != place || fit.Numbers != 24*24 {
				t.Errorf("%s, %s: leaves %.7f, it says %+v", family, text, direct, fit)
			}
			if a, b := nn.Count(nn.ParamsOf(e.Decoder.Blocks[place])), nn.Count(nn.ParamsOf(full.Blocks[layer])); a != b {
				t.Errorf("%s, %s: %d weights, the layer has %d", family, text, a, b)
			}
			if share := e.ExactShare(full); share >= float64(e.HeldParams())/float64(nn.Count(full.Params())) {
				t.Errorf("%s, %s: the folded weights count as the model's own: %v", family, text, share)
			}
			e.Close()
		}
		crashtest.Same(t, family, crashtest.Logits(be, full), before)
	}
}

// TestRepairsInOrderHelpTheLastStream: on the texts they are fitted to, the stream that
// leaves the emulator is nearer to the full model's with maps in the gaps than without.
func TestRepairsInOrderHelpTheLastStream(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		want := stream(full, rows, 6)
		apart := func(d *transformer.Decoder) (sum float64) {
			for i, v := range stream(d, rows, len(d.Blocks)) {
				sum += math.Pow(float64(v-want[i]), 2)
			}
			return math.Sqrt(sum)
		}
		for _, kept := range []string{"0* 2 5*", "0* 5*", "1 3* 4"} {
			p := crashtest.Plan(t, kept)
			cut, err := emulate.New(full, p)
			if err != nil {
				t.Fatal(err)
			}
			mended, _, err := p.Repaired(6, plan.Repair(plan.Ghost))
			if err != nil {
				t.Fatal(err)
			}
			e, _ := fitted(t, be, full, mended.String(), rows, emulate.FitOptions{Ridge: 1e-6, Tokens: repair.Plain})
			if with, without := apart(e.Decoder), apart(cut.Decoder); !(with < without) {
				t.Errorf("%s, %s: %.4f apart, unrepaired %.4f", family, mended, with, without)
			}
		}
	}
}

// bits returns an emulator's weights to the bit, and its plan and report.
func bits(t *testing.T, e *emulate.Emulator, err error) (string, []uint32) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %+v", e.Plan, e.Fits), crashtest.Bits(e.Decoder.Params())
}

// TestFitsHaveTheSameBits for any number of workers, and however the texts are cut into
// passes.
func TestFitsHaveTheSameBits(t *testing.T) {
	rows := texts(60)
	deep := crashtest.Small(ref.New(), "llama").Config
	deep.Layers = 8
	for _, c := range []struct {
		text   string
		layers int
	}{{"~patch 1:replaceme ~hadamard 3 3x0.5 ~scalar 5* ~", 8}, {"0* 3xfit 3xfit 3 5xfit 5*", 6}, {"0* 1:gradot0.6 2:asvd0.6 3:heads0.5 4:wanda0.5 5*", 6}} {
		deep.Layers = c.layers
		p := crashtest.Plan(t, c.text)
		var text string
		var weights []uint32
		for _, workers := range []int{1, 2, 4, 8} {
			before := runtime.GOMAXPROCS(workers)
			be := cpu.New(cpu.Options{Threads: workers})
			full := transformer.New(deep, nn.Init{Device: be, Seed: 3, Std: 0.15})
			for _, tokens := range []int{2048, 1, 37} {
				e, _, err := emulate.FitInPasses(tokens, be, full, p, rows)
				gotText, got := bits(t, e, err)
				if weights == nil {
					text, weights = gotText, got
				}
				if gotText != text {
					t.Errorf("%d workers, passes of %d tokens: %s, want %s", workers, tokens, gotText, text)
				}
				crashtest.Same(t, fmt.Sprintf("%d workers, passes of %d tokens", workers, tokens), got, weights)
				e.Close()
			}
			be.Close()
			runtime.GOMAXPROCS(before)
		}
	}
}

// TestDampedSharing by its definition, s = <f(x), y - x>/‖f(x)‖² of the stream x that the
// emulator has at the place and y behind its layer in the model: f of a trained layer with
// its initial weights, of one layer at each of its places anew, of blocks that normalise
// behind their sums too.
func TestDampedSharing(t *testing.T) {
	be, rows := ref.New(), texts(40)
	decoders := map[string]*transformer.Decoder{"post-norm": postNorm(be)}
	for _, family := range crashtest.Families {
		decoders[family] = crashtest.Small(be, family)
	}
	for name, full := range decoders {
		e, _ := fitted(t, be, full, "0* 0xfit 0xfit 4xfit 4 5*", rows, emulate.FitOptions{Tokens: repair.Plain})
		for i, fit := range e.Fits {
			place := i + 1
			layer := e.Plan[place].Layer
			if fit.Place != place || fit.Numbers != 1 || fit.What != e.Plan[place].String() {
				t.Errorf("%s: %+v", name, fit)
			}
			whole := *e.Decoder
			whole.Blocks = append(append([]transformer.Block(nil), whole.Blocks[:place]...), full.Blocks[layer])
			x, repeated, y := stream(e.Decoder, rows, place), stream(&whole, rows, place+1), stream(full, rows, place+1)
			var along, square, change float64
			for j, v := range x {
				f, d := float64(repeated[j])-float64(v), float64(y[j])-float64(v)
				along, square, change = along+f*d, square+f*f, change+d*d
			}
			s := along / square
			if got := e.Plan[place].Scale; math.Abs(got-s) > 1e-5*math.Abs(s) {
				t.Errorf("%s, place %d: scale %v, by its definition %v", name, place, got, s)
			}
			repeat := math.Sqrt((square - 2*along + change) / change)
			if !(fit.Left <= 1) || !(fit.Left <= repeat+1e-9) {
				t.Errorf("%s, place %d: leaves %v, removing 1, repeating %v", name, place, fit.Left, repeat)
			}
		}
		shared := e.Decoder.Blocks
		if shared[1].(*transformer.Scaled).Block != shared[2].(*transformer.Scaled).Block || shared[1].(*transformer.Scaled).Block != full.Blocks[0] {
			t.Errorf("%s: the places of layer 0 are several blocks", name)
		}
	}
	// A layer at its own place, on the model's own stream, fits best as it is.
	e, _ := fitted(t, be, decoders["opt"], "0xfit 1 2 3 4 5*", rows, emulate.FitOptions{})
	if e.Plan.String() != "0 1 2 3 4 5*" || e.Decoder.Blocks[0] != decoders["opt"].Blocks[0] {
		t.Errorf("a layer at its own place: %s", e.Plan)
	}
	if again, err := plan.Parse(e.Plan.String()); err != nil || again.Validate(6) != nil {
		t.Errorf("%s cannot be read again: %v", e.Plan, err)
	}
}

func TestFitErrorsNamePlaceAndRemedy(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	broken := full.Clone()
	for w := range nn.ParamsOf(broken.Blocks[2]) {
		w.Value = filled(t, be, w.Value, 1e38)
	}
	empty := full.Clone() // its embeddings are zeros
	empty.Embed.TokenWeights().Value = filled(t, be, empty.Embed.TokenWeights().Value, 0)
	for _, c := range []struct {
		full *transformer.Decoder
		plan string
		rows [][]int32
		opt  emulate.FitOptions
		want []string
	}{
		{full, "0* ~ 3", texts(1), emulate.FitOptions{Ridge: 1e-6}, []string{"place 1, ~: ", "rows for width 24 at ridge 1e-06", "--support", "--samples", "--ridge"}},
		{full, "0* ~ 3", [][]int32{{7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}, {7}},
			emulate.FitOptions{Ridge: 1e-15}, []string{"25 rows of width 24 are singular", "--ridge"}},
		{full, "0* ~ 3", [][]int32{{7}}, emulate.FitOptions{Tokens: repair.DropFirst}, []string{"place 1, ~: ", "no rows of width 24"}},
		{broken, "0 ~ 4", texts(3), emulate.FitOptions{}, []string{"place 1, ~: layer 2 of the model makes", "of token 0 of text 0"}},
		{broken, "2 ~ 4", texts(3), emulate.FitOptions{}, []string{"place 0, 2: the emulator makes", "of token 0 of text 0"}},
		{empty, "~ 3", texts(3), emulate.FitOptions{}, []string{"place 0, ~: ", "row 0 is zero", "(--tokens drop-first or plain)"}},
		{full, "1 ~ 5 0 ~ 3", texts(60), emulate.FitOptions{}, []string{"place 4, ~: is fitted to what enters layer 3, and place 1 below it to what enters layer 5", "ascending"}},
		{postNorm(be), "0:replaceme 3", texts(60), emulate.FitOptions{}, []string{"place 0, 0:replaceme: the model normalises behind the MLP"}},
		{full, "0* 5:replaceme", texts(60), emulate.FitOptions{}, []string{"place 1: 5:replaceme: nothing is left out above layer 5"}},
	} {
		e, _, err := emulate.Fit(context.Background(), be, c.full, crashtest.Plan(t, c.plan), c.rows, c.opt)
		if err == nil || e != nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.plan, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", c.plan, err, want)
			}
		}
	}
	// Texts shorter than any window are rows like others.
	fitted(t, be, full, "0* ~ 3", [][]int32{{1}, {2}, {3, 4}}, emulate.FitOptions{})
}

func filled(t *testing.T, be kernels.Backend, like tensor.Tensor, value float32) tensor.Tensor {
	t.Helper()
	values := make([]float32, like.Len())
	for i := range values {
		values[i] = value
	}
	w, err := tensor.FromFloat32s(be, tensor.F32, values, like.Shape()...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestFitStops wherever it is told to.
func TestFitStops(t *testing.T) {
	be, rows := ref.New(), texts(40)
	full := crashtest.Small(be, "opt")
	p := crashtest.Plan(t, "0* ~ 2:replaceme 4 5*")
	for n := 0; ; n++ {
		e, _, err := emulate.Fit(&crashtest.Countdown{Context: context.Background(), Left: n}, be, full, p, rows, emulate.FitOptions{})
		if err == nil {
			if n < 10 {
				t.Errorf("looked %d times whether to stop", n)
			}
			break
		}
		if e != nil || !errors.Is(err, context.Canceled) {
			t.Fatalf("asked %d times: %v, %v", n, e, err)
		}
	}
}

// TestFitMemory holds what a fit takes against what it is said to take beforehand.
func TestFitMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	be := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	c := crashtest.Small(be, "llama").Config
	c.Width, c.EmbedWidth, c.HeadDim, c.FeedForward, c.MaxPositions = 192, 192, 48, 512, 1024
	c.RoPE.Dim = 48
	full := transformer.New(c, nn.Init{Device: be, Seed: 3, Std: 0.05})
	row := make([]int32, 512)
	for i := range row {
		row[i] = int32(i * i % 61)
	}
	var rows [][]int32
	for range 8 {
		rows = append(rows, row)
	}
	for i, text := range []string{"0:replaceme 2 ~ 4", "1:svd0.5 4", "1:asvd0.5 4", "1:width0.5 4", "1:heads0.5 4", "1:wanda0.5 4", "1:gradot0.5 4:gradot0.5"} {
		if i%cases.Each(4) != 0 {
			continue
		}
		p := crashtest.Plan(t, text)
		said := emulate.FitMemory(full, p, rows)
		peak := heaptest.Peak(func() {
			e, _, err := emulate.Fit(context.Background(), be, full, p, rows, emulate.FitOptions{})
			if err != nil {
				t.Fatal(err)
			}
			e.Close()
		})
		t.Logf("%s: %d bytes at the peak, said %d", text, peak, said)
		if heaptest.Counts && (float64(peak) > 1.25*float64(said) || float64(peak) < 0.4*float64(said)) {
			t.Errorf("%s: %d bytes at the peak, said %d", text, peak, said)
		}
	}
}

// TestRidgesUnlessAsked: one for gaps, one for smaller layers.
func TestRidgesUnlessAsked(t *testing.T) {
	be, rows := ref.New(), texts(40)
	full := crashtest.Small(be, "opt")
	for text, ridge := range map[string]float64{"0* ~ 3 5*": emulate.GapRidge, "0* 2:replaceme 5*": emulate.GapRidge, "0* 2:asvd0.5 5*": emulate.DefaultRidge} {
		e, _ := fitted(t, be, full, text, rows, emulate.FitOptions{})
		same, _ := fitted(t, be, full, text, rows, emulate.FitOptions{Ridge: ridge})
		crashtest.Same(t, text, crashtest.Bits(e.Decoder.Params()), crashtest.Bits(same.Decoder.Params()))
	}
}
