package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// ValueType is a metadata type, numbered as in the file.
type ValueType uint32

// The metadata types.
const (
	Uint8 ValueType = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
	numTypes
)

var valueTypes = [numTypes]struct {
	name string
	size int // bytes; 0: variable
}{
	{"uint8", 1}, {"int8", 1}, {"uint16", 2}, {"int16", 2}, {"uint32", 4}, {"int32", 4}, {"float32", 4},
	{"bool", 1}, {"string", 0}, {"array", 0}, {"uint64", 8}, {"int64", 8}, {"float64", 8},
}

// String returns the type's name in lower case: "uint32", "array".
func (t ValueType) String() string {
	if t >= numTypes {
		return fmt.Sprintf("type %d", uint32(t))
	}
	return valueTypes[t].name
}

// Value is one metadata value: a view of the file, valid until Close and decoded
// by its methods, which report false when the value is of another kind.
type Value struct {
	Type ValueType
	Elem ValueType // element type of an Array
	Len  int       // elements of an Array, 1 otherwise
	data []byte    // without type and count; strings with their lengths
}

// Uint returns an integer of any width that is not negative.
func (v Value) Uint() (uint64, bool) {
	n, negative, ok := integer(v.Type, v.data)
	return n, ok && !negative
}

// Int returns an integer of any width that fits an int64.
func (v Value) Int() (int64, bool) {
	n, negative, ok := integer(v.Type, v.data)
	return int64(n), ok && (negative || n <= math.MaxInt64)
}

// Float returns a float32 or float64.
func (v Value) Float() (float64, bool) { return float(v.Type, v.data) }

// Bool returns a bool.
func (v Value) Bool() (bool, bool) { return v.Type == Bool && v.data[0] != 0, v.Type == Bool }

// Text returns a string, copied from the file. It may hold any bytes.
func (v Value) Text() (string, bool) {
	if v.Type != String {
		return "", false
	}
	return string(v.data[8:]), true
}

// Strings returns an array of strings, copied from the file.
func (v Value) Strings() ([]string, bool) {
	if v.Type != Array || v.Elem != String {
		return nil, false
	}
	out := make([]string, v.Len)
	rest := v.data
	for i := range out {
		n := binary.LittleEndian.Uint64(rest)
		out[i] = string(rest[8 : 8+n])
		rest = rest[8+n:]
	}
	return out, true
}

// Ints returns an array of integers that all fit an int64.
func (v Value) Ints() ([]int64, bool) {
	return list(v, func(data []byte) (int64, bool) {
		return Value{Type: v.Elem, data: data}.Int()
	})
}

// Floats returns an array of float32 or float64.
func (v Value) Floats() ([]float64, bool) {
	return list(v, func(data []byte) (float64, bool) { return float(v.Elem, data) })
}

// Bools returns an array of bool.
func (v Value) Bools() ([]bool, bool) {
	return list(v, func(data []byte) (bool, bool) { return data[0] != 0, v.Elem == Bool })
}

// list decodes an array of fixed-size elements; false if one does not decode.
func list[T any](v Value, decode func([]byte) (T, bool)) ([]T, bool) {
	if v.Type != Array || v.Elem == String {
		return nil, false
	}
	size := valueTypes[v.Elem].size
	out := make([]T, v.Len)
	for i := range out {
		var ok bool
		if out[i], ok = decode(v.data[i*size:][:size]); !ok {
			return nil, false
		}
	}
	return out, true
}

// integer returns the two's complement bits of an integer and its sign.
func integer(t ValueType, b []byte) (n uint64, negative, ok bool) {
	var s int64
	switch t {
	case Uint8:
		return uint64(b[0]), false, true
	case Uint16:
		return uint64(binary.LittleEndian.Uint16(b)), false, true
	case Uint32:
		return uint64(binary.LittleEndian.Uint32(b)), false, true
	case Uint64:
		return binary.LittleEndian.Uint64(b), false, true
	case Int8:
		s = int64(int8(b[0]))
	case Int16:
		s = int64(int16(binary.LittleEndian.Uint16(b)))
	case Int32:
		s = int64(int32(binary.LittleEndian.Uint32(b)))
	case Int64:
		s = int64(binary.LittleEndian.Uint64(b))
	default:
		return 0, false, false
	}
	return uint64(s), s < 0, true
}

func float(t ValueType, b []byte) (float64, bool) {
	switch t {
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), true
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), true
	}
	return 0, false
}
