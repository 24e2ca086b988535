package ptx

import (
	"encoding/binary"
	"fmt"
)

var le = binary.LittleEndian

// use is what is done with memory.
type use uint8

const (
	read use = 1 << iota
	write
	atomically
	readWrite = read | write
)

// place finds the n bytes at an address of a space for a thread, or faults.
func (w *warp) place(in *instr, lane int, s space, address uint64, n int, u use) (*region, int) {
	if s == generic {
		s, address = w.resolve(address)
	}
	r := w.regionOf(in, lane, s, address, n, u)
	off := address - r.base
	if off > uint64(len(r.data)) || uint64(n) > uint64(len(r.data))-off {
		w.outOfBounds(in, lane, s, address, n, u)
	}
	if address&uint64(n-1) != 0 {
		w.fault(in, lane, Misaligned, address, w.where(s, address, lane), fmt.Sprintf("%d bytes %s", n, inMemory(s, u)))
	}
	at := int(off)
	if !allWritten(r.state, at, n) {
		w.checkState(in, lane, s, r, at, n, address, u)
	}
	if w.k.checksRaces(s) && u&readWrite != 0 && u&atomically == 0 {
		w.race(in, lane, s, r, at, n, u)
	}
	return r, at
}

// regionOf finds what an address may lie in.
func (w *warp) regionOf(in *instr, lane int, s space, address uint64, n int, u use) *region {
	switch s {
	case shared:
		return &w.block.shared
	case local:
		return &w.local[lane]
	case param:
		return &w.k.params
	}
	// An instruction mostly uses the same allocation again.
	if w.fn != w.k.entry {
		if r := w.k.regions.find(address); r != nil {
			return r
		}
		w.outOfBounds(in, lane, s, address, n, u)
	}
	r := w.k.cache[in.pc]
	if r == nil || address-r.base >= uint64(len(r.data)) {
		if r = w.k.regions.find(address); r == nil {
			w.outOfBounds(in, lane, s, address, n, u)
		}
		w.k.cache[in.pc] = r
	}
	return r
}

// allWritten reports whether n bytes of a region were all written.
func allWritten(state []byte, at, n int) bool {
	const all = 0x0101010101010101
	switch n {
	case 4:
		return le.Uint32(state[at:]) == all&0xffffffff
	case 8:
		return le.Uint64(state[at:]) == all
	case 16:
		return le.Uint64(state[at:]) == all && le.Uint64(state[at+8:]) == all
	}
	for _, v := range state[at : at+n] {
		if v != written {
			return false
		}
	}
	return true
}

func (w *warp) checkState(in *instr, lane int, s space, r *region, at, n int, address uint64, u use) {
	state := r.state[at : at+n]
	for i, v := range state {
		if v == outside {
			w.outOfBounds(in, lane, s, address, n, u)
		}
		if u&read != 0 && v != written && w.k.uninit {
			w.fault(in, lane, Uninitialised, address+uint64(i), w.where(s, address, lane), fmt.Sprintf("%d bytes %s that nothing has written", n, inMemory(s, read)))
		}
	}
	if u&write != 0 {
		for i := range state {
			state[i] = written
		}
	}
}

func inMemory(s space, u use) string {
	if u&write != 0 {
		return "written to " + s.String() + " memory"
	}
	return "read from " + s.String() + " memory"
}

// resolve finds the space of a generic address.
func (w *warp) resolve(address uint64) (space, uint64) {
	switch {
	case address-sharedWindow < windowBytes:
		return shared, address - sharedWindow
	case address-localWindow < windowBytes:
		return local, address - localWindow
	case address-paramWindow < windowBytes:
		return param, address - paramWindow
	}
	return global, address
}

func (w *warp) outOfBounds(in *instr, lane int, s space, address uint64, n int, u use) {
	w.fault(in, lane, OutOfBounds, address, w.where(s, address, lane), fmt.Sprintf("%d bytes %s", n, inMemory(s, u)))
}

// where describes an address for a fault.
func (w *warp) where(s space, address uint64, lane int) string {
	switch s {
	case shared:
		return w.block.whereShared(address)
	case local:
		return fmt.Sprintf("local memory of %d bytes", len(w.local[lane].data))
	case param:
		return fmt.Sprintf("parameters of %d bytes", len(w.k.params.data))
	}
	return w.k.regions.near(address)
}

// load and store read and write an element of a register's value.
func load(b []byte, width uint16) uint64 {
	switch width {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(le.Uint16(b))
	case 4:
		return uint64(le.Uint32(b))
	}
	return le.Uint64(b)
}

func store(b []byte, width uint16, v uint64) {
	switch width {
	case 1:
		b[0] = byte(v)
	case 2:
		le.PutUint16(b, uint16(v))
	case 4:
		le.PutUint32(b, uint32(v))
	default:
		le.PutUint64(b, v)
	}
}
