package parquet

import (
	"encoding/binary"
	"fmt"
)

// hybrid reads numbers of a fixed width in the run-length and bit-packed form
// that levels and dictionary indices have. It holds a run, never its numbers: a
// run of 2^30 levels costs what its bytes cost.
type hybrid struct {
	data  []byte // after the current run
	width int    // bits, 0 to 32

	left   int    // numbers of the current run
	value  uint32 // that a run repeats
	packed []byte // the run's bytes; nil where it repeats
	bit    int    // read of packed
}

func newHybrid(data []byte, width int) (hybrid, error) {
	if width > 32 {
		return hybrid{}, fmt.Errorf("a bit width of %d", width)
	}
	return hybrid{data: data, width: width}, nil
}

func (h *hybrid) next() (uint32, error) {
	if h.width == 0 {
		return 0, nil
	}
	for h.left == 0 {
		if err := h.run(); err != nil {
			return 0, err
		}
	}
	h.left--
	if h.packed == nil {
		return h.value, nil
	}
	return h.unpack()
}

func (h *hybrid) unpack() (uint32, error) {
	at, shift := h.bit>>3, h.bit&7
	h.bit += h.width
	if h.bit > len(h.packed)*8 {
		return 0, fmt.Errorf("bit-packed numbers end early")
	}
	var word uint64
	if at+8 <= len(h.packed) {
		word = binary.LittleEndian.Uint64(h.packed[at:])
	} else {
		for i, b := range h.packed[at:] {
			word |= uint64(b) << (8 * i)
		}
	}
	return uint32(word >> shift & (1<<h.width - 1)), nil
}

// run reads the head of the next run. Writers may leave out the padding of the
// last bit-packed one.
func (h *hybrid) run() error {
	head, n := binary.Uvarint(h.data)
	if n <= 0 {
		return fmt.Errorf("numbers end early")
	}
	h.data = h.data[n:]
	if head>>1 == 0 || head > 1<<33 {
		return fmt.Errorf("a run of %d", head>>1)
	}
	if head&1 == 1 {
		groups := int(head >> 1)
		size := min(groups*h.width, len(h.data))
		h.left, h.packed, h.bit = groups*8, h.data[:size:size], 0
		h.data = h.data[size:]
		return nil
	}
	bytes := (h.width + 7) / 8
	if len(h.data) < bytes {
		return fmt.Errorf("numbers end early")
	}
	h.value, h.packed = 0, nil
	for i, b := range h.data[:bytes] {
		h.value |= uint32(b) << (8 * i)
	}
	if h.width < 32 && h.value>>h.width > 0 {
		return fmt.Errorf("%d is wider than %d bits", h.value, h.width)
	}
	h.left, h.data = int(head>>1), h.data[bytes:]
	return nil
}
