package transformer

import (
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
)

// What follows is a whole family, as its own file would have it: attention and
// feed-forward layer side by side, as in GPT-J, with a factor of its own.

var parallelFamily = family{
	name: "parallel",
	configure: func(c *Config, k *keys) error {
		c.setSizes(sizes{
			vocab: k.int(11, "vocab_size"), width: k.int(8, "hidden_size"), layers: k.int(2, "num_hidden_layers"),
			heads: k.int(2, "num_attention_heads"), positions: k.int(16, "max_position_embeddings"),
		})
		c.FeedForward, c.Eps, c.Activation, c.own = 2*c.Width, 1e-5, kernels.SiLU, k.float(0, "factor")
		return nil
	},
	validate:  wantWholeHeads,
	embedding: embeddingNames{tokens: "base.words.weight"},
	layers:    "base.blocks.",
	block: func(c *Config, name string, _ int) Block {
		return &parallelBlock{config: c, name: name, factor: c.own.(float64)}
	},
	ending:   func(d *Decoder, v nn.Visitor) { v.RMSNorm(&d.Norm, "base.norm", d.Config.Width, d.Config.Eps) },
	fullName: func(name string) string { return name },
}

type parallelBlock struct {
	Norm     *nn.Norm
	QKV, O   nn.Projection
	Up, Down nn.Projection

	config *Config
	name   string
	factor float64
}

func (b *parallelBlock) Parts(v nn.Visitor) {
	c, d := b.config, b.config.Width
	v = v.In(&b.name)
	v.RMSNorm(&b.Norm, "norm", d, c.Eps)
	v.Linear(&b.QKV, "qkv", d, 3*d, false)
	v.Linear(&b.O, "o", d, d, false)
	v.Linear(&b.Up, "up", d, c.FeedForward, true)
	v.Linear(&b.Down, "down", c.FeedForward, d, true)
}

func (b *parallelBlock) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	h, d := b.Norm.Forward(p, x), b.config.Width
	qkv := b.QKV.Forward(p, h)
	q, k, v := p.Slice(qkv, 1, 0, d), p.Slice(qkv, 1, d, 2*d), p.Slice(qkv, 1, 2*d, 3*d)
	x = addDropped(p, x, b.O, at.Attend(p, b.factor, q, k, v))
	return addDropped(p, x, b.Down, nn.LinearFunc(p, b.config.Activation, b.Up, h))
}

func (b *parallelBlock) Clone() Block { return nn.CloneOf(b) }

// TestAFamilyIsAFileAndALine: with the line in the table and nothing else changed the
// family's configuration is read, its weights are counted and listed, it runs, is
// copied and trained.
func TestAFamilyIsAFileAndALine(t *testing.T) {
	before := families
	families = append(slices.Clip(families), parallelFamily)
	defer func() { families = before }()

	c, err := ParseConfig([]byte(`{"model_type":"parallel","vocab_size":19,"hidden_size":8,"num_hidden_layers":2,
		"num_attention_heads":2,"max_position_embeddings":16,"factor":0.25,"tie_word_embeddings":false}`))
	if err != nil {
		t.Fatal(err)
	}
	if block := 8 + 4*8*8 + 2*8*16 + 16 + 8; c.BlockParams() != block || c.Params() != 2*19*8+2*block+8 {
		t.Errorf("%d weights, %d a block, want %d a block", c.Params(), c.BlockParams(), block)
	}
	be := ref.New()
	d := New(c, nn.Init{Device: be, Seed: 1})
	var linears []string
	for name := range d.Linears() {
		linears = append(linears, name)
	}
	if len(linears) != 8 || linears[5] != "base.blocks.1.o" {
		t.Errorf("linear layers %v", linears)
	}
	copied := d.Clone()
	trained, err := nn.Trainable(be, d.Params())
	if err != nil {
		t.Fatal(err)
	}
	loss := func(d *Decoder, p *autograd.Pass) float64 {
		sum := d.LossAt(p, d.Forward(p, NewBatch([]int32{3, 1, 4}, []int32{1, 5}), nil), []int32{0, 1, 3}, []int32{1, 4, 5})
		if d != copied {
			p.Backward(sum, 1)
		}
		return sum.T.Floats()[0]
	}
	first := loss(d, autograd.NewTrainingPass(be))
	kernels.AddScaled(be, trained.Values, trained.Grads, -0.05)
	trained.ZeroGrads(be)
	if second := loss(d, autograd.NewTrainingPass(be)); !(second < first) || math.IsNaN(first) {
		t.Errorf("a step brings the loss from %v to %v", first, second)
	}
	if same := loss(copied, autograd.NewPass(be)); math.Abs(same-first) > 1e-5 {
		t.Errorf("the copy's loss is %v, was %v", same, first)
	}
}
