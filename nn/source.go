package nn

import (
	"fmt"
	"hash/fnv"
	"math"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/tensor"
)

// Source gives parameters by name. Parameter returns the named one if it is there with
// exactly this shape; what is missing or misshapen the source remembers, returning a
// placeholder, so that a loader reports every mismatch of a checkpoint at once. A
// source that makes new parameters begins them as initial says; one that reads them
// ignores it. Each call returns a new Parameter, frozen.
type Source interface {
	Parameter(name string, initial Initial, shape ...int) *autograd.Parameter
}

// Initial is what a new parameter begins with: normal values, or if Std is 0 the same
// Value everywhere. The layer that owns the parameter says so where it asks for it.
type Initial struct {
	Value float64
	Std   float64 // standard deviation, in units of the source's ([Init])
	// Inputs is how many numbers enter each sum that the parameter is a factor of;
	// 0 where it enters none, as in a table.
	Inputs int
	// Uniform asks for uniform values of that deviation instead of normal ones: in ±√3·Std.
	Uniform bool
}

// What parameters commonly begin with.
var (
	Zeros = Initial{}
	Ones  = Initial{Value: 1}
	// Normal is for tables: embeddings of tokens or positions.
	Normal = Initial{Std: 1}
)

// NormalOf returns normal values for a matrix that sums over so many inputs.
func NormalOf(inputs int) Initial { return Initial{Std: 1, Inputs: inputs} }

// UniformOf returns values uniform in ±1/√inputs for a matrix that sums over so many inputs,
// as torch's linear layers begin (kaiming_uniform with a = √5).
func UniformOf(inputs int) Initial {
	return Initial{Std: 1 / math.Sqrt(3), Inputs: inputs, Uniform: true}
}

// Init is a [Source] of new weights. Their values depend on Seed and the parameter's
// name only.
type Init struct {
	Device tensor.Device
	Seed   uint64
	// Std is the standard deviation of what is normal, for instance 0.02, as
	// transformers initialises OPT and LLaMA. 0, the usual choice, means
	// 1/√[Initial.Inputs] (fan-in, as LeCun has it), which keeps the size of numbers from
	// layer to layer; 1 for a table. It never means zeros.
	Std float64
}

// Parameter returns a new F32 parameter, whose value is the caller's to free. If there
// is no memory for it, or a standard deviation is none, its value says so
// ([tensor.Tensor.Err]), and so do [Trainable] and every pass that meets it.
func (s Init) Parameter(name string, initial Initial, shape ...int) *autograd.Parameter {
	err := s.validate(name, initial)
	var t tensor.Tensor
	if err == nil {
		t, err = tensor.New(s.Device, tensor.F32, shape...)
	}
	if err != nil {
		return &autograd.Parameter{Name: name, Value: tensor.NoMemory(err, tensor.F32, shape...)}
	}
	values := make([]float32, t.Len())
	s.fill(values, name, initial)
	t.SetFloat32s(values)
	return &autograd.Parameter{Name: name, Value: t}
}

// fill writes what the parameter begins with.
func (s Init) fill(values []float32, name string, initial Initial) {
	if initial.Std == 0 {
		for i := range values {
			values[i] = float32(initial.Value)
		}
		return
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	draw, std := philox.New(s.Seed, h.Sum64()), initial.Std*s.std(initial.Inputs)
	if !initial.Uniform {
		draw.FillNormal(values, 0, 0, std)
		return
	}
	draw.FillUniform(values, 0)
	for i, u := range values { // from [0, 1)
		values[i] = float32(math.Sqrt(3) * std * (2*float64(u) - 1))
	}
}

// validate returns an error for what would begin with zeros, or not with numbers, by
// mistake.
func (s Init) validate(name string, i Initial) error {
	switch {
	case !(s.Std >= 0) || math.IsInf(s.Std, 0):
		return fmt.Errorf("nn: Init: Std %v: want a positive number, or 0 for 1/√inputs", s.Std)
	case !(i.Std >= 0) || math.IsInf(i.Std, 0):
		return fmt.Errorf("nn: Init: %s: Initial.Std %v: want a positive number, or 0 for Value everywhere", name, i.Std)
	case i.Std == 0 && i.Uniform:
		return fmt.Errorf("nn: Init: %s: Uniform and no Std: want UniformOf(%d), or neither for Value everywhere", name, i.Inputs)
	case i.Std == 0 && i.Inputs != 0:
		return fmt.Errorf("nn: Init: %s: %d inputs and no Std: want NormalOf(%d), or no Inputs for Value everywhere", name, i.Inputs, i.Inputs)
	}
	return nil
}

func (s Init) std(inputs int) float64 {
	if s.Std != 0 {
		return s.Std
	}
	return 1 / math.Sqrt(float64(max(inputs, 1)))
}

// Weights is a [Source] below one prefix of its names.
type Weights struct {
	source Source
	prefix string
}

// From returns the root of a source's names.
func From(s Source) Weights { return Weights{source: s} }

// At returns the weights below child: their names go on with it and a dot.
func (w Weights) At(child string) Weights { return Weights{w.source, w.prefix + child + "."} }

// Get returns the parameter called name below the prefix; see [Source].
func (w Weights) Get(name string, initial Initial, shape ...int) *autograd.Parameter {
	return w.source.Parameter(w.prefix+name, initial, shape...)
}
