package cuda

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"lamina/kernels"
	"lamina/tensor"
)

const (
	mostVectors = 4  // products of one launch
	vectorBytes = 48 // struct Product of matvec.cuh
)

// MatVec implements kernels.Backend. It takes no library, so that a step of decoding is
// one graph.
func (be *Backend) MatVec(a kernels.MatMulArgs) {
	one := [1]kernels.MatMulArgs{a}
	be.vectors(one[:])
}

// MatVecs implements kernels.Backend. Products with weights of one type are one launch.
func (be *Backend) MatVecs(all []kernels.MatMulArgs) {
	for len(all) > 0 {
		n := 1
		for n < min(len(all), mostVectors) && all[n].B.DType() == all[0].B.DType() && all[n].TransB == all[0].TransB {
			n++
		}
		be.vectors(all[:n])
		all = all[n:]
	}
}

// vectors computes up to mostVectors products of one A and one type of weights.
func (be *Backend) vectors(all []kernels.MatMulArgs) {
	a, k := all[0].A, all[0].A.Cols()
	mustF32("MatVec", a)
	m, dtype, trans := a.Rows(), all[0].B.DType(), all[0].TransB
	if m == 0 {
		return
	}
	var wide [mostVectors]scratch // blocks of a weight stored [k n] go across its rows
	if !trans && dtype.IsBlock() {
		for i, p := range all {
			wide[i] = be.widenPanel(right{at: be.at(p.B), dtype: dtype, n: p.C.Cols(), k: k}, tensor.F32, 0, p.C.Cols())
		}
		dtype = tensor.F32
	}
	kernel := vectorKernels[vectorKey{dtype, trans, m == 1}]
	l := be.start(kernel.name)
	var table [mostVectors * vectorBytes]byte
	blocks := 0
	for i := range mostVectors {
		b := table[i*vectorBytes:]
		if i >= len(all) {
			binary.LittleEndian.PutUint32(b[40:], math.MaxUint32)
			continue
		}
		p := &all[i]
		weight := wide[i].Ptr
		if weight == 0 {
			weight = l.address(p.B)
		}
		binary.LittleEndian.PutUint64(b, uint64(l.address(p.C)))
		binary.LittleEndian.PutUint64(b[8:], uint64(weight))
		binary.LittleEndian.PutUint64(b[16:], uint64(l.address(p.Bias)))
		binary.LittleEndian.PutUint64(b[24:], uint64(l.address(p.Residual)))
		binary.LittleEndian.PutUint32(b[32:], uint32(p.C.Cols()))
		binary.LittleEndian.PutUint32(b[36:], uint32(p.Func))
		binary.LittleEndian.PutUint32(b[40:], uint32(blocks))
		blocks += ceilDiv(m, kernel.rows) * ceilDiv(p.C.Cols(), kernel.columns)
	}
	l.bytes(table[:])
	l.tensor(a)
	l.u32(m)
	l.u32(k)
	l.launch(blocks, kernel.threads)
	for _, s := range wide {
		s.free()
	}
}

// vectorKey is what a kernel of matvec.cuh is for: a type, stored [n k] or [k n], for one
// row or several.
type vectorKey struct {
	dtype tensor.DType
	trans bool
	one   bool
}

// vectorKernel is such a kernel, and how many rows and columns of C a block of it has.
type vectorKernel struct {
	name          string
	rows, columns int
	threads       int
}

var vectorKernels = func() map[vectorKey]vectorKernel {
	const warps, columns = 4, 2 // of a block; of a warp, where there are several rows
	all := map[vectorKey]vectorKernel{}
	for _, d := range weightTypes {
		rows := 8
		if d.IsBlock() {
			rows = 4
		}
		name := strings.ToLower(fmt.Sprintf("lamina_matvec_%v_", d))
		several := fmt.Sprint(rows)
		all[vectorKey{d, true, true}] = vectorKernel{name + "1", 1, warps, 32 * warps}
		all[vectorKey{d, true, false}] = vectorKernel{name + several, rows, columns * warps, 32 * warps}
		if !d.IsBlock() {
			name = strings.Replace(name, "matvec", "matvec_in", 1)
			all[vectorKey{d, false, true}] = vectorKernel{name + "1", 1, 32, 256}
			all[vectorKey{d, false, false}] = vectorKernel{name + several, rows, 32, 256}
		}
	}
	return all
}()
