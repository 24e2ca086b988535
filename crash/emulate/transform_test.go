package emulate_test

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/repair"
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
var examples = []string{"svd0.6", "asvd0.6", "width0.5", "prune0.5", "wanda0.5", "int3"}

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
		for _, word := range []string{"svd1", "asvd1", "width1"} {
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
			if !(share <= c.kept && share > c.kept-0.1) {
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
		{"width0.01", 0, "model.decoder.layers.2.fc2: share 0.01 of 40 channels is less than one"},
		{"asvd0.5", 1e-18, "model.decoder.layers.2.self_attn.q_proj: compress: ActivationSVD: moments of 3 rows of 24 numbers are singular"},
		{"width0.5", 1e-18, "model.decoder.layers.2.fc2: compress: Nystrom: moments of 3 rows of 40 numbers are singular"},
		{"prune0.001", 0, "less than one of them"},
	} {
		_, _, err := emulate.Fit(context.Background(), be, full, crashtest.Plan(t, "0* 2:"+c.word+" 5*"), [][]int32{{1, 2, 3}}, emulate.FitOptions{Ridge: c.ridge})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.word, err, c.want)
		}
	}
}

// watching notes what its layer is given.
type watching struct {
	nn.Projection
	x *[]float32
}

func (g watching) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	*g.x = x.T.Float32s()
	return g.Projection.Forward(p, x)
}

// layerOf is a linear layer of the full model, what stands in its place, and what a dense
// block there is given behind the emulator's places below.
type layerOf struct {
	name string
	full *nn.Linear
	made nn.Projection
	x    []float32
}

func layersAt(e *emulate.Emulator, full *transformer.Decoder, rows [][]int32, place int) (all []layerOf) {
	block := full.Blocks[e.Plan[place].Layer].Clone()
	for name, field := range nn.ProjectionsOf(block) {
		all = append(all, layerOf{name: name, full: (*field).(*nn.Linear)})
	}
	i := 0
	for _, field := range nn.ProjectionsOf(block) {
		*field = watching{*field, &all[i].x}
		i++
	}
	i = 0
	for _, field := range nn.ProjectionsOf(e.Decoder.Blocks[place]) {
		all[i].made = *field
		i++
	}
	d := *e.Decoder
	d.Blocks = append(slices.Clone(d.Blocks[:place]), block)
	stream(&d, rows, place+1)
	return all
}

// weight returns that of a linear layer or a low-rank pair, [out in], and its sizes.
func weight(l nn.Projection) (w []float64, out, in int) {
	if pair, ok := l.(*nn.LowRank); ok {
		in, rank, out := pair.Sizes()
		return compress.Factors{Out: out, Rank: rank, In: in, Up: pair.Up.Weight.Value.Floats(), Down: pair.Down.Weight.Value.Floats()}.Product(), out, in
	}
	linear := l.(*nn.Linear)
	in, out = linear.Sizes()
	stored := linear.Weight.Value.Floats()
	if !linear.InOut {
		return stored, out, in
	}
	w = make([]float64, len(stored))
	for i := range in {
		for j := range out {
			w[j*in+i] = stored[i*out+j]
		}
	}
	return w, out, in
}

// outputError returns Σ weight·|(W-V)·x|² over rows, tokens weighted by their rms or not.
func outputError(t *testing.T, w, v []float64, x []float32, in int, tokens repair.Weighting) float64 {
	t.Helper()
	weights, err := tokens.Of(x, in, make([]int, len(x)/in))
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for n := 0; n < len(x)/in; n++ {
		square := 0.0
		for i := 0; i < len(w); i += in {
			sum := 0.0
			for j := range in {
				sum += (w[i+j] - v[i+j]) * float64(x[n*in+j])
			}
			square += sum * sum
		}
		if weights != nil {
			square *= weights[n]
		}
		total += square
	}
	return total
}

// TestInputsDecideTheFactors: at every linear layer, on the emulator's own stream, the
// factors of asvd leave no more than those of svd, for tokens as they were weighted.
func TestInputsDecideTheFactors(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		for _, tokens := range []repair.Weighting{repair.ByRMS, repair.Plain} {
			e, report := fitted(t, be, full, "0* 2:asvd0.5 3:asvd0.3 5*", rows, emulate.FitOptions{Tokens: tokens})
			if len(report) != 2 || report[1].Place != 2 || report[1].What != "3:asvd0.3" || !(report[1].Left > 0 && report[1].Left < 2) {
				t.Errorf("%s: report %v", family, report)
			}
			for place := 1; place <= 2; place++ {
				for _, l := range layersAt(e, full, rows, place) {
					w, out, in := weight(l.full)
					_, rank, _ := l.made.(*nn.LowRank).Sizes()
					plain, err := compress.SVD(w, out, in, rank)
					if err != nil {
						t.Fatal(err)
					}
					aware, _, _ := weight(l.made)
					a, b := outputError(t, w, aware, l.x, in, tokens), outputError(t, w, plain.Product(), l.x, in, tokens)
					if !(a <= b*(1+1e-5)) { // factors are stored as float32
						t.Errorf("%s, %v: %s leaves %v with its inputs, %v without", family, tokens, l.name, a, b)
					}
				}
			}
		}
	}
}

// TestChannelsThatGoAreMadeUpFor: the MLP's last layer leaves no more than it does with
// the channels just left out, and the channels that stay compute what they did.
func TestChannelsThatGoAreMadeUpFor(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		e, _ := fitted(t, be, full, "0* 2:width0.5 3:width0.8 5*", rows, emulate.FitOptions{Tokens: repair.Plain})
		for place := 1; place <= 2; place++ {
			layers := layersAt(e, full, rows, place)
			down := layers[len(layers)-1]
			w, out, channels := weight(down.full)
			made, _, keep := weight(down.made)
			up, _, in := weight(layers[len(layers)-2].full)
			some, _, _ := weight(layers[len(layers)-2].made)
			if keep != int(channels*5/10) && keep != int(channels*8/10) || len(some) != keep*in {
				t.Fatalf("%s: %d channels of %d", family, keep, channels)
			}
			repaired, removed := make([]float64, len(w)), make([]float64, len(w))
			k := 0
			for c := range channels {
				if k == keep || !slices.Equal(up[c*in:(c+1)*in], some[k*in:(k+1)*in]) {
					continue
				}
				for i := range out {
					repaired[i*channels+c], removed[i*channels+c] = made[i*keep+k], w[i*channels+c]
				}
				k++
			}
			if k != keep {
				t.Fatalf("%s: %d of %d channels are rows of the model's", family, k, keep)
			}
			a, b := outputError(t, w, repaired, down.x, channels, repair.Plain), outputError(t, w, removed, down.x, channels, repair.Plain)
			if !(a < b) {
				t.Errorf("%s, place %d: %v is left repaired, %v removed", family, place, a, b)
			}
		}
	}
}

// TestWandaTakesTheLeastOfEachOutput: no weight that stays is less, times the norm of its
// input on the emulator's own stream, than one of the same output that went. That it leaves
// less of the outputs than magnitudes do is what is found, and no theorem.
func TestWandaTakesTheLeastOfEachOutput(t *testing.T) {
	be, rows := ref.New(), texts(40)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		e, _ := fitted(t, be, full, "0* 2:wanda0.5 3:wanda0.5 5*", rows, emulate.FitOptions{Tokens: repair.Plain})
		for _, l := range layersAt(e, full, rows, 2) {
			w, out, in := weight(l.full)
			made, _, _ := weight(l.made)
			norms := make([]float64, in)
			for i, v := range l.x {
				norms[i%in] += float64(v) * float64(v)
			}
			for i := range out {
				gone, left, zeros := 0.0, math.Inf(1), 0
				for j := range in {
					score := math.Abs(w[i*in+j]) * math.Sqrt(norms[j])
					switch made[i*in+j] {
					case 0:
						gone, zeros = max(gone, score), zeros+1
					case w[i*in+j]:
						left = min(left, score)
					default:
						t.Fatalf("%s: %s has another weight", family, l.name)
					}
				}
				if zeros != in/2 || !(gone <= left*(1+1e-6)) { // rows are seen as float32
					t.Errorf("%s: %s, output %d: %d zeros, up to %v, of %v left", family, l.name, i, zeros, gone, left)
				}
			}
		}
	}
}
