package emulate_test

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

func fitted(t *testing.T, be kernels.Backend, full *transformer.Decoder, text string, rows [][]int32, opt emulate.FitOptions) (*emulate.Emulator, []emulate.Fitted) {
	t.Helper()
	e, report, err := emulate.Fit(context.Background(), be, full, crashtest.Plan(t, text), rows, opt)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	t.Cleanup(e.Close)
	return e, report
}

// examples are the transforms that small models have the sizes for, each once.
var examples = []string{"svd0.6", "asvd0.6", "width0.5", "heads0.5", "gradot0.6", "prune0.5", "wanda0.5", "int3"}

// TestTransformsLeaveTheModel: whatever is done to a block, the full model's weights have
// the bits that they had, plugged back it has its logits, starred places run the model's
// own weights, and norms and embeddings are the model's own.
func TestTransformsLeaveTheModel(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		weights, logits := crashtest.Bits(full.Params()), crashtest.Logits(be, full)
		for _, word := range examples {
			e, _ := fitted(t, be, full, "0* 1:"+word+" 4 5*", rows, emulate.FitOptions{})
			crashtest.Same(t, family+", "+word+": the model's weights", crashtest.Bits(full.Params()), weights)
			crashtest.Same(t, family+", "+word+": plugged back", crashtest.Logits(be, e.Plug(full)), logits)
			crashtest.Same(t, family+", "+word+": a starred place", crashtest.Bits(nn.ParamsOf(e.Decoder.Blocks[0])), crashtest.Bits(nn.ParamsOf(full.Blocks[0])))
			if slices.Equal(crashtest.Logits(be, e.Decoder), crashtest.Logits(be, tighter(full, 0, 1, 4, 5))) {
				t.Errorf("%s, %s changes nothing", family, word)
			}
			for w := range nn.ParamsOf(e.Decoder.Blocks[1]) {
				if strings.Contains(w.Name, "norm") || strings.Contains(w.Name, "ln_") {
					if own := find(t, full, w.Name); !own.Value.SameMemory(w.Value) {
						t.Errorf("%s, %s: %s is not the model's", family, word, w.Name)
					}
				}
			}
		}
	}
}

// tighter returns a decoder of some layers.
func tighter(full *transformer.Decoder, layers ...int) *transformer.Decoder {
	d := *full
	d.Blocks = nil
	for _, layer := range layers {
		d.Blocks = append(d.Blocks, full.Blocks[layer])
	}
	return &d
}

// TestWholeShareIsTheLayer: all of a layer's weights kept give its bits.
func TestWholeShareIsTheLayer(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		for _, word := range []string{"svd1", "asvd1", "width1", "heads1", "gradot1"} {
			e, _ := fitted(t, be, full, "0* 1:"+word+" 2:"+word+" 3 4 5*", rows, emulate.FitOptions{})
			crashtest.Same(t, family+", "+word, crashtest.Logits(be, e.Decoder), crashtest.Logits(be, full))
		}
	}
}

// TestNoMoreIsKeptThanAsked: of the weights in matrices that a transform is about. Channels
// that stay are counted in whole, and so are ranks.
func TestNoMoreIsKeptThanAsked(t *testing.T) {
	be, rows := ref.New(), texts(40)
	matrices := func(fields []*nn.Projection) (n int) {
		for _, field := range fields {
			for w := range (*field).Params() {
				if w.Value.Rank() == 2 {
					for _, v := range w.Value.Float32s() {
						if v != 0 {
							n++
						}
					}
				}
			}
		}
		return n
	}
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		for _, c := range []struct {
			word string
			kept float64
			of   func(s transformer.Sublayers) []*nn.Projection
		}{
			{"svd0.6", 0.6, func(s transformer.Sublayers) []*nn.Projection { return slices.Concat(s.Groups()...) }},
			{"asvd0.4", 0.4, func(s transformer.Sublayers) []*nn.Projection { return slices.Concat(s.Groups()...) }},
			{"width0.3", 0.3, func(s transformer.Sublayers) []*nn.Projection { return append(slices.Clone(s.Widen), s.Narrow) }},
			{"heads0.6", 0.6, func(s transformer.Sublayers) []*nn.Projection { return append(slices.Clone(s.Attend), s.Output) }},
			{"gradot0.6", 0.6, func(s transformer.Sublayers) []*nn.Projection { return slices.Concat(s.Groups()...) }},
			{"prune0.25", 0.75, func(s transformer.Sublayers) []*nn.Projection { return slices.Concat(s.Groups()...) }},
			{"wanda0.25", 0.75, func(s transformer.Sublayers) []*nn.Projection { return slices.Concat(s.Groups()...) }},
		} {
			e, _ := fitted(t, be, full, "0* 2:"+c.word+" 5*", rows, emulate.FitOptions{})
			was, _ := transformer.SublayersOf(full.Blocks[2])
			is, ok := transformer.SublayersOf(e.Decoder.Blocks[1])
			if !ok {
				t.Fatalf("%s, %s: no block of the family", family, c.word)
			}
			share := float64(matrices(c.of(is))) / float64(matrices(c.of(was)))
			if !(share <= c.kept && share > c.kept-0.2) {
				t.Errorf("%s, %s: a share of %v is kept, want at most %v", family, c.word, share, c.kept)
			}
		}
	}
}

// TestRepeatedPlacesShareWhatWasMade: one object a layer and transform, made where it
// first stands.
func TestRepeatedPlacesShareWhatWasMade(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	for _, word := range examples {
		e, _ := fitted(t, be, full, "0* 1:"+word+" 1:"+word+" 1x0.5:"+word+" 1 5*", texts(20), emulate.FitOptions{})
		b := e.Decoder.Blocks
		if b[1] != b[2] || b[3].(*transformer.Scaled).Block != b[1] || b[4] != full.Blocks[1] {
			t.Errorf("%s: places of one layer are several objects", word)
		}
	}
}

// TestTransformsHaveTheSameBits for any number of threads and any run.
func TestTransformsHaveTheSameBits(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	var want []uint32
	for _, threads := range []int{1, 2, 4, 4} {
		runtime.GOMAXPROCS(threads)
		be := cpu.New(cpu.Options{Threads: threads})
		var got []uint32
		for _, family := range []string{"llama", "gpt2"} {
			full := crashtest.Small(be, family)
			for _, word := range examples {
				e, report := fitted(t, be, full, "0* 1:"+word+" 2:"+word+" 5*", texts(30), emulate.FitOptions{})
				got = append(got, crashtest.Bits(e.Decoder.Params())...)
				for _, r := range report {
					got = append(got, uint32(math.Float64bits(r.Left)))
				}
			}
		}
		if want == nil {
			want = got
		}
		crashtest.Same(t, "a number of threads", got, want)
		be.Close()
	}
}

// TestTransformsThatReadTextsWantSome, and say what they read; others need none.
func TestTransformsThatReadTextsWantSome(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "opt")
	for _, k := range plan.Transforms {
		word := plan.Transform{Name: k.Name}
		if k.Amount == plan.OfWeights {
			word.Amount = 0.5
		}
		if k.Name == "int" {
			word.Amount = 4
		}
		_, _, err := emulate.Fit(context.Background(), be, full, crashtest.Plan(t, "0* 2:"+word.String()+" 5*"), nil, emulate.FitOptions{})
		reads := slices.Contains([]string{"asvd", "width", "wanda", "heads", "gradot", "replaceme"}, k.Name)
		if blocks := strings.HasPrefix(k.Name, "q"); blocks {
			if err == nil || !strings.Contains(err.Error(), "place 1, 2:"+k.Name) || !strings.Contains(err.Error(), "self_attn.q_proj") || !strings.Contains(err.Error(), "whole blocks") {
				t.Errorf("%s of rows of 24: %v", word, err)
			}
		} else if (err != nil) != reads || reads && !strings.Contains(err.Error(), "(--support FILE)") {
			t.Errorf("%s without texts: %v", word, err)
		}
	}
	for _, c := range []struct {
		word  string
		ridge float64
		want  string
	}{
		{"svd0.01", 0, "place 1, 2:svd0.01: model.decoder.layers.2.self_attn.q_proj: compress: RankFor: share 0.01"},
		{"asvd0.01", 0, "is less than rank 1"},
		{"width0.01", 0, "model.decoder.layers.2.fc2, of channels: compress: CountFor: share 0.01 of 40 is less than one"},
		{"heads0.2", 0, "out_proj, of key/value heads: compress: CountFor: share 0.2 of 4 is less than one"},
		{"heads0.5", 1e-18, "model.decoder.layers.2.self_attn.out_proj: compress: NystromHeads: moments of 3 rows of 24 numbers are singular"},
		{"asvd0.5", 1e-18, "model.decoder.layers.2.self_attn.q_proj: compress: ActivationSVD: moments of 3 rows of 24 numbers are singular"},
		{"width0.5", 1e-18, "model.decoder.layers.2.fc2: compress: Nystrom: moments of 3 rows of 40 numbers are singular with a ridge of 1e-18: want 40 rows or more, or a larger ridge, such as 1e-6 (more documents in --support"},
		{"prune0.001", 0, "less than one of them"},
	} {
		_, _, err := emulate.Fit(context.Background(), be, full, crashtest.Plan(t, "0* 2:"+c.word+" 5*"), [][]int32{{1, 2, 3}}, emulate.FitOptions{Ridge: c.ridge})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.word, err, c.want)
		}
	}
}
