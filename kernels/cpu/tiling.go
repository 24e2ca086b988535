package cpu

import "lamina/kernels/internal/simd"

// tiling is how C is cut into tiles. It reaches no bits.
type tiling struct {
	rows, cols int  // of a tile; a part's columns are cut evenly
	own        bool // tiles pack their own rows of op(A)
}

const (
	// maxTileRows is how many rows a tile may have: KC of each, packed, are half a MiB.
	maxTileRows = 528
	// packRowCost and packColumnCost are how many multiplications take the time of
	// packing an element of op(A) and op(B) into the second-level cache. Packing op(A)
	// for everybody, and fetching it from there, takes sharedCost: it comes and goes
	// between caches.
	packRowCost, packColumnCost, sharedCost = 28, 12, 100
	// meetCost is how many take the time of waiting for the last worker: some 5 µs.
	meetCost = 1 << 19
)

// tileWidths are the columns that tiles may have at most. C of the widest does not stay in the
// second-level cache until the next block of KC: with AVX-512 that still takes less than
// packing op(A) twice, with AVX2 more.
var tileWidths = [...]int{2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, 64}

const widestWithout512 = 1024

// blockRows is how many packed rows of op(A), whole panels, micro-kernels go down at once:
// what stays in the second-level cache beside op(B), 1 MiB or more where there is AVX-512,
// else from 256 KiB on.
func blockRows() int {
	rows, height := 132, simd.GemmTile().MR
	if simd.Active() == simd.AVX512 {
		rows = maxTileRows
	}
	return rows / height * height
}

// chooseTiling returns the tiles that take the least time on the backend's workers.
func (p *product) chooseTiling() tiling {
	best, least := tiling{}, 0
	for pieces := ceilDiv(p.m, maxTileRows); ; pieces *= 2 {
		rows := ceilDiv(ceilDiv(p.m, pieces), p.tile.MR) * p.tile.MR
		rowTs := ceilDiv(p.m, rows)
		for _, limit := range tileWidths {
			if limit > widestWithout512 && simd.Active() != simd.AVX512 {
				continue
			}
			colTs, cols := 0, 0
			for i := range p.parts {
				width := evenly(p.parts[i].n, limit, p.tile.NR)
				colTs += ceilDiv(p.parts[i].n, width)
				cols = max(cols, width)
			}
			for _, own := range []bool{true, false} {
				if cost := p.cost(rows, cols, rowTs*colTs, own); least == 0 || cost < least {
					best, least = tiling{rows, limit, own}, cost
				}
			}
		}
		if rows <= 4*p.tile.MR {
			return best
		}
	}
}

// cost estimates the time that tiles take, in multiplications.
func (p *product) cost(rows, cols, tiles int, own bool) int {
	workers := p.be.pool.Workers()
	if p.work < p.be.small {
		workers = 1
	}
	tile, shared := rows*cols+packColumnCost*cols, 0
	if own {
		tile += packRowCost * rows
	} else {
		shared = sharedCost * p.m * p.k / workers
		if workers > 1 {
			shared += meetCost
		}
	}
	rounds := ceilDiv(tiles, workers)
	late := 0
	if workers > 1 {
		late = tile / 32
	}
	return (rounds*tile+late)*p.k + shared
}
