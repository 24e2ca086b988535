package torchbin

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// literal executes the opcodes that push a constant.
func (m *machine) literal(op byte) {
	switch op {
	case 'N': // NONE
		m.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		m.push(op == 0x88)
	case 'K', 'M': // BININT1, BININT2
		n := 1
		if op == 'M' {
			n = 2
		}
		m.pushInt(int64(m.uint(n)))
	case 'J': // BININT
		if b := m.take(4); b != nil {
			m.pushInt(int64(int32(binary.LittleEndian.Uint32(b))))
		}
	case 0x8a: // LONG1: little-endian two's complement
		n := m.uint(1)
		if n > 8 {
			m.fail("PICKLE_TYPE", fmt.Sprintf("integer of %d bytes", n), "at most 8")
		}
		var buf [8]byte
		if b := m.take(n); len(b) > 0 {
			copy(buf[:], b)
			shift := 64 - 8*len(b)
			m.pushInt(int64(binary.LittleEndian.Uint64(buf[:])<<shift) >> shift)
			return
		}
		m.pushInt(0)
	case 'G': // BINFLOAT
		if b := m.take(8); b != nil && m.spend(8) {
			m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case 'X', 'T': // BINUNICODE, BINSTRING
		m.pushString(m.take(m.uint(4)))
	case 'U': // SHORT_BINSTRING
		m.pushString(m.take(m.uint(1)))
	default:
		m.fail("PICKLE_OPCODE", fmt.Sprintf("opcode %#02x is not allowed", op), "a state dict saved by torch.save with its default protocol 2; convert other files to safetensors")
	}
}

func (m *machine) pushInt(n int64) {
	if m.spend(8) {
		m.push(n)
	}
}

func (m *machine) pushString(b []byte) {
	if !utf8.Valid(b) {
		m.fail("PICKLE_STRING", "string is not UTF-8", "")
	}
	if m.spend(32 + len(b)) {
		m.push(string(b))
	}
}
