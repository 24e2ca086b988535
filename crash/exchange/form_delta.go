package exchange

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sort"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/tensor"
)

// DeltaForm sends what training added to T, so that whoever repaired T before he sent it
// adds that to what he had, and the repair stays behind (LoRAM, arXiv 2502.13533, is the
// precedent). Of each tensor of T there is fl32(T_after - T_r) under its name. Where that
// added to T_r in float64 and rounded is not T_after to the bit, rest.value F32 [K] has what
// rounding took away, so that
//
//	T_after - T_r = delta + rest
//
// exactly, and rest.index I64 [K] where: the places in the concatenation of all tensors by
// name, ascending. Without such places neither is there.
var DeltaForm = Form{
	Name: "delta", Help: "what training added to them", Weights: adapterWeights, Adds: true,
	Write: writeDelta,
	Fits: func(file *safetensors.File, expected []Expected) []string {
		return append(fitsT(file, expected, restIndex, restValue), restFits(file)...)
	},
	Delta: func(a *Adapter, w *autograd.Parameter) (Delta, error) {
		step, err := a.float32s(w.Name)
		if err != nil {
			return Delta{}, err
		}
		d := Delta{D: make([]float64, len(step))}
		for i, v := range step {
			d.D[i] = float64(v)
		}
		d.Rest, err = a.restOf(w.Name)
		return d, err
	},
}

// Names of the tensors of a rest.
const (
	restIndex = "rest.index"
	restValue = "rest.value"
)

func writeDelta(dir string, r Returned) error {
	tensors := map[string]func() Delta{}
	var entries []formats.Entry
	var index, rest []byte
	start := 0
	for _, w := range byName(r) {
		tensors[w.Name] = func() Delta { return newDelta[float32](w.Value.Float32s(), w.before.Float32s()) }
		d := tensors[w.Name]()
		for i, v := range d.D {
			if math.IsInf(v, 0) || math.IsNaN(v) {
				return fmt.Errorf("tensor %s: the change of element %d is %v: return the weights themselves", w.Name, i, v)
			}
		}
		for _, i := range slices.Sorted(maps.Keys(d.Rest)) {
			index = binary.LittleEndian.AppendUint64(index, uint64(start+i))
			rest = binary.LittleEndian.AppendUint32(rest, math.Float32bits(float32(d.Rest[i])))
		}
		start += len(d.D)
		entries = append(entries, formats.Entry{Name: w.Name, DType: tensor.F32, Shape: w.Value.Shape()})
	}
	if n := len(rest) / 4; n > 0 {
		entries = append(entries, formats.Entry{Name: restIndex, DType: tensor.I64, Shape: []int{n}}, formats.Entry{Name: restValue, DType: tensor.F32, Shape: []int{n}})
	}
	return writeTensors(dir, adapterWeights, entries, func(name string, w io.Writer) error {
		data := map[string][]byte{restIndex: index, restValue: rest}[name]
		if delta, ok := tensors[name]; ok {
			for _, v := range delta().D {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
			}
		}
		_, err := w.Write(data)
		return err
	})
}

// trained is a parameter with the value that it had before.
type trained struct {
	*autograd.Parameter
	before tensor.Tensor
}

// byName lists what was trained by name.
func byName(r Returned) (all []trained) {
	for w := range r.After {
		all = append(all, trained{w, r.Before[len(all)]})
	}
	slices.SortFunc(all, func(a, b trained) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// restFits says what is wrong with the rest in a file: it is a pair of one length, of finite
// numbers at ascending places in the tensors.
func restFits(file *safetensors.File) (wrong []string) {
	index, hasIndex := file.Entry(restIndex)
	value, hasValue := file.Entry(restValue)
	if !hasIndex && !hasValue {
		return nil
	}
	if index.DType != tensor.I64 || value.DType != tensor.F32 || len(index.Shape) != 1 || !slices.Equal(index.Shape, value.Shape) {
		return []string{fmt.Sprintf("tensors %s and %s are %s%v and %s%v, want I64[K] and F32[K]", restIndex, restValue, index.DType, index.Shape, value.DType, value.Shape)}
	}
	places, err := file.Bytes(restIndex)
	values, err2 := file.Bytes(restValue)
	if err := cmp.Or(err, err2); err != nil {
		return []string{err.Error()}
	}
	last, end := int64(-1), int64(elementsBefore(file, ""))
	for i := range index.Elems() {
		at := int64(binary.LittleEndian.Uint64(places[8*i:]))
		if at <= last || at >= end {
			return []string{fmt.Sprintf("tensor %s has %d at element %d, want ascending places below %d", restIndex, at, i, end)}
		}
		last = at
		if v := float64(math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:]))); math.IsNaN(v) || math.IsInf(v, 0) {
			return []string{fmt.Sprintf("tensor %s has %v at element %d", restValue, v, i)}
		}
	}
	return nil
}

// elementsBefore counts the elements of the tensors of T before one by name; before "" all.
func elementsBefore(file *safetensors.File, name string) (n int) {
	for _, other := range file.Names() {
		if other == name {
			return n
		}
		if other != restIndex && other != restValue {
			e, _ := file.Entry(other)
			n += e.Elems()
		}
	}
	return n
}

// restOf returns the rest of a tensor by element; nil where it has none.
func (a *Adapter) restOf(name string) (map[int]float64, error) {
	all, ok := a.file.Entry(restIndex)
	if !ok {
		return nil, nil
	}
	places, err := a.file.Bytes(restIndex)
	values, err2 := a.file.Bytes(restValue)
	if err := cmp.Or(err, err2); err != nil {
		return nil, err
	}
	place := func(i int) int { return int(binary.LittleEndian.Uint64(places[8*i:])) }
	e, _ := a.file.Entry(name)
	start := elementsBefore(a.file, name)
	var rest map[int]float64
	for i := sort.Search(all.Elems(), func(i int) bool { return place(i) >= start }); i < all.Elems() && place(i) < start+e.Elems(); i++ {
		if rest == nil {
			rest = map[int]float64{}
		}
		rest[place(i)-start] = float64(math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:])))
	}
	return rest, nil
}
