// Package lens reads a decoder's hidden states as predictions of tokens: the logit lens,
// which puts the final norm and the head onto any of them, and the tuned lens (Belrose et
// al. 2023, arXiv 2303.08112), which first lets a small map per layer say how a state of
// that layer is spoken in the language of the last,
//
//	logits_i = Head(FinalNorm(h_i + A_i·h_i + b_i))
//
// with h_i what enters layer i, entries 0 … L-1. Entry L is what the model itself says.
//
//	l, err := lens.New(be, d, "model")                // A and b are zero: the logit lens
//	o, err := lens.NewObjective(l, d, rows)
//	t := &train.Trainer{Backend: be, Params: l.Params(), Train: o, Settings: lens.Recipe(…)}
//	outcome, err := t.Run(ctx)
//	err = l.Save("lens")                              // as the tuned-lens library writes it
//
//	dist, err := lens.Measure(ctx, be, d, l, rows, …) // how far layers are from each other
//	grid, err := lens.Look(…)                         // figure 3: top tokens by layer and position
//
// Invariants: distances are of probabilities, in float64 from float32 logits, and do not
// depend on how rows fall into passes, nor on how many workers there are; the [N V] logits
// of all layers never exist at once; what a lens was trained for is checked before it is used.
package lens

import (
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/formats/torchbin"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Kind says how a state is read.
type Kind string

// The kinds.
const (
	Tuned Kind = "tuned" // by maps that were trained
	Logit Kind = "logit" // final norm and head alone
	// Raw is the head alone on states between layers, without the norm, as CRaSh's
	// logit-lens script has it; the last state has its norm.
	Raw Kind = "raw"
)

// ParseKind reads the text form of a kind that needs no training.
func ParseKind(text string) (Kind, error) {
	if k := Kind(text); k == Logit || k == Raw {
		return k, nil
	}
	return "", fmt.Errorf("lens %.64q: want logit, raw, or the directory of a trained one", text)
}

// Translator is the map of one entry: what it adds to a state h is A·h + b.
type Translator struct {
	Weight *autograd.Parameter // A [D D], as torch.nn.Linear has it
	Bias   *autograd.Parameter // b [D], or nil
}

// Lens reads states of a decoder of one width and depth.
type Lens struct {
	Kind        Kind
	Config      Config       // of a tuned one
	Translators []Translator // of a tuned one, one an entry 0 … L-1

	file *torchbin.File // that the maps are read from, or nil
}

// NewLogit returns a lens without maps.
func NewLogit(k Kind) *Lens { return &Lens{Kind: k} }

// New returns a tuned lens of a decoder whose maps are zero, which is the logit lens, with
// memory of the device. name is what the lens says of the model that it is for.
func New(dev tensor.Device, d *transformer.Decoder, name string) (*Lens, error) {
	l := &Lens{Kind: Tuned, Config: configOf(d, name)}
	for i := range d.Blocks {
		t := Translator{Weight: &autograd.Parameter{Name: weightName(i)}, Bias: &autograd.Parameter{Name: biasName(i)}}
		var err error
		if t.Weight.Value, err = tensor.New(dev, tensor.F32, d.Config.Width, d.Config.Width); err == nil {
			t.Bias.Value, err = tensor.New(dev, tensor.F32, d.Config.Width)
		}
		l.Translators = append(l.Translators, t)
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("lens of %d layers: %w", len(d.Blocks), err)
		}
	}
	return l, nil
}

func weightName(entry int) string { return fmt.Sprintf("%d.weight", entry) }
func biasName(entry int) string   { return fmt.Sprintf("%d.bias", entry) }

// Close gives the memory of the maps, or their file, back.
func (l *Lens) Close() {
	if l.file != nil {
		l.file.Close()
		l.Translators, l.file = nil, nil
		return
	}
	for w := range l.Params() {
		w.Value.Free()
		w.Value = tensor.Tensor{}
	}
	l.Translators = nil
}

// Params yields the parameters of the maps, entry by entry: what training moves.
func (l *Lens) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		for _, t := range l.Translators {
			for _, w := range []*autograd.Parameter{t.Weight, t.Bias} {
				if w != nil && !yield(w) {
					return
				}
			}
		}
	}
}

// Check returns an error unless the lens is for a decoder of this width, depth and head.
func (l *Lens) Check(d *transformer.Decoder) error {
	if l.Kind != Tuned {
		return nil
	}
	return l.Config.check(d)
}

// translate returns h + A·h + b of rows h [R D] that enter layer entry.
func (l *Lens) translate(p *autograd.Pass, h autograd.Var, entry int) autograd.Var {
	if l.Kind != Tuned {
		return h
	}
	t := l.Translators[entry]
	return p.LinearAdd(h, h, autograd.Affine{W: p.Param(t.Weight), Bias: p.Param(t.Bias)})
}

// Logits returns what rows h [R D] of the stream say of the next token, [R V]: of what
// enters layer entry, or of the last stream where entry is the depth of d.
func (l *Lens) Logits(p *autograd.Pass, d *transformer.Decoder, h autograd.Var, entry, depth int) autograd.Var {
	return p.Linear(l.finish(p, d, h, entry, depth), p.Param(d.Head), autograd.Var{})
}

// finish returns the rows that the head is put on.
func (l *Lens) finish(p *autograd.Pass, d *transformer.Decoder, h autograd.Var, entry, depth int) autograd.Var {
	switch {
	case entry == depth:
		return d.Finish(p, h)
	case l.Kind == Raw && d.Out != nil:
		return d.Out.Forward(p, h)
	case l.Kind == Raw:
		return h
	}
	return d.Finish(p, l.translate(p, h, entry))
}

// chunkRows is how many rows of logits, each of the size of the vocabulary, exist at once a
// layer: a number of the vocabulary alone, so that no bit depends on how rows fall into
// passes.
func chunkRows(vocab int) int {
	const bytes = 32 << 20
	return min(max(bytes/(4*vocab), 16), 256)
}

// finite returns an error naming the parameter that holds a number which is not one.
func (l *Lens) finite() error {
	for w := range l.Params() {
		for i, v := range w.Value.Float32s() {
			if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("tensor %s: element %d is %v: the training diverged, or the file is damaged", w.Name, i, v)
			}
		}
	}
	return nil
}

// headHash returns the library's hash of the head of a decoder, read in float32 whatever it
// is stored in; see [Hash].
func headHash(d *transformer.Decoder) string {
	w := d.Head.Value
	rows, cols := w.Dim(0), w.Dim(1)
	known := map[int][]float32{}
	return Hash(rows, cols, func(row, col int) float32 {
		if known[row] == nil {
			known[row] = make([]float32, cols)
			tensor.DecodeF32(known[row], w.Slice(row, row+1).Raw(), w.DType())
		}
		return known[row][col]
	})
}
