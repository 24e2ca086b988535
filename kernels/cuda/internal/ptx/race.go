package ptx

import (
	"bytes"
	"fmt"
	"math/bits"
)

// Races are found by who used a place last, and when. Time is counted in intervals: a
// worker's count goes on at each barrier and each block, so that an interval belongs to
// one block. Each warp knows, for every warp of its block, up to which interval that
// one's accesses are ordered before its own; a barrier tells it (a vector clock). Within
// a warp it is bar.warp.sync that orders. An atomic operation races with nothing, and
// two writes of the same value are none.

// pageBytes is how many bytes share a table of uses.
const pageBytes = 1024

// page has the last uses of pageBytes bytes: one for four bytes, or, where smaller
// accesses were made, one for each.
type page struct {
	uses []usage
	word bool
}

// usage is who wrote a place last, and who has read it since.
type usage struct {
	wrote     uint32 // interval; 0: never
	read      uint32 // interval of the last read
	readElse  uint32 // interval of a read by an earlier block
	wroteSync uint32
	readSync  uint32
	readers   uint32 // warps of the block that read last
	wroteWarp uint8
	wroteLane uint8
	readWarp  uint8
	readLane  uint8 // several: several
}

const several = 255

// ordered notes a barrier of some warps: what they did before comes before what they do
// next.
func (k *worker) ordered(warps uint32) {
	var joined [32]uint32
	for rest := warps; rest != 0; rest &= rest - 1 {
		w := k.warps[bits.TrailingZeros32(rest)]
		for i, t := range w.seen {
			joined[i] = max(joined[i], t)
		}
	}
	for rest := warps; rest != 0; rest &= rest - 1 {
		joined[bits.TrailingZeros32(rest)] = k.now
	}
	for rest := warps; rest != 0; rest &= rest - 1 {
		w := k.warps[bits.TrailingZeros32(rest)]
		w.seen = joined
		w.syncs++
	}
	k.now++
}

// checksRaces reports whether accesses to a space are looked at.
func (k *worker) checksRaces(s space) bool {
	return s == shared && k.sharedRaces || s == global && k.races
}

// readAgain reports whether a read of four bytes tells nothing new: the thread, or several
// of its warp, read them in this interval, or its warp and another, which is enough
// for whoever writes.
func (w *warp) readAgain(lane int, r *region, at int) bool {
	if r.races == nil {
		return false
	}
	p := r.races[at/pageBytes]
	if p == nil || !p.word {
		return false
	}
	e := &p.uses[at%pageBytes/4]
	me := uint32(1) << w.id
	if e.read != w.k.now || e.readers&me == 0 {
		return false
	}
	return e.readers != me || e.readSync == w.syncs && (e.readLane == several || int(e.readLane) == lane)
}

// firstWrite notes a write of four bytes that nobody used before, and reports whether it
// was one.
func (w *warp) firstWrite(lane int, s space, r *region, at int) bool {
	if r.races == nil {
		return false
	}
	p := r.races[at/pageBytes]
	if p == nil || !p.word {
		return false
	}
	since := w.k.first
	if s == shared {
		since = w.k.begin
	}
	e := &p.uses[at%pageBytes/4]
	if e.wrote >= since || e.read >= since {
		return false
	}
	*e = usage{wrote: w.k.now, wroteWarp: uint8(w.id), wroteLane: uint8(lane), wroteSync: w.syncs}
	return true
}

// race checks an access against those before, and notes it.
func (w *warp) race(in *instr, lane int, s space, r *region, at, n int, u use) {
	if r.races == nil {
		r.races = make([]*page, len(r.data)/pageBytes+1)
	}
	since := w.k.first
	if s == shared {
		since = w.k.begin
	}
	from := at
	for end := at + n; at < end; {
		p := r.races[at/pageBytes]
		if p == nil {
			p = w.k.newPage(s, r, at/pageBytes)
		}
		if n < 4 && p.word {
			w.k.split(p)
		}
		within, step := at%pageBytes, 1
		if p.word {
			within, step = within/4, 4
		}
		e := &p.uses[within]
		if e.wrote >= since && !w.after(e, lane) || u&write != 0 && e.read >= since {
			if what := w.conflict(e, lane, since, r, at, at-from, step, u); what != "" {
				w.raced(in, lane, s, r, at, what)
			}
		}
		if u&write != 0 {
			*e = usage{wrote: w.k.now, wroteWarp: uint8(w.id), wroteLane: uint8(lane), wroteSync: w.syncs}
		} else {
			w.noteRead(e, lane, since)
		}
		at += step
	}
}

func (w *warp) raced(in *instr, lane int, s space, r *region, at int, what string) {
	kind := GlobalRace
	if s == shared {
		kind = SharedRace
	}
	address := r.base + uint64(at)
	w.fault(in, lane, kind, address, w.where(s, address, lane), what)
}

// after reports whether the last write of a place, in this launch or block, is ordered
// before what the thread does now.
func (w *warp) after(e *usage, lane int) bool {
	if e.wrote < w.k.begin {
		return false
	}
	if int(e.wroteWarp) == w.id {
		return int(e.wroteLane) == lane || e.wroteSync != w.syncs
	}
	return w.seen[e.wroteWarp&31] >= e.wrote
}

// touched is a page of a region.
type touched struct {
	r    *region
	page int
}

// newPage gives a region a page. One of an earlier launch will do: what it knows is
// older than all that matters now.
func (k *worker) newPage(s space, r *region, i int) *page {
	p := &page{word: true}
	if n := len(k.spare); n > 0 {
		p, k.spare = k.spare[n-1], k.spare[:n-1]
	} else {
		p.uses = make([]usage, pageBytes/4)
	}
	r.races[i] = p
	if s != shared {
		k.touched = append(k.touched, touched{r, i})
	}
	return p
}

// dropPages takes back the pages of global memory at the end of a launch.
func (k *worker) dropPages() {
	for _, t := range k.touched {
		if p := t.r.races[t.page]; p.word {
			k.spare = append(k.spare, p)
		} else {
			k.spareBytes = append(k.spareBytes, p.uses)
		}
		t.r.races[t.page] = nil
	}
	k.touched = k.touched[:0]
}

// split gives each byte of a page its own uses.
func (k *worker) split(p *page) {
	var uses []usage
	if n := len(k.spareBytes); n > 0 {
		uses, k.spareBytes = k.spareBytes[n-1], k.spareBytes[:n-1]
	} else {
		uses = make([]usage, pageBytes)
	}
	for i := range uses {
		uses[i] = p.uses[i/4]
	}
	p.uses, p.word = uses, false
}

// conflict says whom an access races with; "" for nobody.
func (w *warp) conflict(e *usage, lane int, since uint32, r *region, at, off, n int, u use) string {
	if e.wrote >= since && !w.after(e, lane) && (u&write == 0 || !bytes.Equal(r.data[at:at+n], w.value[off:off+n])) {
		who := "another block"
		if e.wrote >= w.k.begin {
			who = fmt.Sprintf("thread %v", w.k.warps[e.wroteWarp].thread(int(e.wroteLane)))
		}
		if u&write == 0 {
			return "read what " + who + " wrote, with no barrier between"
		}
		return "written otherwise than " + who + " did, with no barrier between"
	}
	if u&write == 0 || e.read < since {
		return ""
	}
	const after = ", with no barrier between"
	if e.read < w.k.begin || e.readElse >= since {
		return "written after another block read it" + after
	}
	for rest := e.readers &^ (1 << w.id); rest != 0; rest &= rest - 1 {
		if v := bits.TrailingZeros32(rest); w.seen[v] < e.read {
			return fmt.Sprintf("written after a thread of warp %d read it", v) + after
		}
	}
	if int(e.readWarp) == w.id && int(e.readLane) != lane && e.readSync == w.syncs {
		return "written after another thread of the warp read it" + after
	}
	return ""
}

// noteRead enters a read.
func (w *warp) noteRead(e *usage, lane int, since uint32) {
	me := uint32(1) << w.id
	switch {
	case e.read < since:
		e.readers, e.readElse = 0, 0
	case e.read < w.k.begin:
		e.readers, e.readElse = 0, e.read
	default:
		for rest := e.readers &^ me; rest != 0; rest &= rest - 1 {
			if v := bits.TrailingZeros32(rest); w.seen[v] >= e.read {
				e.readers &^= 1 << v
			}
		}
	}
	together := e.readers&me != 0 && e.readWarp == uint8(w.id) && e.readSync == w.syncs
	if together && e.readLane != uint8(lane) {
		e.readLane = several
	} else {
		e.readLane = uint8(lane)
	}
	e.readWarp, e.readSync, e.read = uint8(w.id), w.syncs, w.k.now
	e.readers |= me
}
