package nn

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"lamina/autograd"
)

// Module is something made of layers: a block, an embedding, a whole network. Parts
// shows a visitor the field of each part, in the order of the forward pass, with the
// name that its weights have in a checkpoint and its sizes:
//
//	func (b *mlp) Parts(v nn.Visitor) {
//		v = v.In(&b.name) // "model.layers.0.mlp"
//		v.Linear(&b.Up, "up_proj", b.width, 4*b.width, false)
//		v.Linear(&b.Down, "down_proj", 4*b.width, b.width, false)
//	}
//
// A module within the module is a field that holds it, no pointer, and is shown by its
// own Parts: b.Attention.Parts(v.At("attn")).
//
// Parts is called to build the module, when the fields are still empty, and later for
// each of the other functions below. It does nothing but show the parts; which ones
// there are may depend on a configuration, never on the visitor.
type Module interface{ Parts(v Visitor) }

// Visitor is shown the parts of a [Module]. What it does with them is the matter of
// [Build], [ParamsOf], [CloneOf], [Rename], [ProjectionsOf] or [NormsOf].
type Visitor struct {
	prefix     string
	parameter  func(field **autograd.Parameter, name string, initial Initial, shape []int)
	norm       func(field **Norm, name string, build func(Weights) *Norm)
	projection func(field *Projection, name string, build func(Weights) Projection)
	name       func(field *string)   // may be nil
	rank       func(name string) int // may be nil
}

// In shows the field that holds the module's own name, and returns the visitor for
// parts whose names begin with that and a dot.
func (v Visitor) In(name *string) Visitor {
	if v.name != nil {
		v.name(name)
	}
	return v.At(*name)
}

// At returns the visitor for parts whose names begin with child and a dot.
func (v Visitor) At(child string) Visitor {
	v.prefix += child + "."
	return v
}

// Parameter shows a parameter that belongs to no layer, such as a table.
func (v Visitor) Parameter(field **autograd.Parameter, name string, initial Initial, shape ...int) {
	v.parameter(field, v.prefix+name, initial, shape)
}

// Linear shows a field that [NewLinear] builds.
func (v Visitor) Linear(field *Projection, name string, in, out int, bias bool) {
	rank := v.rankOf(name)
	v.Projection(field, name, func(w Weights) Projection {
		if rank > 0 {
			return NewLowRank(w, in, rank, out, bias)
		}
		return NewLinear(w, in, out, bias)
	})
}

// Conv1D shows a field that [NewConv1D] builds.
func (v Visitor) Conv1D(field *Projection, name string, in, out int) {
	rank := v.rankOf(name)
	v.Projection(field, name, func(w Weights) Projection {
		if rank > 0 {
			return NewLowRank(w, in, rank, out, true)
		}
		return NewConv1D(w, in, out)
	})
}

func (v Visitor) rankOf(name string) int {
	if v.rank == nil {
		return 0
	}
	return v.rank(v.prefix + name)
}

// Projection shows a field that build makes out of the weights below name. Without a
// build the module comes with the field filled.
func (v Visitor) Projection(field *Projection, name string, build func(Weights) Projection) {
	v.projection(field, v.prefix+name, build)
}

// LayerNorm shows a field that [NewLayerNorm] builds.
func (v Visitor) LayerNorm(field **Norm, name string, d int, eps float64, affine bool) {
	v.norm(field, v.prefix+name, func(w Weights) *Norm { return NewLayerNorm(w, d, eps, affine) })
}

// RMSNorm shows a field that [NewRMSNorm] builds.
func (v Visitor) RMSNorm(field **Norm, name string, d int, eps float64) {
	v.norm(field, v.prefix+name, func(w Weights) *Norm { return NewRMSNorm(w, d, eps) })
}

// Build fills the fields of m with layers whose weights come from the source.
func Build(s Source, m Module) { BuildRanked(s, m, nil) }

// BuildRanked is [Build] of a module in which some linear layers are pairs: rank gives that
// of the [LowRank] which stands for the layer of a name, and 0 for the layer itself.
func BuildRanked(s Source, m Module, rank func(name string) int) {
	w := From(s)
	m.Parts(Visitor{
		rank: rank,
		parameter: func(field **autograd.Parameter, name string, initial Initial, shape []int) {
			*field = w.Get(name, initial, shape...)
		},
		norm: func(field **Norm, name string, build func(Weights) *Norm) { *field = build(w.At(name)) },
		projection: func(field *Projection, name string, build func(Weights) Projection) {
			if build != nil {
				*field = build(w.At(name))
			}
		},
	})
}

// ParamsOf yields the parameters of m in the order of its parts.
func ParamsOf(m Module) Params {
	return func(yield func(*autograd.Parameter) bool) {
		more := true
		list := func(params Params) {
			params(func(w *autograd.Parameter) bool {
				more = more && yield(w)
				return more
			})
		}
		m.Parts(Visitor{
			parameter: func(field **autograd.Parameter, _ string, _ Initial, _ []int) { list(List(*field)) },
			norm:      func(field **Norm, _ string, _ func(Weights) *Norm) { list((*field).Params()) },
			projection: func(field *Projection, _ string, _ func(Weights) Projection) {
				list((*field).Params())
			},
		})
	}
}

// CloneOf returns a copy of m whose parts are frozen copies over the same values. What
// else m has, such as its configuration, both have. It panics if m holds a module by a
// pointer, which would be one and the same in both.
func CloneOf[T any, M interface {
	*T
	Module
}](m M) M {
	own := slices.Collect(ParamsOf(m))
	copied := *m
	M(&copied).Parts(Visitor{
		parameter: func(field **autograd.Parameter, _ string, _ Initial, _ []int) { *field = Clone(*field) },
		norm:      func(field **Norm, _ string, _ func(Weights) *Norm) { *field = (*field).Clone() },
		projection: func(field *Projection, _ string, _ func(Weights) Projection) {
			*field = (*field).Clone()
		},
	})
	if !slices.Equal(slices.Collect(ParamsOf(m)), own) {
		panic(fmt.Sprintf("nn: CloneOf: %T: a module within it is held by a pointer, want a field of its own", m))
	}
	return &copied
}

// Rename gives what m has under one name the same place under another: parameters and
// names that are from, or begin with it and a dot. It is for a module that is read from
// one place of a checkpoint and belongs to another.
func Rename(m Module, from, to string) {
	renamed := func(name string) string {
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || rest[0] == '.') {
			return to + rest
		}
		return name
	}
	rename := func(params Params) {
		for w := range params {
			w.Name = renamed(w.Name)
		}
	}
	m.Parts(Visitor{
		parameter:  func(field **autograd.Parameter, _ string, _ Initial, _ []int) { rename(List(*field)) },
		norm:       func(field **Norm, _ string, _ func(Weights) *Norm) { rename((*field).Params()) },
		projection: func(field *Projection, _ string, _ func(Weights) Projection) { rename((*field).Params()) },
		name:       func(field *string) { *field = renamed(*field) },
	})
}

// ProjectionsOf yields the fields of m for linear layers and their names. What a field
// holds can be replaced.
func ProjectionsOf(m Module) iter.Seq2[string, *Projection] {
	return func(yield func(string, *Projection) bool) {
		more := true
		m.Parts(Visitor{
			parameter: func(**autograd.Parameter, string, Initial, []int) {},
			norm:      func(**Norm, string, func(Weights) *Norm) {},
			projection: func(field *Projection, name string, _ func(Weights) Projection) {
				more = more && yield(name, field)
			},
		})
	}
}

// NormsOf yields the parameters of the norms of m alone, in the order of its parts.
func NormsOf(m Module) Params {
	return func(yield func(*autograd.Parameter) bool) {
		more := true
		m.Parts(Visitor{
			parameter:  func(**autograd.Parameter, string, Initial, []int) {},
			projection: func(*Projection, string, func(Weights) Projection) {},
			norm: func(field **Norm, _ string, _ func(Weights) *Norm) {
				for w := range (*field).Params() {
					more = more && yield(w)
				}
			},
		})
	}
}
