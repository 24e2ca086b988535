package exchange

import (
	"fmt"
	"math"
	"strings"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// LoRA is the name of the form in which a change of full weights comes back cut to a low
// rank, if no LoRA was trained.
const LoRA = "lora"

// DefaultRank is that of such a form where nobody says.
const DefaultRank = 8

// Factored says what became of a change that was cut to LoRA.
type Factored struct {
	Rank    int     `json:"rank"`
	Error   float64 `json:"error"`   // ‖dT - B·A‖/‖dT‖ over all of T, Euclidean norms
	Outside float64 `json:"outside"` // ‖dT‖ of norms and biases, which LoRA has not, over ‖dT‖
}

// String tells it.
func (f Factored) String() string {
	return fmt.Sprintf("as LoRA of rank %d it is %.2f%% away from what training changed (‖dT - B·A‖/‖dT‖); norms and biases, which LoRA leaves out, are %.2f%% of that", f.Rank, 100*f.Error, 100*f.Outside)
}

// CheckFactors returns an error where the layers of blocks have no LoRA of a rank.
func CheckFactors(d *transformer.Decoder, blocks []transformer.Block, rank int) error {
	_, err := peft.Beside(peft.Blank{}, d, blocks, loraOf(rank))
	return err
}

func loraOf(rank int) peft.Config {
	return peft.Config{Kind: LoRA, Rank: rank, Alpha: float64(rank), Targets: []string{peft.AllLinear}}
}

// FactorsOf returns, as a LoRA that [Save] takes, the nearest one of a rank to what training
// made of each linear layer of blocks, by the sum of squares: dW ≈ B·A with the √ of the
// singular values in each. It is to be closed.
func FactorsOf(dev tensor.Device, d *transformer.Decoder, blocks []transformer.Block, r Returned, rank int) (*peft.Attached, Factored, error) {
	s := &factors{dev: dev, rank: rank, changes: map[string]trained{}, inOut: map[string]bool{}, done: map[string]compress.Factors{}}
	for _, w := range byName(r) {
		s.changes[w.Name] = w
		s.all += s.norm(w)
	}
	s.outside, s.off = s.all, s.all
	for _, b := range blocks {
		if scaled, ok := b.(*transformer.Scaled); ok {
			b = scaled.Block
		}
		for _, field := range nn.ProjectionsOf(b) {
			if l, ok := (*field).(*nn.Linear); ok {
				s.inOut[l.Weight.Name] = l.InOut
			}
		}
	}
	a, err := peft.Beside(s, d, blocks, loraOf(rank))
	if err == nil && s.err != nil {
		a.Close()
		err = s.err
	}
	if err != nil || s.all == 0 {
		return a, Factored{Rank: rank}, err
	}
	return a, Factored{rank, math.Sqrt(max(0, s.off) / s.all), math.Sqrt(max(0, s.outside) / s.all)}, nil
}

// factors is a source of the parameters of a LoRA.
type factors struct {
	dev     tensor.Device
	rank    int
	changes map[string]trained
	inOut   map[string]bool
	done    map[string]compress.Factors // by weight
	err     error

	all, outside, off float64 // squared norms: of dT, of what LoRA has not, of what is left out
}

func (s *factors) norm(w trained) (sum float64) {
	for _, v := range s.change(w) {
		sum += v * v
	}
	return sum
}

func (s *factors) change(w trained) []float64 {
	after, before := w.Value.Float32s(), w.before.Float32s()
	d := make([]float64, len(after))
	for i, v := range after {
		d[i] = float64(v) - float64(before[i])
	}
	return d
}

// Parameter returns A or B of a layer. What is wrong is kept for the end.
func (s *factors) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	layer, isA := strings.CutSuffix(name, ".lora_A.weight")
	layer = strings.TrimSuffix(layer, ".lora_B.weight")
	f, err := s.of(layer + ".weight")
	var t tensor.Tensor
	if err == nil {
		numbers := f.Up
		if isA {
			numbers = f.Down
		}
		values := make([]float32, len(numbers))
		for i, v := range numbers {
			values[i] = float32(v)
		}
		t, err = tensor.FromFloat32s(s.dev, tensor.F32, values, shape...)
	}
	if err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("layer %s: %w", layer, err)
		}
		t = tensor.NoMemory(nil, tensor.F32, shape...) // goes nowhere
	}
	return &autograd.Parameter{Name: name, Value: t}
}

// of returns the factors of a weight's change, once.
func (s *factors) of(weight string) (compress.Factors, error) {
	if f, ok := s.done[weight]; ok {
		delete(s.done, weight) // A and B ask for it, and nobody else
		return f, nil
	}
	w, ok := s.changes[weight]
	if !ok {
		return compress.Factors{}, fmt.Errorf("its weights %s were not trained", weight)
	}
	d, shape := s.change(w), w.Value.Shape()
	out, in := shape[0], shape[1]
	if s.inOut[weight] {
		out, in = in, out
		d = transposed(d, in, out)
	}
	f, err := compress.SVD(d, out, in, s.rank)
	if err != nil {
		return f, err
	}
	whole, left := 0.0, 0.0
	for i, v := range f.Product() {
		whole += d[i] * d[i]
		left += (d[i] - v) * (d[i] - v)
	}
	s.outside -= whole
	s.off += left - whole
	s.done[weight] = f
	return f, nil
}

// transposed returns a matrix [rows cols] as [cols rows].
func transposed(m []float64, rows, cols int) []float64 {
	t := make([]float64, len(m))
	for r := range rows {
		for c := range cols {
			t[c*rows+r] = m[r*cols+c]
		}
	}
	return t
}
