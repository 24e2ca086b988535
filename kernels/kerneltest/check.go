package kerneltest

import (
	"bytes"
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

// suite is one run of the conformance suite.
type suite struct {
	be        *Counting
	inner     kernels.Backend // that it counts for
	same      []kernels.Backend
	types     []tensor.DType
	oracle    kernels.Backend
	precision kernels.Precision // of RunProducts
	q8        bool              // of RunQ8
	every     int               // which of the products are due
	products  int               // that due was asked of
	asF32     int               // those of a suite in Q8 that round nothing
	thin      int               // of the cases of a kind, which are checked
	kinds     map[string]int

	poisoned []string // methods that were called with NaN and infinities in a row
}

// guardUnits is the number of guard elements (blocks, for block types) after
// each operand. Before it there are 16 or 17, so that an operand begins on a
// cache line or one element past it.
const (
	guardUnits = 19
	aligned    = 16
	shifted    = 17
	guardByte  = 0xA5
)

// placed is an operand in a backend's memory with guards around it.
type placed struct {
	whole, part tensor.Tensor
	from, to    int // bytes of part in whole
	before      []byte
}

func place(be kernels.Backend, o operand, d tensor.DType, shift int) placed {
	d, data := o.storage(d)
	units := product(o.shape) / d.BlockLen()
	whole := tensor.MustNew(be, d, shift+units+guardUnits, d.BlockLen())
	raw := make([]byte, whole.Bytes())
	from := shift * d.BlockBytes()
	to := from + copy(raw[from:], data)
	for _, guard := range [][]byte{raw[:from], raw[to:]} {
		for i := range guard {
			guard[i] = guardByte
		}
	}
	whole.SetRaw(raw)
	part := whole.Slice(shift, shift+units).Reshape(o.shape...)
	return placed{whole: whole, part: part, from: from, to: to, before: raw}
}

// verify fails if guards changed, or the contents of an operand that is not
// written.
func (p placed) verify(t testing.TB, name string, written bool) {
	t.Helper()
	after := p.whole.Raw()
	if bytes.Equal(after, p.before) {
		return
	}
	for i := range after {
		if inside := i >= p.from && i < p.to; after[i] != p.before[i] && !(inside && written) {
			what := "its guard"
			if inside {
				what = "an input"
			}
			t.Fatalf("%s: %s changed at byte %d of [%d, %d)", name, what, i-p.from, 0, p.to-p.from)
		}
	}
}

// execute runs the case in type d and returns the storage bytes of its written
// operands, nil for the others. alias makes output alias[0] the tensor of
// alias[1].
func (c testCase) execute(t testing.TB, be kernels.Backend, d tensor.DType, shift int, alias ...int) [][]byte {
	t.Helper()
	at := make([]placed, len(c.operands))
	args := make([]tensor.Tensor, len(c.operands))
	for i, o := range c.operands {
		at[i] = place(be, o, d, shift)
		defer at[i].whole.Free() // a device has no collector of garbage
		args[i] = at[i].part
	}
	if len(alias) == 2 {
		args[alias[0]] = args[alias[1]].Reshape(c.operands[alias[0]].shape...)
	}
	c.run(be, args)
	if err := be.Sync(); err != nil {
		t.Fatalf("%s: Sync: %v", c.name, err)
	}
	results := make([][]byte, len(c.operands))
	for i, o := range c.operands {
		shared := len(alias) == 2 && i == alias[1]
		at[i].verify(t, c.name+": "+o.name, o.written || shared)
		if o.written {
			results[i] = args[i].Raw()
		}
	}
	return results
}

// asF32Every is which of the products are due that a suite in Q8 leaves to the kernels of
// F32, which Run holds whole: a prime, so that in turn it comes to every storage type,
// transposition and addition of every shape.
const asF32Every = 7

// onAll is how many cases of a kind are held to the bits of all of Options.Same. Those after
// them are held to those of one, in turn.
const onAll = 20

// due reports whether a product is checked, of the thousands that there are: each s.every-th.
// It is asked before the operands are made.
func (s *suite) due(p productShape) bool {
	if p.q8 = s.q8; s.q8 && !p.inQ8() {
		s.asF32++
		return s.asF32%(asF32Every*s.every) == 0
	}
	s.products++
	return s.products%s.every == 0
}

// dueGroup is due of a group with one A, which counts as its first product that rounds it.
func (s *suite) dueGroup(group []productShape, transA bool) bool {
	for _, p := range group {
		p.transA, p.q8 = transA, s.q8
		if p.inQ8() {
			return s.due(p)
		}
	}
	return s.due(productShape{})
}

// check holds the backend to the case in every way that it allows.
func (s *suite) check(t testing.TB, c testCase) {
	t.Helper()
	kind := c.kind()
	nth := s.kinds[kind]
	if s.kinds[kind]++; nth%s.thin != 0 {
		return
	}
	same := s.same
	if nth /= s.thin; nth >= onAll && len(same) > 0 {
		same = same[nth%len(same):][:1]
	}
	for _, d := range s.types {
		if d == tensor.F64 && c.f32Only {
			continue
		}
		c := c.encoded(d)
		got := c.execute(t, s.be, d, aligned)
		s.compare(t, c, d, got)
		c.wantBits(t, "operands shifted by one element", d, got, c.execute(t, s.be, d, shifted))
		for _, other := range same {
			c.wantBits(t, "on "+other.Name()+" of Options.Same", d, got, c.execute(t, other, d, aligned))
		}
		for _, pair := range c.alias {
			name := named("%s in the place of %s", c.operands[pair[0]].name, c.operands[pair[1]].name)
			c.wantBits(t, name, d, got, c.execute(t, s.be, d, aligned, pair[0], pair[1]))
		}
		s.checkRows(t, c, d, got)
		s.checkPoison(t, c, d, got)
	}
}

// compare holds results against the oracle.
func (s *suite) compare(t testing.TB, c testCase, d tensor.DType, got [][]byte) {
	t.Helper()
	if c.exact {
		c.wantBits(t, "against the oracle", d, c.execute(t, s.oracle, d, aligned), got)
		return
	}
	for i, want := range c.expected(t, s.oracle, d) {
		o := c.operands[i]
		if !o.written {
			continue
		}
		kind, _ := o.storage(d)
		for e, have := range decode(got[i], product(o.shape), kind) {
			limit := c.bound(i, e, want[e], unit(d))
			if !near(have, want[e], limit, kind) {
				t.Fatalf("%s: %s: %s[%d] = %v, want %v, off by %.3g, allowed %.3g",
					c.name, d, o.name, e, have, want[e], have-want[e], limit)
			}
		}
	}
}

// expected returns the written operands in float64: from the case itself, or
// from the oracle on the operands as d rounds them.
func (c testCase) expected(t testing.TB, oracle kernels.Backend, d tensor.DType) [][]float64 {
	t.Helper()
	if c.want != nil {
		return append([][]float64{c.want(d)}, make([][]float64, len(c.operands)-1)...)
	}
	wide := c
	wide.operands = append([]operand(nil), c.operands...)
	for i, o := range wide.operands {
		if o.dtype == tensor.Invalid {
			wide.operands[i].values = rounded(o.values, d)
		}
	}
	want := make([][]float64, len(c.operands))
	for i, raw := range wide.execute(t, oracle, tensor.F64, aligned) {
		if o := c.operands[i]; o.written {
			kind, _ := o.storage(tensor.F64)
			want[i] = decode(raw, product(o.shape), kind)
		}
	}
	return want
}

// near reports whether got is want within limit. NaN matches NaN, an infinity
// itself; where want is beyond the type's range, infinity is right, and where it
// is below the normal numbers, so is anything as small.
func near(got, want, limit float64, d tensor.DType) bool {
	largest, smallest := math.MaxFloat64, 0.0
	if d == tensor.F32 {
		largest, smallest = math.MaxFloat32, 0x1p-126
		if math.Abs(want) < 0x1p-150 {
			want = 0 // the nearest number
		}
	}
	switch {
	case want != want || got != got:
		return want != want && got != got
	case got == want:
		return true
	case math.IsInf(got, 0):
		return math.Abs(want)+limit >= largest && math.Signbit(got) == math.Signbit(want)
	}
	if limit > 0 {
		limit += smallest
	}
	return math.Abs(got-want) <= limit
}

// wantBits fails unless two runs gave the same bits; all NaNs are alike.
func (c testCase) wantBits(t testing.TB, how string, d tensor.DType, want, got [][]byte) {
	t.Helper()
	for i, o := range c.operands {
		if !o.written || bytes.Equal(want[i], got[i]) {
			continue
		}
		kind, _ := o.storage(d)
		n := product(o.shape)
		have, wish := decode(got[i], n, kind), decode(want[i], n, kind)
		for e := range have {
			if !identical(have[e], wish[e]) {
				t.Fatalf("%s: %s: %s: %s[%d] = %v, want the bits of %v (off by %.3g)",
					c.name, d, how, o.name, e, have[e], wish[e], have[e]-wish[e])
			}
		}
	}
}

func identical(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
}

// checkRows runs single rows, and all but the first, on their own: the bits must
// be those they had together.
func (s *suite) checkRows(t testing.TB, c testCase, d tensor.DType, got [][]byte) {
	t.Helper()
	n := c.batch()
	if n < 2 {
		return
	}
	for _, r := range [][2]int{{0, 1}, {n / 2, n/2 + 1}, {n - 1, n}, {1, n}} {
		part := c.cut(r[0], r[1])
		alone := part.execute(t, s.be, d, aligned)
		together := make([][]byte, len(got))
		for i, o := range c.operands {
			if o.written && o.rowwise {
				size := len(got[i]) / n
				together[i] = got[i][r[0]*size : r[1]*size]
			} else {
				together[i] = alone[i]
			}
		}
		part.wantBits(t, named("rows [%d:%d) without the other %d", r[0], r[1], n-r[1]+r[0]), d, together, alone)
	}
}

// checkPoison puts NaN and infinities into one place of an operand. What the oracle
// says they do not reach, other rows above all, keeps its bits; what they reach becomes
// NaN or infinite where the oracle's does.
func (s *suite) checkPoison(t testing.TB, c testCase, d tensor.DType, got [][]byte) {
	t.Helper()
	if len(c.poison) == 0 {
		return
	}
	c.want = nil
	var healthy [][]float64
	before := s.be.calledMethods()
	for _, which := range c.poison {
		o := c.operands[which]
		for i, at := range poisonedPlaces(o) {
			for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[:1+2*(i%2)] {
				if healthy == nil {
					healthy = c.expected(t, s.oracle, d)
				}
				sick := c
				sick.name = named("%s with %v at %s%v", c.name, v, o.name, at)
				sick.operands = append([]operand(nil), c.operands...)
				sick.operands[which].values = append([]float64(nil), o.values...)
				sick.operands[which].values[at] = v
				sick.operands[which].bytes = nil
				s.comparePoison(t, sick, d, got, healthy)
			}
		}
	}
	s.poisoned = append(s.poisoned, s.be.methodsSince(before)...)
}

// poisonedPlaces are the first, a middle and the last element of a row in the middle,
// or of a whole that has no rows.
func poisonedPlaces(o operand) []int {
	n := product(o.shape)
	if n == 0 {
		return nil
	}
	from, width := 0, n
	if o.rowwise {
		width = n / o.shape[0]
		from = o.shape[0] / 2 * width
	}
	return []int{from, from + width/2, from + width - 1}
}

func (s *suite) comparePoison(t testing.TB, c testCase, d tensor.DType, got [][]byte, healthy [][]float64) {
	t.Helper()
	sick, want := c.execute(t, s.be, d, aligned), c.expected(t, s.oracle, d)
	for i, o := range c.operands {
		if !o.written {
			continue
		}
		kind, _ := o.storage(d)
		n := product(o.shape)
		have, before := decode(sick[i], n, kind), decode(got[i], n, kind)
		for e := range have {
			if identical(want[i][e], healthy[i][e]) {
				if !identical(have[e], before[e]) {
					t.Fatalf("%s: %s: %s[%d], which it does not reach, changed from %v to %v", c.name, d, o.name, e, before[e], have[e])
				}
			} else if class(have[e]) != class(want[i][e]) {
				t.Fatalf("%s: %s: %s[%d] = %v, want %v", c.name, d, o.name, e, have[e], want[i][e])
			}
		}
	}
}

// class tells NaN, the infinities and finite numbers apart.
func class(x float64) int {
	switch {
	case x != x:
		return 2
	case math.IsInf(x, 1):
		return 1
	case math.IsInf(x, -1):
		return -1
	}
	return 0
}
