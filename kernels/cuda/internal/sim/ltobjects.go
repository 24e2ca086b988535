package sim

import "encoding/binary"

// ltHandle is what cublasLtCreate makes.
type ltHandle struct{ dev *device }

// ltAttributes are values by number, each with the size that it is set and read with.
type ltAttributes map[uintptr][]byte

func (a ltAttributes) attributes() ltAttributes { return a }

func (a ltAttributes) put(n uintptr, size int, v uint64) {
	b := binary.LittleEndian.AppendUint64(nil, v)
	a[n] = b[:size]
}

func (a ltAttributes) value(n uintptr) uint64 {
	var b [8]byte
	copy(b[:], a[n])
	return binary.LittleEndian.Uint64(b[:])
}

// The descriptors, with the attributes that lt uses, numbered as in cublasLt.h.
type (
	ltDesc       struct{ ltAttributes }
	ltLayout     struct{ ltAttributes }
	ltPreference struct{ ltAttributes }
)

type ltObject interface {
	comparable
	attributes() ltAttributes
}

func ltCreate(l *Lt, a []uintptr) int {
	*at[uintptr](a[0]) = l.m.add(&ltHandle{l.m.bound()})
	return 0
}

func ltDestroy(l *Lt, a []uintptr) int {
	if _, ok := remove[*ltHandle](l.m, "cublasLtDestroy", a[0]); !ok {
		return ltNotInitialized
	}
	return 0
}

// Numbers of attributes of a cublasLtMatmulDesc_t.
const (
	ltDescCompute  = 0
	ltDescScale    = 1
	ltDescTransA   = 3
	ltDescTransB   = 4
	ltDescEpilogue = 7
	ltDescBias     = 8
)

func ltDescCreate(l *Lt, a []uintptr) int {
	d := &ltDesc{ltAttributes{}}
	d.put(ltDescCompute, 4, uint64(a[1]))
	d.put(ltDescScale, 4, uint64(a[2]))
	d.put(ltDescTransA, 4, 0)
	d.put(ltDescTransB, 4, 0)
	d.put(ltDescEpilogue, 4, 1)
	d.put(ltDescBias, 8, 0)
	*at[uintptr](a[0]) = l.m.add(d)
	return 0
}

// Numbers of attributes of a cublasLtMatrixLayout_t.
const (
	ltLayoutType  = 0
	ltLayoutOrder = 1
	ltLayoutRows  = 2
	ltLayoutCols  = 3
	ltLayoutLD    = 4
)

func ltLayoutCreate(l *Lt, a []uintptr) int {
	d := &ltLayout{ltAttributes{}}
	d.put(ltLayoutType, 4, uint64(a[1]))
	d.put(ltLayoutOrder, 4, 0)
	d.put(ltLayoutRows, 8, uint64(a[2]))
	d.put(ltLayoutCols, 8, uint64(a[3]))
	d.put(ltLayoutLD, 8, uint64(a[4]))
	*at[uintptr](a[0]) = l.m.add(d)
	return 0
}

// Numbers of attributes of a cublasLtMatmulPreference_t.
const (
	ltPreferWorkspace = 1
	ltPreferReduction = 3
	ltPreferAlignment = 5 // and the three behind it
)

func ltPreferenceCreate(l *Lt, a []uintptr) int {
	d := &ltPreference{ltAttributes{}}
	d.put(ltPreferWorkspace, 8, 0)
	d.put(ltPreferReduction, 4, 7)
	for i := range 4 {
		d.put(uintptr(ltPreferAlignment+i), 4, 256)
	}
	*at[uintptr](a[0]) = l.m.add(d)
	return 0
}

func ltRemove[T ltObject](l *Lt, a []uintptr) int {
	if _, ok := remove[T](l.m, "cublasLt…Destroy", a[0]); !ok {
		return ltInvalidValue
	}
	return 0
}

// ltSet is cublasLt…SetAttribute(object, attribute, value, bytes).
func ltSet[T ltObject](l *Lt, a []uintptr) int {
	o, ok := get[T](l.m, "cublasLt…SetAttribute", a[0])
	if !ok {
		return ltInvalidValue
	}
	old, ok := o.attributes()[a[1]]
	if !ok || len(old) != int(a[3]) || a[2] == 0 {
		l.m.fault("cublasLt…SetAttribute: attribute %d in %d bytes", a[1], a[3])
		return ltInvalidValue
	}
	copy(old, hostBytes(a[2], len(old)))
	return 0
}

// ltGet is cublasLt…GetAttribute(object, attribute, value, bytes, written).
func ltGet[T ltObject](l *Lt, a []uintptr) int {
	o, ok := get[T](l.m, "cublasLt…GetAttribute", a[0])
	if !ok {
		return ltInvalidValue
	}
	v, ok := o.attributes()[a[1]]
	if !ok || len(v) != int(a[3]) {
		return ltInvalidValue
	}
	copy(hostBytes(a[2], len(v)), v)
	*at[uint64](a[4]) = uint64(len(v))
	return 0
}
