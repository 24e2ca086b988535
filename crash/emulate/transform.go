package emulate

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"lamina/autograd"
	"lamina/crash/compress"
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// transform is how a transform of plans is carried out: it changes a block that is a copy
// of the full model's, over the same values. fits says that it reads the streams, ridged that
// its least squares have a ridge, guarded that it heeds [FitOptions].Lambda. form says
// what sizes a block has then, before there are weights; nil: those of the model's. holds
// is about how many bytes it takes beside weights and a pass, gathers how many of them for
// several blocks at once, up to curvatureBytes; nil: few.
type transform struct {
	fits           bool
	ridged         bool
	guarded        bool
	apply          func(f *fitting, place int, block transformer.Block, amount float64) error
	form           func(c transformer.Config, amount float64) (transformer.Form, error)
	holds, gathers func(layers []linear) int
	// stores is the storage type of the weights of a group of linear layers that had another;
	// nil: what stays as it was keeps its type.
	stores func(group int, was tensor.DType) tensor.DType
}

// transforms are those of [plan.Transforms], by name. Norms and biases stay as they are,
// but for those of channels that go.
var transforms = map[string]transform{
	"svd":    {apply: factorPlain, form: factoredForm, holds: svdBytes},
	"asvd":   {fits: true, ridged: true, apply: factorByInputs, form: factoredForm, holds: asvdBytes},
	"width":  {fits: true, ridged: true, apply: narrow, form: narrowForm, holds: nystromBytes(narrowGroup), stores: storesFitted(narrowGroup, widenGroup)},
	"heads":  {fits: true, ridged: true, apply: fewerHeads, form: headsForm, holds: nystromBytes(outputGroup), stores: storesFitted(outputGroup, attendGroup)},
	"gradot": {fits: true, guarded: true, apply: preserveGradient, form: gradotForm, holds: rankedBytes, gathers: curvatureSize, stores: storesExact},
	"prune":  {apply: pruneByMagnitude, holds: elementBytes, stores: storesExact},
	"wanda":  {fits: true, apply: pruneByInputs, holds: elementBytes, stores: storesExact},
	"int":    {apply: roundWeights, holds: elementBytes, stores: storesAs(tensor.F32)},
	"q8_0":   {apply: storeAs(tensor.Q8_0), stores: storesAs(tensor.Q8_0)},
	"q4_0":   {apply: storeAs(tensor.Q4_0), stores: storesAs(tensor.Q4_0)},
	"q4_k":   {apply: storeAs(tensor.Q4_K), stores: storesAs(tensor.Q4_K)},

	string(plan.FoldRepair): {fits: true, ridged: true, apply: foldGap, stores: storesFitted(narrowGroup, -1)},
}

// The groups of [transformer.Sublayers.Groups]: layers that are given one input each.
const (
	attendGroup = iota
	outputGroup
	widenGroup
	narrowGroup
)

// linear is a linear layer of a block and where it stands.
type linear struct {
	*nn.Linear
	field *nn.Projection
	name  string // that its weights have in a checkpoint
	group int
}

// linearsOf returns the linear layers of a block in the order of the forward pass.
func linearsOf(block transformer.Block) ([]linear, error) {
	s, ok := transformer.SublayersOf(block)
	if !ok {
		return nil, fmt.Errorf("a %T has no attention and MLP to transform", block)
	}
	groups := map[*nn.Projection]int{}
	for i, fields := range s.Groups() {
		for _, field := range fields {
			groups[field] = i
		}
	}
	var all []linear
	for name, field := range nn.ProjectionsOf(block) {
		l, ok := (*field).(*nn.Linear)
		if !ok {
			return nil, fmt.Errorf("%s is a %T, want a plain linear layer", name, *field)
		}
		all = append(all, linear{l, field, name, groups[field]})
	}
	return all, nil
}

// eachLinear computes something of every linear layer of a block and then puts it there.
func eachLinear[T any](block transformer.Block, compute func(l linear) (T, error), put func(l linear, made T) error) error {
	all, err := linearsOf(block)
	if err != nil {
		return err
	}
	return each(all, func(_ int, l linear) (T, error) { return compute(l) }, put)
}

// each computes something of layers, of several at once, and then puts it there in order.
// Errors name the layer.
func each[T any](layers []linear, compute func(i int, l linear) (T, error), put func(l linear, made T) error) error {
	made, errs := make([]T, len(layers)), make([]error, len(layers))
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, l := range layers {
		free <- struct{}{}
		wg.Go(func() {
			made[i], errs[i] = compute(i, l)
			<-free
		})
	}
	wg.Wait()
	for i, l := range layers {
		err := errs[i]
		if err == nil {
			err = put(l, made[i])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

// matrix returns the weight as [out in], whatever its storage.
func (l linear) matrix() (w []float32, out, in int) {
	w = l.Weight.Value.Float32s()
	if in, out = l.Sizes(); l.InOut {
		w = turned(w, in, out)
	}
	return w, out, in
}

// turned returns the transpose of w [rows cols].
func turned(w []float32, rows, cols int) []float32 {
	t := make([]float32, len(w))
	for i := range rows {
		for j := range cols {
			t[j*rows+i] = w[i*cols+j]
		}
	}
	return t
}

// putMatrix puts a layer of the weight w [out in] where l stands, in the layout that l
// has; bias is l's or another.
func (f *fitting) putMatrix(l linear, d tensor.DType, w []float32, out, in int, bias *autograd.Parameter) error {
	shape := []int{out, in}
	if l.InOut {
		w, shape = turned(w, out, in), []int{in, out}
	}
	weight, err := f.stored(l.Weight.Name, d, w, shape...)
	if err == nil {
		*l.field = &nn.Linear{Weight: weight, Bias: bias, InOut: l.InOut}
	}
	return err
}

// keepRows puts a layer of some of l's outputs in l's place.
func (f *fitting) keepRows(l linear, kept []int) error {
	w, out, in := l.matrix()
	bias := l.Bias
	if bias != nil {
		values := compress.Rows(bias.Value.Float32s(), out, kept)
		var err error
		if bias, err = f.stored(bias.Name, exactType(bias.Value.DType()), values, len(kept)); err != nil {
			return err
		}
	}
	return f.putMatrix(l, exactType(l.Weight.Value.DType()), compress.Rows(w, out, kept), len(kept), in, bias)
}

// singles returns what was computed in float64 as it is stored.
func singles(values []float64) []float32 {
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return narrow
}

// stored returns a frozen parameter of the emulator's own in a storage type.
func (f *fitting) stored(name string, d tensor.DType, values []float32, shape ...int) (*autograd.Parameter, error) {
	t, err := tensor.FromFloat32s(f.be, d, values, shape...)
	if err != nil {
		return nil, err
	}
	f.e.own = append(f.e.own, t)
	return &autograd.Parameter{Name: name, Value: t}, nil
}

// exactType returns the smallest type that holds what stood in type d, some of it or all.
func exactType(d tensor.DType) tensor.DType {
	if d == tensor.F16 || d == tensor.BF16 {
		return d
	}
	return tensor.F32
}

// likeness returns ‖Ŷ-Y‖/‖Y-X‖ of what a block makes of the streams at a place, Y, and
// what another makes of them, Ŷ, tokens weighted as in all fits.
func (f *fitting) likeness(place int, block, other transformer.Block) (float64, error) {
	d := *f.e.Decoder
	var apart, change float64
	for _, s := range f.streams {
		weights, err := f.weights(s)
		if err != nil {
			return 0, err
		}
		var y [2][]float32
		for i, b := range []transformer.Block{block, other} {
			d.Blocks = append(slices.Clone(f.e.Decoder.Blocks), b)
			if y[i], err = f.run(&d, s.batch, s.x, place); err != nil {
				return 0, err
			}
		}
		for i, v := range s.x {
			weight := 1.0
			if weights != nil {
				weight = weights[i/f.full.Config.Width]
			}
			was, is := float64(y[0][i]), float64(y[1][i])
			apart += weight * (is - was) * (is - was)
			change += weight * (was - float64(v)) * (was - float64(v))
		}
	}
	if apart == 0 {
		return 0, nil
	}
	return math.Sqrt(apart / change), nil
}
