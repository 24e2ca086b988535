package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// q8Rows is how many rows of A are rounded at a time.
const q8Rows = 512

// q8Product is one call of MatMul or MatMuls with A rounded to 8 bits. Calls are reused.
type q8Product struct {
	be      *Backend
	m, k    int
	a       []float32
	i0      int       // rows at work
	rounded []float32 // a as it is multiplied
	one     [1]kernels.MatMulArgs
	round   func(row int)

	// Of products in integers: see q8bytes.go.
	parts     []part
	rows      int       // at work
	panels    []float32 // of A
	strange   []bool    // rows that are taken as they are
	pack, run func(chunk int)
}

// inQ8 reports whether a product takes its A rounded to 8 bits: blocks of the weight then
// lie along the inner axis. Others are F32.
func (be *Backend) inQ8(args *kernels.MatMulArgs) bool {
	return be.precision == kernels.PrecisionQ8 && args.B.DType().IsBlock() && args.TransB && !args.TransA
}

// matMulQ8 is MatMul of a product that is inQ8.
func (be *Backend) matMulQ8(args kernels.MatMulArgs) {
	p := be.productQ8()
	p.one[0] = args
	p.compute("MatMul", p.one[:])
	p.one[0] = kernels.MatMulArgs{}
	be.productsQ8.put(p)
}

// matMulsQ8 is MatMuls of those of the products that are inQ8.
func (be *Backend) matMulsQ8(products []kernels.MatMulArgs) {
	p := be.productQ8()
	p.compute("MatMuls", products)
	be.productsQ8.put(p)
}

func (be *Backend) productQ8() *q8Product {
	p := be.productsQ8.get()
	if p.be == nil {
		p.be, p.round, p.pack, p.run = be, p.roundRow, p.packChunk, p.runChunk
	}
	return p
}

// compute multiplies in integers where there is an instruction for that.
func (p *q8Product) compute(op string, products []kernels.MatMulArgs) {
	first := &products[0]
	p.a, p.m, p.k = f32(first.A), first.A.Rows(), first.A.Cols()
	if simd.Has(simd.DotInt8) && p.k > 0 {
		p.computeBytes(op, products)
	} else {
		p.computeWide(op, products)
	}
	p.a = nil
}

// computeWide multiplies the rounded numbers d·q as a product in F32: where there is no
// instruction for sums of products of bytes, nothing is faster.
func (p *q8Product) computeWide(op string, products []kernels.MatMulArgs) {
	for p.i0 = 0; p.i0 < p.m; p.i0 += q8Rows {
		rows := min(q8Rows, p.m-p.i0)
		grow(&p.rounded, rows*p.k)
		p.be.each(rows*p.k*cheap, rows, p.round)
		f := p.be.newProduct()
		for i := range products {
			if p.be.inQ8(&products[i]) {
				f.set(op, &products[i])
			}
		}
		f.cut(p.i0, rows)
		f.a = view{p.rounded, rows, p.k, p.k}
		f.compute()
		f.release()
	}
}

// roundRow rounds a row, unless it is one that is taken as it is.
func (p *q8Product) roundRow(row int) {
	x, y := p.a[(p.i0+row)*p.k:][:p.k], p.rounded[row*p.k:][:p.k]
	s := p.be.scratch.get()
	if s.q8.Round(x) {
		simd.UnroundQ8(y, s.q8.Q, s.q8.D)
	} else {
		copy(y, x)
	}
	p.be.scratch.put(s)
}

// cut leaves rows [i, i+m) of all products.
func (p *product) cut(i, m int) {
	p.work = p.work / max(p.m, 1) * m
	p.m = m
	for j := range p.parts {
		q := &p.parts[j]
		q.c = q.c[i*q.n:]
		if q.residual != nil {
			q.residual = q.residual[i*q.n:]
		}
	}
}
