package transformer_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// smallModels has one decoder of each form that blocks take.
var smallModels = map[string]string{"opt": smallOPT, "post-norm": smallPostNorm, "llama": smallLLaMA, "gpt2": smallGPT2, "bloom": smallBLOOM}

func small(t *testing.T, be kernels.Backend, name string) *transformer.Decoder {
	t.Helper()
	c, err := transformer.ParseConfig([]byte(smallModels[name]))
	if err != nil {
		t.Fatal(err)
	}
	return transformer.New(c, nn.Init{Device: be, Seed: 5, Std: 0.05})
}

// The layers and blocks below are what somebody outside might add. Nothing in the
// package knows of them.

// lora is a layer with a low-rank pair beside it (Hu et al. 2021, arXiv 2106.09685):
// plain(x) + x·Aᵀ·Bᵀ.
type lora struct {
	Plain *nn.Linear
	A, B  *autograd.Parameter // [R in], [out R]
}

func (l *lora) Base() *nn.Linear { return l.Plain }

func (l *lora) AddTo(p *autograd.Pass, y, x autograd.Var) autograd.Var {
	return p.LinearAdd(y, p.Linear(x, p.Param(l.A), autograd.Var{}), autograd.Affine{W: p.Param(l.B)})
}

func (l *lora) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return l.AddTo(p, l.Plain.Forward(p, x), x)
}

func (l *lora) Params() nn.Params { return nn.Join(l.Plain.Params(), nn.List(l.A, l.B)) }

func (l *lora) Clone() nn.Projection {
	return &lora{l.Plain.Clone().(*nn.Linear), nn.Clone(l.A), nn.Clone(l.B)}
}

// pair is a layer of low rank in place of one: two linear layers in a row.
type pair struct{ First, Second nn.Projection }

func (l *pair) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return l.Second.Forward(p, l.First.Forward(p, x))
}

func (l *pair) Params() nn.Params { return nn.Join(l.First.Params(), l.Second.Params()) }

func (l *pair) Clone() nn.Projection { return &pair{l.First.Clone(), l.Second.Clone()} }

// mapBlock is a linear map between two blocks: x + x·Wᵀ.
type mapBlock struct{ Map nn.Projection }

func (b *mapBlock) Parts(v nn.Visitor) { v.Projection(&b.Map, "map", nil) }

func (b *mapBlock) Forward(p *autograd.Pass, x autograd.Var, _ transformer.Place) autograd.Var {
	return nn.LinearAdd(p, x, b.Map, x)
}

func (b *mapBlock) Clone() transformer.Block { return nn.CloneOf(b) }

// addLoRA puts a pair of rank 2 beside every linear layer: A is normal, B too or 0.
func addLoRA(be kernels.Backend, d *transformer.Decoder, b nn.Initial) (pairs []*autograd.Parameter) {
	init := nn.Init{Device: be, Seed: 6}
	for name, field := range d.Linears() {
		w := nn.From(init).At(name)
		plain := (*field).(*nn.Linear)
		in, out := plain.Sizes()
		l := &lora{plain, w.Get("lora_A", nn.NormalOf(in), 2, in), w.Get("lora_B", b, out, 2)}
		*field, pairs = l, append(pairs, l.A, l.B)
	}
	return pairs
}

// TestLinearsNamesEveryLinearLayer: the names are those of the checkpoint, each once, in
// the order of the parameters.
func TestLinearsNamesEveryLinearLayer(t *testing.T) {
	for _, name := range models(t) {
		d, _ := open(t, ref.New(), name)
		var want []string
		for w := range d.Params() {
			if kind, _, _ := strings.Cut(w.Name, "embed"); len(w.Value.Shape()) == 2 && kind == w.Name && w != d.Head && !strings.HasPrefix(w.Name, "transformer.w") {
				want = append(want, strings.TrimSuffix(w.Name, ".weight"))
			}
		}
		d.Blocks = append(d.Blocks, d.Blocks[0])
		var got []string
		for name := range d.Linears() {
			got = append(got, name)
		}
		if !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s: %v\nwant %v", name, got, want)
		}
	}
}

func ExampleDecoder_Linears() {
	ckpt, _ := transformer.Open("testdata/llama-gqa-tied")
	defer ckpt.Close()
	d, _ := ckpt.Decoder(ref.New())
	for name, field := range d.Linears() {
		if strings.HasPrefix(name, "model.layers.1.") {
			fmt.Println(name, (*field).(*nn.Linear).Weight.Value)
		}
	}
	// Output:
	// model.layers.1.self_attn.q_proj F32[24 24]
	// model.layers.1.self_attn.k_proj F32[8 24]
	// model.layers.1.self_attn.v_proj F32[8 24]
	// model.layers.1.self_attn.o_proj F32[24 24]
	// model.layers.1.mlp.gate_proj F32[40 24]
	// model.layers.1.mlp.up_proj F32[40 24]
	// model.layers.1.mlp.down_proj F32[24 40]
}

// layerRows are the sequences that the tests below run.
var layerRows = [][]int32{{5, 31, 23, 7, 7, 90}, {7}, {299, 0, 1}}

// scores returns the logits of layerRows.
func scores(be kernels.Backend, d *transformer.Decoder) []float32 {
	p := autograd.NewPass(be)
	return d.Logits(p, d.Forward(p, transformer.NewBatch(layerRows...), nil)).T.Float32s()
}

// TestLoRAStandsInEveryFamily: beside every linear layer of every family, without a
// line of theirs. With B zero no logit and no generated token changes; with any B
// copies are independent and training moves A and B alone.
func TestLoRAStandsInEveryFamily(t *testing.T) {
	for name := range smallModels {
		be := cpu.New(cpu.Options{})
		t.Cleanup(func() { be.Close() })
		d := small(t, be, name)
		want, words := scores(be, d), greedy(t, d, be)
		plain := len(slices.Collect(d.Params()))
		adapted := d.Clone()
		pairs := addLoRA(be, adapted, nn.Zeros)
		sameLogits(t, name+": B zero", scores(be, adapted), want)
		if got := greedy(t, adapted, be); !slices.Equal(got, words) {
			t.Errorf("%s: B zero generates %v, want %v", name, got, words)
		}
		if n := len(slices.Collect(adapted.Params())); n != plain+len(pairs) || len(pairs) < 6*8 {
			t.Errorf("%s: %d parameters, %d without the %d of LoRA", name, n, plain, len(pairs))
		}
		copied := adapted.Clone()
		loss := trainStep(t, be, adapted, nn.List(pairs...))
		if again := lossAndGrads(be, adapted, nil); !(again < loss) {
			t.Errorf("%s: a step on A and B brings the loss from %v to %v", name, loss, again)
		}
		sameLogits(t, name+": the base", scores(be, d), want)
		sameLogits(t, name+": a copy", scores(be, copied), want)
	}
}

// TestGradientsOfOtherLayers holds gradients through each kind of layer, in every
// family, against the difference of losses along the gradient.
func TestGradientsOfOtherLayers(t *testing.T) {
	for name := range smallModels {
		be := ref.New()
		for kind, change := range map[string]func(d *transformer.Decoder) []*autograd.Parameter{
			"LoRA":          func(d *transformer.Decoder) []*autograd.Parameter { return addLoRA(be, d, nn.Initial{Std: 0.1}) },
			"low-rank pair": func(d *transformer.Decoder) []*autograd.Parameter { return replaceByPairs(be, d) },
			"nn.LowRank":    func(d *transformer.Decoder) []*autograd.Parameter { return replaceByLowRank(be, d) },
			"map":           func(d *transformer.Decoder) []*autograd.Parameter { return insertMap(be, d, nn.Initial{Std: 0.02}) },
			"bias":          func(d *transformer.Decoder) []*autograd.Parameter { return addBiases(be, d) },
		} {
			d := small(t, be, name)
			params := change(d)
			trained := tensor.Must(nn.Trainable(be, nn.List(params...)))
			lossAndGrads(be, d, trained)
			g, w := trained.Grads.Floats(), trained.Values.Floats()
			square := 0.0
			for _, v := range g {
				square += v * v
			}
			along := func(step float64) float64 {
				moved := slices.Clone(w)
				for i := range moved {
					moved[i] += step * g[i] / math.Sqrt(square)
				}
				trained.Values.SetFloats(moved)
				return lossAndGrads(be, d, nil)
			}
			step := min(0.005/math.Sqrt(square), 0.02) // a change of about a hundredth: above rounding, below curvature
			if got, want := (along(step)-along(-step))/(2*step), math.Sqrt(square); math.Abs(got-want) > 0.02*want || want < 1e-3 {
				t.Errorf("%s, %s: the loss changes by %v along a gradient of norm %v", name, kind, got, want)
			}
		}
	}
}

// replaceByPairs puts two layers of rank 3 for every second linear layer.
func replaceByPairs(be kernels.Backend, d *transformer.Decoder) (params []*autograd.Parameter) {
	i := 0
	for name, field := range d.Linears() {
		if i++; i%2 == 0 {
			in, out := (*field).(*nn.Linear).Sizes()
			w := nn.From(nn.Init{Device: be, Seed: 7}).At(name)
			l := &pair{nn.NewLinear(w.At("first"), in, 3, false), nn.NewLinear(w.At("second"), 3, out, true)}
			*field, params = l, slices.AppendSeq(params, l.Params())
		}
	}
	return params
}

// replaceByLowRank puts an nn.LowRank of rank 3 for every second linear layer.
func replaceByLowRank(be kernels.Backend, d *transformer.Decoder) (params []*autograd.Parameter) {
	i := 0
	for name, field := range d.Linears() {
		if i++; i%2 == 0 {
			in, out := (*field).(*nn.Linear).Sizes()
			*field = nn.NewLowRank(nn.From(nn.Init{Device: be, Seed: 7}).At(name), in, 3, out, true)
			params = slices.AppendSeq(params, (*field).Params())
		}
	}
	return params
}

// insertMap puts a linear map behind the second block.
func insertMap(be kernels.Backend, d *transformer.Decoder, initial nn.Initial) []*autograd.Parameter {
	width := d.Config.Width
	m := &nn.Linear{Weight: nn.Init{Device: be, Seed: 8, Std: 1}.Parameter("map.weight", initial, width, width)}
	d.Blocks = slices.Insert(d.Blocks, 2, transformer.Block(&mapBlock{m}))
	return []*autograd.Parameter{m.Weight}
}

// addBiases gives every linear layer a bias of its own, whatever it has.
func addBiases(be kernels.Backend, d *transformer.Decoder) (params []*autograd.Parameter) {
	for name, field := range d.Linears() {
		l := (*field).(*nn.Linear)
		_, out := l.Sizes()
		biased := &nn.Linear{Weight: l.Weight, Bias: nn.Init{Device: be, Seed: 9, Std: 0.1}.Parameter(name+".bias", nn.Normal, out), InOut: l.InOut}
		*field, params = biased, append(params, biased.Bias)
	}
	return params
}

// TestMapBetweenBlocks: a map of zeros changes nothing; the block that holds it is
// listed, copied, left out and repeated as the others are.
func TestMapBetweenBlocks(t *testing.T) {
	for name := range smallModels {
		be := ref.New()
		d := small(t, be, name)
		want := scores(be, d)
		before := len(slices.Collect(d.Params()))
		w := insertMap(be, d, nn.Zeros)[0]
		sameLogits(t, name+": a map of zeros", scores(be, d), want)
		if got := slices.Collect(d.Params()); len(got) != before+1 || !slices.Contains(got, w) {
			t.Errorf("%s: %d parameters with the map, %d without, or not the map's", name, len(got), before)
		}
		c := d.Clone()
		if loss := trainStep(t, be, d, nn.List(w)); !(lossAndGrads(be, d, nil) < loss) {
			t.Errorf("%s: training the map does not lower the loss", name)
		}
		sameLogits(t, name+": a copy from before", scores(be, c), want)
		repeated := *d
		repeated.Blocks = slices.Insert(slices.Clone(d.Blocks), 5, d.Blocks[2])
		if got := scores(be, &repeated); slices.Equal(got, scores(be, d)) {
			t.Errorf("%s: the map at a second place changes nothing", name)
		}
		d.Blocks = slices.Delete(slices.Clone(d.Blocks), 2, 3)
		sameLogits(t, name+": without the map again", scores(be, d), want)
	}
}

// grouping notes how many products each call of the backend has.
type grouping struct {
	kernels.Backend
	calls []int
}

func (g *grouping) MatMuls(a []kernels.MatMulArgs) {
	g.calls = append(g.calls, len(a))
	g.Backend.MatMuls(a)
}

func (g *grouping) MatVecs(a []kernels.MatMulArgs) {
	g.calls = append(g.calls, len(a))
	g.Backend.MatVecs(a)
}

// TestPlainLayersRunInOneCall: queries, keys and values, gate and up are one call each
// while all of them are plain, plain with something added, or of low rank, and a call
// each where one is anything else.
func TestPlainLayersRunInOneCall(t *testing.T) {
	be := &grouping{Backend: ref.New()}
	d := small(t, be, "llama")
	d.Blocks = d.Blocks[:1]
	calls := func() []int {
		be.calls = nil
		scores(be, d)
		return be.calls
	}
	if got := calls(); !slices.Equal(got, []int{3, 2}) {
		t.Errorf("calls of %v products, want 3 and 2", got)
	}
	addLoRA(be, d, nn.Zeros)
	if got := calls(); !slices.Equal(got, []int{3, 2}) {
		t.Errorf("with LoRA beside every layer, calls of %v products, want 3 and 2", got)
	}
	adapted := d
	d = small(t, be, "llama")
	d.Blocks = d.Blocks[:1]
	replaceByLowRank(be, d)
	if got := calls(); !slices.Equal(got, []int{3, 2}) {
		t.Errorf("with every second layer of low rank, calls of %v products, want 3 and 2", got)
	}
	d = adapted
	for name, field := range d.Linears() {
		if strings.HasSuffix(name, ".up_proj") {
			w := nn.From(nn.Init{Device: be})
			*field = &pair{nn.NewLinear(w, 64, 3, false), nn.NewLinear(w, 3, 160, false)}
		}
	}
	if got := calls(); !slices.Equal(got, []int{3}) {
		t.Errorf("with a pair in place of up, calls of %v products, want 3", got)
	}
}

// lossAndGrads returns the mean loss of one pass with dropout, and leaves gradients in
// trained unless it is nil.
func lossAndGrads(be kernels.Backend, d *transformer.Decoder, trained *nn.Trained) float64 {
	p := autograd.NewPass(be)
	if trained != nil {
		p = autograd.NewTrainingPass(be)
	}
	p.Arena.Poison = true
	rows, targets := []int32{0, 3, 5, 6, 9}, []int32{1, 299, 4, 4, 8}
	x := d.Rows(p, d.Forward(p, transformer.NewBatch(layerRows...), nil), rows)
	want := p.New(tensor.I32, len(targets))
	want.SetInts(targets)
	sum := d.Loss(p, x, want)
	if trained != nil {
		p.Backward(sum, 1/float64(len(targets)))
	}
	return sum.T.Floats()[0] / float64(len(targets))
}

// trainStep moves params a little against their gradient and returns the loss before.
// It fails if anything else becomes trainable.
func trainStep(t *testing.T, be kernels.Backend, d *transformer.Decoder, params nn.Params) float64 {
	t.Helper()
	trained := tensor.Must(nn.Trainable(be, params))
	loss := lossAndGrads(be, d, trained)
	kernels.AddScaled(be, trained.Values, trained.Grads, -0.1)
	n := 0
	for w := range d.Params() {
		if w.Trainable {
			n++
		}
	}
	if n != len(trained.Params) {
		t.Errorf("%d parameters are trainable, want %d", n, len(trained.Params))
	}
	return loss
}

// greedy returns four tokens that the decoder generates.
func greedy(t *testing.T, d *transformer.Decoder, be kernels.Backend) (ids []int32) {
	t.Helper()
	err := d.Generate(t.Context(), be, []int32{7, 8, 9}, 4, transformer.Sampling{}, func(id int32) bool {
		ids = append(ids, id)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
