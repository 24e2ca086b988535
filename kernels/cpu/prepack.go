package cpu

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// A weight that stays as it is ([tensor.Tensor.Fix]) is packed for tiles by the first product
// that reads it that way around, while [Options.Prepack] has room, and by no later one. All its
// columns are kept in the layout that a tile packs for itself, block of KC by block:
//
//	part i of block b: words [parts·W(k0) + i·W(kl), …) of W(k) = tiledWords(n, k)
//
// from k0 on, kl inner indices, so that a tile finds its panels there however C is cut, and
// every sum is the same.

// prepacked is one weight in tiles.
type prepacked struct {
	of     *prepackedWeights
	memory tensor.Memory
	words  []float32
	n      int         // columns of op(B)
	ready  atomic.Bool // it may be used
	sick   atomic.Bool // it has infinities or NaN, and its tiles are not kept
}

// prepackedWeights are those that a backend keeps.
type prepackedWeights struct {
	most int           // bytes
	keys [2]prepackKey // of op(B) as stored, and transposed

	lock sync.Mutex
	held int // bytes
	all  map[*prepacked]bool
}

// prepackKey is what a form of a weight is kept under: its address, which no other backend has.
type prepackKey byte

// add returns room for a weight of n columns, or nil if there is none.
func (p *prepackedWeights) add(be *Backend, n, words int) tensor.Form {
	p.lock.Lock()
	defer p.lock.Unlock()
	bytes := tensor.F32.Bytes(words)
	if bytes > p.most-p.held {
		return nil
	}
	memory, err := be.Alloc(bytes)
	if err != nil {
		return nil
	}
	w := &prepacked{of: p, memory: memory, words: tensor.View[float32](memory.(*tensor.HostMemory).Data), n: n}
	if p.all == nil {
		p.all = map[*prepacked]bool{}
	}
	p.all[w] = true
	p.held += bytes
	return w
}

// Free implements tensor.Form.
func (w *prepacked) Free() {
	w.ready.Store(false)
	w.of.lock.Lock()
	defer w.of.lock.Unlock()
	if w.memory != nil {
		delete(w.of.all, w)
		w.of.held -= w.memory.Len()
		w.memory.Free()
		w.memory, w.words = nil, nil
	}
}

// free gives back what is kept of all weights.
func (p *prepackedWeights) free() {
	p.lock.Lock()
	all := slices.Collect(maps.Keys(p.all))
	p.lock.Unlock()
	for _, w := range all {
		w.Free()
	}
}

// CanPrepack reports whether [Options.Prepack] changes anything in a precision on this machine.
func CanPrepack(p kernels.Precision) bool {
	be := Backend{precision: p}
	return be.format().parts() > 0
}

// Prepacked returns the bytes of weights that are kept packed.
func (be *Backend) Prepacked() int {
	be.prepacked.lock.Lock()
	defer be.prepacked.lock.Unlock()
	return be.prepacked.held
}

// findPrepacked lets the parts have what is kept of their weights, packing what may be kept and is
// not yet. While another call packs one it is packed as if it could not be.
func (p *product) findPrepacked() {
	kept := &p.be.prepacked
	if kept.most == 0 {
		return
	}
	for i := range p.parts {
		q := &p.parts[i]
		if q.b.fixed == nil {
			continue
		}
		form, created := q.b.fixed.Form(&kept.keys[bit(q.transB)], func() tensor.Form {
			return kept.add(p.be, q.n, p.tiled.parts*tiledWords(q.n, p.k))
		})
		if form == nil {
			continue
		}
		w := form.(*prepacked)
		if created {
			p.prepack(i, w)
		}
		if w.ready.Load() {
			q.prepacked = w
		}
	}
}

// prepack packs part i's weight.
func (p *product) prepack(i int, w *prepacked) {
	q, strips := &p.parts[i], ceilDiv(p.parts[i].n, stripCols)
	p.be.each(p.work, strips*p.tiled.blocks, func(chunk int) {
		j, block := chunk%strips*stripCols, chunk/strips
		k0, kl := p.depthOf(block)
		n := min(stripCols, q.n-j)
		s := p.be.scratch.get()
		from := q.b.tiles(s, &p.tiled, q.transB, j, n, k0, kl)
		if from.sick {
			w.sick.Store(true)
		} else {
			to := w.tiles(&p.tiled, j, k0, kl)
			for part := range to.parts {
				copy(to.Data[part*to.part:], from.Data[part*from.part:][:from.part])
			}
		}
		p.be.scratch.put(s)
	})
	if w.sick.Load() {
		w.Free()
		return
	}
	w.ready.Store(true)
}

// tiles returns the panels from column j on, a multiple of a panel, of inner indices
// [k0, k0+kl), which are a block.
func (w *prepacked) tiles(t *tiled, j, k0, kl int) tiles {
	panel := tilesOf(kl) * simd.TileWords
	data := w.words[t.parts*tiledWords(w.n, k0)+j/simd.TileWidth*panel:]
	return tiles{Tiled: simd.Tiled{Data: data, Panel: panel}, part: tiledWords(w.n, kl), parts: t.parts}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
