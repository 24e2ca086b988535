package ptx

import (
	"math"
	"math/bits"
)

// The shadow of a register is the value that it would have if no operation on F32 rounded:
// computed in float64 beside it. Where a value does not come from floats, or goes through
// what has no shadow, the shadow starts again from the value itself.

var shadows2 = map[string]func(d, a, b []float64){
	"add": pairShadow(func(a, b float64) float64 { return a + b }),
	"sub": pairShadow(func(a, b float64) float64 { return a - b }),
	"mul": pairShadow(func(a, b float64) float64 { return a * b }),
	"div": pairShadow(func(a, b float64) float64 { return a / b }),
	"min": pairShadow(minF64),
	"max": pairShadow(maxF64),
}

func pairShadow(f func(a, b float64) float64) func(d, a, b []float64) {
	return func(d, a, b []float64) {
		for i := range d {
			d[i] = f(a[i], b[i])
		}
	}
}

func overShadow(f func(float64) float64) func(d, a []float64) {
	return func(d, a []float64) {
		for i := range d {
			d[i] = f(a[i])
		}
	}
}

// Errors returns, for each entry that ran with Options.Shadow, the largest relative
// distance between an F32 that it wrote to global memory and the same value computed
// without rounding.
func (m *Machine) Errors() map[string]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]float64{}
	for name, e := range m.errors {
		all[name] = e
	}
	return all
}

// keepShadow writes the shadows of the threads of m.
func (w *warp) keepShadow(d int32, m uint32, from *[32]float64) {
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		w.shadow[d][i] = from[i]
	}
}

// shadowSeed starts a shadow from the register's value.
func (w *warp) shadowSeed(d int32, m uint32) {
	for rest := m; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest) & 31
		w.shadow[d][i] = float64(f32(w.regs[d][i]))
	}
}

func (w *warp) shadow1(in *instr, m uint32) {
	if in.s1 == nil {
		w.shadowSeed(in.d, m)
		return
	}
	var t [32]float64
	in.s1(t[:], w.shadow[in.a][:])
	w.keepShadow(in.d, m, &t)
}

func (w *warp) shadow2(in *instr, m uint32) {
	if in.s2 == nil {
		w.shadowSeed(in.d, m)
		return
	}
	var t [32]float64
	in.s2(t[:], w.shadow[in.a][:], w.shadow[in.b][:])
	w.keepShadow(in.d, m, &t)
}

func (w *warp) shadow3(in *instr, m uint32) {
	if in.s3 == nil {
		w.shadowSeed(in.d, m)
		return
	}
	var t [32]float64
	in.s3(t[:], w.shadow[in.a][:], w.shadow[in.b][:], w.shadow[in.c][:])
	w.keepShadow(in.d, m, &t)
}

func (w *warp) shadowMove(in *instr, m uint32) {
	t := w.shadow[in.a]
	w.keepShadow(in.d, m, &t)
}

func (w *warp) shadowSelect(in *instr, m, p uint32) {
	a, b := w.shadow[in.a], w.shadow[in.b]
	w.keepShadow(in.d, m&p, &a)
	w.keepShadow(in.d, m&^p, &b)
}

// shade is the shadow of four bytes of memory, and the bits that it belongs to.
type shade struct {
	bits  uint32
	set   bool
	value float64
}

func (w *warp) shadowStore(in *instr, lane int, r *region, at int) {
	if r.shades == nil {
		r.shades = make([]shade, len(r.data)/4+1)
	}
	for k, a := range in.regs {
		v, exact := w.regs[a][lane], w.shadow[a][lane]
		r.shades[at/4+k] = shade{uint32(v), true, exact}
		if in.float && in.space != shared && in.space != local {
			got := float64(f32(v))
			if d := math.Abs(got-exact) / math.Max(math.Abs(exact), 0x1p-126); d > w.k.errors && !math.IsInf(d, 0) {
				w.k.errors = d
			}
		}
	}
}

func (w *warp) shadowLoad(in *instr, lane int, r *region, at int) {
	for k, d := range in.regs {
		v := uint32(w.regs[d][lane])
		w.shadow[d][lane] = float64(math.Float32frombits(v))
		if r.shades != nil {
			if s := r.shades[at/4+k]; s.set && s.bits == v {
				w.shadow[d][lane] = s.value
			}
		}
	}
}
