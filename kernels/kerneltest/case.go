package kerneltest

import (
	"math"
	"strings"

	"lamina/kernels"
	"lamina/tensor"
)

// operand is one tensor of a case.
type operand struct {
	name    string
	dtype   tensor.DType // Invalid stands for the type under test, F32 or F64
	shape   []int
	values  []float64 // plain float types; the values before, if written
	ints    []int32   // I32
	raw     []byte    // block types
	bytes   []byte    // values as stored in type kind, nil if that was not made yet
	kind    tensor.DType
	written bool
	rowwise bool // axis 0 is a batch of rows that do not depend on each other
}

// in is an input of the type under test.
func in(name string, values []float64, shape ...int) operand {
	return operand{name: name, shape: shape, values: values}
}

// out is an output that the call overwrites: it holds NaN before.
func out(name string, shape ...int) operand {
	values := make([]float64, product(shape))
	for i := range values {
		values[i] = math.NaN()
	}
	return operand{name: name, shape: shape, values: values, written: true}
}

// inOut is an output that the call adds to.
func inOut(name string, values []float64, shape ...int) operand {
	return operand{name: name, shape: shape, values: values, written: true}
}

// ints is an I32 input.
func ints(name string, values []int32, shape ...int) operand {
	return operand{name: name, dtype: tensor.I32, shape: shape, ints: values}
}

// intsOut is an I32 output.
func intsOut(name string, shape ...int) operand {
	values := make([]int32, product(shape))
	for i := range values {
		values[i] = -77
	}
	return operand{name: name, dtype: tensor.I32, shape: shape, ints: values, written: true}
}

// weight is an input of any storage type: integers or multiples of 1/4 if whole
// is set.
func (s source) weight(name string, d tensor.DType, whole bool, shape ...int) operand {
	o := operand{name: name, dtype: d, shape: shape}
	n := product(shape)
	switch {
	case d.IsBlock():
		o.raw = s.blocks(n, d, whole)
	case whole:
		o.values = s.integers(n, 3)
	default:
		o.values = s.normal(n, 1)
	}
	return o
}

// rows marks o as a batch of independent rows.
func (o operand) rows() operand {
	o.rowwise = true
	return o
}

// as gives o a storage type of its own.
func (o operand) as(d tensor.DType) operand {
	o.dtype = d
	return o
}

// storage returns the operand's type and bytes where d is under test.
func (o operand) storage(d tensor.DType) (tensor.DType, []byte) {
	switch {
	case o.dtype == tensor.I32:
		return o.dtype, tensor.Bytes(o.ints)
	case o.dtype.IsBlock():
		return o.dtype, o.raw
	case o.dtype != tensor.Invalid:
		d = o.dtype
	}
	if o.bytes != nil && o.kind == d {
		return d, o.bytes
	}
	return d, encode(o.values, d)
}

// floats returns the operand's values as the call sees them.
func (o operand) floats(d tensor.DType) []float64 {
	t, raw := o.storage(d)
	return decode(raw, product(o.shape), t)
}

// cut returns the operand with rows [from, to) only.
func (o operand) cut(from, to int) operand {
	row := product(o.shape[1:])
	o.shape = append([]int{to - from}, o.shape[1:]...)
	if o.ints != nil {
		o.ints = o.ints[from*row : to*row]
	} else {
		o.values = o.values[from*row : to*row]
		if o.bytes != nil {
			o.bytes = o.bytes[o.kind.Bytes(from*row):o.kind.Bytes(to*row)]
		}
	}
	return o
}

// testCase is one call and what may be asked of it.
type testCase struct {
	name     string
	operands []operand
	run      func(be kernels.Backend, o []tensor.Tensor)
	// exact demands the bits of the oracle run in the type under test. Without
	// it the oracle runs in float64 and bound says how far an element may be off.
	exact bool
	// bound returns the allowed distance of element i of operand o from want,
	// where u is the rounding unit.
	bound func(o, i int, want, u float64) float64
	// want, if set, replaces the oracle for operand 0.
	want func(d tensor.DType) []float64
	// alias lists pairs (output, input) that may be one tensor.
	alias [][2]int
	// poison lists operands that NaN and the infinities are put into, one at a time.
	poison []int
	// f32Only leaves float64 out of large cases, which are about block sizes.
	f32Only bool
}

// exactly is the bound of results that any order of sums gives.
func exactly(o, i int, want, u float64) float64 { return 0 }

// ulps returns a bound of c rounding units relative to the result.
func ulps(c float64) func(o, i int, want, u float64) float64 {
	return func(o, i int, want, u float64) float64 { return c * u * math.Abs(want) }
}

// cut returns the case with rows [from, to) of its rowwise operands.
func (c testCase) cut(from, to int) testCase {
	operands := append([]operand(nil), c.operands...)
	for i, o := range operands {
		if o.rowwise {
			operands[i] = o.cut(from, to)
		}
	}
	c.operands = operands
	return c
}

// sickIf keeps the case's NaNs and infinities only if keep is set: with many
// cases of one kind, a few of them will do.
func (c testCase) sickIf(keep bool) testCase {
	if !keep {
		c.poison = nil
	}
	return c
}

// kind is the first word of the case's name, and whether NaN is put into its operands.
func (c testCase) kind() string {
	word := c.name
	if i := strings.IndexAny(word, " ("); i >= 0 {
		word = word[:i]
	}
	if len(c.poison) > 0 {
		word += " poisoned"
	}
	return word
}

// encoded returns the case with the bytes of its operands in type d, which all runs in that
// type then share.
func (c testCase) encoded(d tensor.DType) testCase {
	c.operands = append([]operand(nil), c.operands...)
	for i := range c.operands {
		if o := &c.operands[i]; o.values != nil {
			o.kind, o.bytes = o.storage(d)
		}
	}
	return c
}

// batch returns the number of independent rows, 0 if there is no such axis.
func (c testCase) batch() int {
	for _, o := range c.operands {
		if o.rowwise {
			return o.shape[0]
		}
	}
	return 0
}
