package torchbin

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"lamina/formats"
)

// What the machine's values are: nil, bool, int64, float64, string, tuple,
// *list, *dict, global, storageClass, scalarType, *storage and *tensorRef.
type (
	tuple []any
	list  struct{ items []any }
	// absent fills the places of the memo to which nothing was written.
	absent struct{}
	dict   struct {
		pairs   []any // key, value, key, value, …
		ordered bool  // made by collections.OrderedDict
	}
)

// machine executes one pickle. Its first error sticks.
type machine struct {
	path  string
	base  int64 // where the pickle begins in the file
	data  []byte
	pos   int
	op    int // where the running opcode begins
	stack []any
	marks []int
	memo  [][]any // in chunks, which need not be copied to grow; nil: never stored
	item  string  // what the pickle is called in messages
	// limit is how many bytes may have been allocated when so many of data are read.
	limit func(pos int) int
	spent int
	// legacy is the form before torch 1.6: other data follow the pickle, and the ids of
	// storages have a sixth part.
	legacy bool
	// storage resolves a persistent id.
	storage func(class storageClass, key string, numel int64) (*storage, error)
	err     error
}

// The values of a real pickle take up to 11 times its size. The whole file, in
// which every storage has headers of its own, bounds them too, so that all that
// is allocated for a file stays below 16 times its size.
const (
	perPickleByte = 24
	perFileByte   = 13
	budgetBase    = 16 << 10

	maxMemo   = 1 << 24
	memoChunk = 256
)

// budgetOf is what the values of a pickle in a file may take, sizes in bytes.
func budgetOf(pickle, file int) int {
	return min(perPickleByte*pickle, perFileByte*file) + budgetBase
}

// run executes the pickle and returns the object that remains on its stack.
func (m *machine) run() (any, error) {
	for m.err == nil {
		m.op = m.pos
		b := m.take(1)
		if b == nil {
			break
		}
		if b[0] == '.' {
			return m.stop()
		}
		m.step(b[0])
	}
	return nil, m.err
}

func (m *machine) stop() (any, error) {
	v := m.pop()
	if m.err == nil && len(m.stack)+len(m.marks) > 0 {
		m.fail("PICKLE_STACK", "values left on the stack at the end", "one object")
	}
	if m.err == nil && m.pos != len(m.data) && !m.legacy {
		m.fail("PICKLE_TRAILING", fmt.Sprintf("%d bytes after STOP", len(m.data)-m.pos), "the end of the pickle")
	}
	return v, m.err
}

func (m *machine) fail(code, got, want string) {
	if m.err == nil {
		m.err = &formats.Error{Path: m.path, Item: m.item, Code: code, Offset: m.base + int64(m.op), Got: got, Want: want}
	}
}

func (m *machine) take(n int) []byte {
	if m.err != nil {
		return nil
	}
	if n < 0 || n > len(m.data)-m.pos {
		m.fail("PICKLE_TRUNCATED", fmt.Sprintf("%d bytes due, %d left in the pickle", n, len(m.data)-m.pos), "a whole pickle that ends with STOP")
		return nil
	}
	b := m.data[m.pos : m.pos+n]
	m.pos += n
	return b
}

// uint reads a little-endian number of n ≤ 4 bytes.
func (m *machine) uint(n int) int {
	var buf [8]byte
	copy(buf[:], m.take(n))
	u := binary.LittleEndian.Uint64(buf[:])
	if u > math.MaxInt32 {
		m.fail("PICKLE_TRUNCATED", fmt.Sprintf("length %d", u), "one below 2^31")
		return 0
	}
	return int(u)
}

// spend accounts for n bytes before they are allocated.
func (m *machine) spend(n int) bool {
	if m.err == nil && n > m.limit(m.pos)-m.spent {
		m.fail("PICKLE_MEMORY", fmt.Sprintf("pickle of %d bytes wants too much memory", len(m.data)), "a plain state dict")
	}
	if m.err != nil {
		return false
	}
	m.spent += n
	return true
}

// grow appends v to s with doubling that is accounted for.
func (m *machine) grow(s []any, v any) []any {
	if len(s) == cap(s) {
		n := max(4, 2*len(s))
		if !m.spend(16 * n) {
			return s
		}
		s = append(make([]any, 0, n), s...)
	}
	return append(s, v)
}

func (m *machine) push(v any) {
	if m.err == nil {
		m.stack = m.grow(m.stack, v)
	}
}

// floor is the lowest stack index the running opcode may touch.
func (m *machine) floor() int {
	if n := len(m.marks); n > 0 {
		return m.marks[n-1]
	}
	return 0
}

func (m *machine) pop() any {
	if m.err == nil && len(m.stack) <= m.floor() {
		m.fail("PICKLE_STACK", "stack underflow", "a value")
	}
	if m.err != nil {
		return nil
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v
}

func (m *machine) top() any {
	v := m.pop()
	if m.err == nil {
		m.stack = m.stack[:len(m.stack)+1]
	}
	return v
}

// popMark takes everything down to the last mark. The result is only valid until
// the next push.
func (m *machine) popMark() []any {
	if m.err == nil && len(m.marks) == 0 {
		m.fail("PICKLE_STACK", "no mark on the stack", "a MARK")
	}
	if m.err != nil {
		return nil
	}
	at := m.floor()
	m.marks = m.marks[:len(m.marks)-1]
	items := m.stack[at:]
	m.stack = m.stack[:at]
	return items
}

func (m *machine) pushTuple(items []any) {
	if m.spend(24 + 16*len(items)) {
		m.push(append(make(tuple, 0, len(items)), items...))
	}
}

// tupleOf makes a tuple of the n values on top.
func (m *machine) tupleOf(n int) {
	if m.err == nil && len(m.stack)-m.floor() < n {
		m.fail("PICKLE_STACK", "stack underflow", fmt.Sprintf("%d values", n))
	}
	if m.err != nil {
		return
	}
	at := len(m.stack) - n
	items := m.stack[at:]
	m.stack = m.stack[:at]
	m.pushTuple(items)
}

// step executes one opcode: those of torch/_weights_only_unpickler.py.
func (m *machine) step(op byte) {
	switch op {
	case 0x80: // PROTO
		if v := m.uint(1); v > 5 {
			m.fail("PICKLE_OPCODE", fmt.Sprintf("protocol %d", v), "2")
		}
	case '(': // MARK
		if len(m.marks) == cap(m.marks) && !m.spend(8*max(8, 2*len(m.marks))) {
			return
		}
		m.marks = append(m.marks, len(m.stack))
	case 'c': // GLOBAL
		m.global()
	case 'R', 0x81: // REDUCE, NEWOBJ
		args := m.pop()
		m.reduce(m.pop(), args)
	case 'Q': // BINPERSID
		m.persistent(m.pop())
	case 'b': // BUILD: the attributes of an OrderedDict, of no use here
		m.pop()
		if d, ok := m.top().(*dict); !ok || !d.ordered {
			m.fail("PICKLE_TYPE", "BUILD on something else than an OrderedDict", "a plain state dict")
		}
	case 't': // TUPLE
		m.pushTuple(m.popMark())
	case ')', 0x85, 0x86, 0x87: // EMPTY_TUPLE, TUPLE1 to TUPLE3
		if op == ')' {
			op = 0x84
		}
		m.tupleOf(int(op - 0x84))
	case ']': // EMPTY_LIST
		if m.spend(24) {
			m.push(new(list))
		}
	case '}': // EMPTY_DICT
		if m.spend(32) {
			m.push(new(dict))
		}
	case 'a': // APPEND
		v := m.pop()
		m.appendTo(v)
	case 'e': // APPENDS
		m.appendTo(m.popMark()...)
	case 's': // SETITEM
		value := m.pop()
		m.setItems(m.pop(), value)
	case 'u': // SETITEMS
		m.setItems(m.popMark()...)
	case 'h', 'j': // BINGET, LONG_BINGET
		m.get(m.uint(width(op == 'j')))
	case 'q', 'r': // BINPUT, LONG_BINPUT
		m.put(m.uint(width(op == 'r')))
	default:
		m.literal(op)
	}
}

// width of a memo index.
func width(long bool) int {
	if long {
		return 4
	}
	return 1
}

func (m *machine) get(i int) {
	if m.err != nil {
		return
	}
	if i/memoChunk < len(m.memo) && m.memo[i/memoChunk] != nil {
		if v := m.memo[i/memoChunk][i%memoChunk]; v != any(absent{}) {
			m.push(v)
			return
		}
	}
	m.fail("PICKLE_MEMO", fmt.Sprintf("memo %d was never stored", i), "")
}

func (m *machine) put(i int) {
	v := m.top()
	if m.err == nil && i >= maxMemo {
		m.fail("PICKLE_MEMO", fmt.Sprintf("memo index %d", i), fmt.Sprintf("one below %d", maxMemo))
	}
	if m.err != nil {
		return
	}
	at := i / memoChunk
	if at >= len(m.memo) {
		n := max(16, 2*at)
		if !m.spend(24 * n) {
			return
		}
		m.memo = append(make([][]any, 0, n), m.memo...)[:n]
	}
	if m.memo[at] == nil {
		if !m.spend(16 * memoChunk) {
			return
		}
		m.memo[at] = slices.Repeat([]any{absent{}}, memoChunk)
	}
	m.memo[at][i%memoChunk] = v
}

func (m *machine) appendTo(items ...any) {
	l, ok := m.top().(*list)
	if !ok {
		m.fail("PICKLE_TYPE", "append to something else than a list", "")
	}
	for _, v := range items {
		if m.err == nil {
			l.items = m.grow(l.items, v)
		}
	}
}

func (m *machine) setItems(pairs ...any) {
	d, ok := m.top().(*dict)
	if !ok {
		m.fail("PICKLE_TYPE", "items set in something else than a dict", "")
	}
	if len(pairs)%2 != 0 {
		m.fail("PICKLE_STACK", "a key without a value", "")
	}
	for _, v := range pairs {
		if m.err == nil {
			d.pairs = m.grow(d.pairs, v)
		}
	}
}
