package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unsafe"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/intercept"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// layer is a linear layer whose products are measured.
type layer struct {
	name   string
	weight *autograd.Parameter
}

// layersOf returns q_proj and down_proj of a block and the head.
func layersOf(d *transformer.Decoder, block int) ([]layer, error) {
	var layers []layer
	for _, name := range []string{"q_proj", "down_proj"} {
		for full, l := range nn.ProjectionsOf(d.Blocks[block]) {
			if linear, ok := (*l).(*nn.Linear); ok && strings.HasSuffix(full, name) {
				layers = append(layers, layer{name, linear.Weight})
			}
		}
	}
	if len(layers) != 2 {
		return nil, fmt.Errorf("block %d has not one q_proj and one down_proj: the models measured are LLaMAs", block)
	}
	return append(layers, layer{"lm_head", d.Head}), nil
}

// kinds are the products of a layer.
var kinds = []string{"Y = X·Wᵀ", "dX = dY·W", "dW = dYᵀ·X"}

// arithmetic is a column of the table.
type arithmetic struct {
	name string
	be   *cpu.Backend
}

// watch is a backend that measures, of each layer, the first product of every kind.
type watch struct {
	tensor.Device
	intercept.Calls

	ctx         context.Context
	be          *cpu.Backend
	layers      []layer
	products    int
	arithmetics []arithmetic
	seen        map[string]bool
	out         io.Writer
	err         error
}

func newWatch(ctx context.Context, be *cpu.Backend, layers []layer, o precision) *watch {
	w := &watch{Device: be, ctx: ctx, be: be, layers: layers, products: o.elements, seen: map[string]bool{}}
	w.Around = func(c intercept.Call) {
		switch args := c.Args[0].(type) {
		case kernels.MatMulArgs:
			w.look(args)
		case []kernels.MatMulArgs:
			for _, a := range args {
				w.look(a)
			}
		}
		c.Run(be)
	}
	add := func(name string, p kernels.Precision, tiles bool) {
		w.arithmetics = append(w.arithmetics, arithmetic{name, cpu.New(cpu.Options{Threads: o.threads, Precision: p, TilesInGo: tiles})})
	}
	add("f32", kernels.PrecisionF32, false)
	rounded := []kernels.Precision{kernels.PrecisionBF16, kernels.PrecisionBF16x3, kernels.PrecisionBF16x6}
	if cpu.NoTiles() != "" {
		for _, p := range rounded {
			add(p.String(), p, false)
		}
	}
	for _, p := range rounded {
		add(p.String()+" by AMX", p, true)
	}
	return w
}

// Queue implements kernels.Backend.
func (w *watch) Queue() (kernels.Backend, error) { return w, nil }

func (w *watch) close() {
	for _, a := range w.arithmetics {
		a.be.Close()
	}
}

// header begins the table.
func (w *watch) header(out io.Writer, tokens int) {
	w.out = out
	fmt.Fprintf(out, "%s, %d tokens; largest / root mean square\n\n| layer | product | inner | elements |", w.be.Name(), tokens)
	for _, a := range w.arithmetics {
		fmt.Fprintf(out, " %s |", a.name)
	}
	fmt.Fprintln(out, "\n"+strings.Repeat("|---", 4+len(w.arithmetics))+"|")
}

// look measures a product if it is one that is wanted.
func (w *watch) look(args kernels.MatMulArgs) {
	for _, l := range w.layers {
		kind := -1
		switch {
		case same(args.B, l.weight.Value) && args.TransB:
			kind = 0
		case same(args.B, l.weight.Value):
			kind = 1
		case same(args.C, l.weight.Grad):
			kind = 2
		}
		if kind < 0 || w.seen[l.name+kinds[kind]] || w.err != nil {
			continue
		}
		w.seen[l.name+kinds[kind]] = true
		if w.err = w.ctx.Err(); w.err != nil {
			return
		}
		w.row(l.name, kinds[kind], args)
	}
}

// same reports whether two tensors begin at one place.
func same(a, b tensor.Tensor) bool {
	if a.DType() != tensor.F32 || b.DType() != tensor.F32 {
		return false
	}
	return unsafe.SliceData(tensor.HostFloats[float32](a)) == unsafe.SliceData(tensor.HostFloats[float32](b))
}

// row prints a line of the table.
func (w *watch) row(name, kind string, args kernels.MatMulArgs) {
	s := sampled(args, w.products)
	s.sum()
	fmt.Fprintf(w.out, "| %s | %s | %d | %d x %d |", name, kind, s.k, s.m, s.n)
	for _, a := range w.arithmetics {
		largest, rms := s.errors(a.be)
		fmt.Fprintf(w.out, " %s / %s |", short(largest), short(rms))
	}
	fmt.Fprintln(w.out)
}

// short writes a number with three digits.
func short(x float64) string {
	if x >= 1000 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// missing is the error of products that did not come.
func (w *watch) missing() error {
	for _, l := range w.layers {
		for _, k := range kinds {
			if !w.seen[l.name+k] {
				return fmt.Errorf("%s: the model did not compute %s as one product in F32", l.name, k)
			}
		}
	}
	return nil
}
