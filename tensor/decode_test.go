package tensor_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"lamina/tensor"
)

// value16 is what a 16-bit float with the given exponent bits means.
func value16(code uint16, expBits int) float64 {
	manBits := 15 - expBits
	bias := 1<<(expBits-1) - 1
	exp := int(code>>manBits) & (1<<expBits - 1)
	man := float64(code & (1<<manBits - 1))
	sign := 1.0
	if code&0x8000 != 0 {
		sign = -1
	}
	switch {
	case exp == 1<<expBits-1 && man == 0:
		return sign * math.Inf(1)
	case exp == 1<<expBits-1:
		return math.NaN()
	case exp == 0:
		return sign * math.Ldexp(man, 1-bias-manBits)
	}
	return sign * math.Ldexp(man+math.Ldexp(1, manBits), exp-bias-manBits)
}

// halves are the two 16-bit types.
var halves = []struct {
	name    string
	dtype   tensor.DType
	expBits int
	widen   func(uint16) float32
	narrow  func(float32) uint16
}{
	{"F16", tensor.F16, 5, tensor.F16ToF32, tensor.F32ToF16},
	{"BF16", tensor.BF16, 8, tensor.BF16ToF32, tensor.F32ToBF16},
}

func TestEvery16BitCode(t *testing.T) {
	for _, h := range halves {
		src := make([]byte, 2<<16)
		for c := range 1 << 16 {
			binary.LittleEndian.PutUint16(src[2*c:], uint16(c))
		}
		dst := make([]float32, 1<<16)
		tensor.DecodeF32(dst, src, h.dtype)
		back := make([]byte, len(src))
		tensor.EncodeF32(back, dst, h.dtype)
		for c, got := range dst {
			want := value16(uint16(c), h.expBits)
			code := binary.LittleEndian.Uint16(back[2*c:])
			if want != want {
				if got == got || h.widen(code) == h.widen(code) || code>>15 != uint16(c)>>15 {
					t.Fatalf("%s %#04x: decoded %v, back to %#04x, want NaN of the same sign", h.name, c, got, code)
				}
				continue
			}
			if math.Float64bits(float64(got)) != math.Float64bits(want) || code != uint16(c) {
				t.Fatalf("%s %#04x: decoded %v, want %v; back to %#04x", h.name, c, got, want, code)
			}
		}
	}
}

// Between two neighbours lies one midpoint; rounding is monotone, so the
// midpoints and the floats beside them decide every other float.
func TestRoundingAtEveryMidpoint(t *testing.T) {
	for _, h := range halves {
		infinity := uint16(1<<h.expBits-1) << (15 - h.expBits)
		for c := range infinity {
			a, b := value16(c, h.expBits), value16(c+1, h.expBits)
			if c+1 == infinity { // where the next value would be
				b = 2*a - value16(c-1, h.expBits)
			}
			mid := float32(a + (b-a)/2)
			below := math.Nextafter32(mid, 0)
			above := math.Nextafter32(mid, float32(math.Inf(1)))
			even := c + c&1
			for _, sign := range []uint16{0, 0x8000} {
				s := float32(1)
				if sign != 0 {
					s = -1
				}
				got := [3]uint16{h.narrow(s * below), h.narrow(s * mid), h.narrow(s * above)}
				if want := [3]uint16{c | sign, even | sign, (c + 1) | sign}; got != want {
					t.Fatalf("%s around %v: %#04x, want %#04x", h.name, s*mid, got, want)
				}
			}
		}
		if got := h.narrow(math.MaxFloat32); got != infinity {
			t.Errorf("%s of the largest float32: %#04x, want infinity", h.name, got)
		}
		nan := math.Float32frombits(0x7f800001) // all payload bits are lost
		if got := h.narrow(nan); h.widen(got) == h.widen(got) {
			t.Errorf("%s of a NaN: %#04x", h.name, got)
		}
	}
}

// bits returns n bits of b from bit at, as a number.
func bits(b []byte, at, n int) float64 {
	v := 0
	for i := range n {
		v |= int(b[(at+i)/8]>>((at+i)%8)&1) << i
	}
	return float64(v)
}

// elementK is element for the blocks of 256.
func elementK(b []byte, d tensor.DType, i int) float64 {
	half := func(at int) float64 { return value16(binary.LittleEndian.Uint16(b[at:]), 5) }
	if d == tensor.Q6_K {
		h, g, j := i/128, i/32%4, i%32
		q := bits(b, 8*(64*h+32*(g%2)+j)+4*(g/2), 4) + 16*bits(b, 8*(128+32*h+j)+2*g, 2)
		return half(208) * float64(int8(b[192+i/16])) * (q - 32)
	}
	run, s, m := i/32, 0.0, 0.0
	if run < 4 {
		s, m = bits(b, 8*(4+run), 6), bits(b, 8*(8+run), 6)
	} else {
		s = bits(b, 8*(8+run), 4) + 16*bits(b, 8*run+6, 2)
		m = bits(b, 8*(8+run)+4, 4) + 16*bits(b, 8*(4+run)+6, 2)
	}
	codes, q := 16, 0.0
	if d == tensor.Q5_K {
		codes, q = 48, 16*bits(b, 8*(16+i%32)+run, 1)
	}
	q += bits(b, 8*(codes+32*(run/2)+i%32)+4*(run%2), 4)
	return half(0)*s*q - half(2)*m
}

// element computes element i of a block from its definition, bit by bit.
func element(b []byte, d tensor.DType, i int) float64 {
	if d.BlockLen() == 256 {
		return elementK(b, d, i)
	}
	scale := value16(binary.LittleEndian.Uint16(b), 5)
	at, lowest := 2, 0.0 // where codes begin; what is added
	switch d {
	case tensor.Q4_1, tensor.Q5_1:
		lowest = value16(binary.LittleEndian.Uint16(b[2:]), 5)
		at = 4
	}
	switch d {
	case tensor.Q8_0:
		return scale * float64(int8(b[2+i]))
	case tensor.Q4_0, tensor.Q4_1:
		q := float64(b[at+i%16] >> (i / 16 * 4) & 15)
		if d == tensor.Q4_0 {
			q -= 8
		}
		return scale*q + lowest
	}
	q := float64(b[at+4+i%16]>>(i/16*4)&15) + 16*float64(b[at+i/8]>>(i%8)&1)
	if d == tensor.Q5_0 {
		q -= 16
	}
	return scale*q + lowest
}

func TestBlocksFollowTheirDefinition(t *testing.T) {
	for _, d := range []tensor.DType{
		tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K,
	} {
		const blocks = 4096 // with pseudo-random bytes, NaN and Inf scales among them
		src := make([]byte, blocks*d.BlockBytes())
		state := uint32(1)
		for i := range src {
			state = state*1664525 + 1013904223
			src[i] = byte(state >> 24)
		}
		n := d.BlockLen()
		dst := make([]float32, blocks*n)
		tensor.DecodeF32(dst, src, d)
		for i, got := range dst {
			want := float32(element(src[i/n*d.BlockBytes():], d, i%n))
			if got != want && (got == got || want == want) {
				t.Fatalf("%s block %d element %d: %v, want %v", d, i/n, i%n, got, want)
			}
		}
	}
}

func TestQ8_0Encode(t *testing.T) {
	src := make([]float32, 64)
	for i := range src[:32] {
		src[i] = float32(i-16) / 7
	}
	data := make([]byte, tensor.Q8_0.Bytes(64))
	tensor.EncodeF32(data, src, tensor.Q8_0)
	got := make([]float32, 64)
	tensor.DecodeF32(got, data, tensor.Q8_0)
	// Half a step, plus the rounding of the scale to 11 bits at up to 127 steps.
	step := 16.0 / 7 / 127
	bar := step/2 + 16.0/7*math.Ldexp(1, -11)
	for i, x := range src {
		if diff := math.Abs(float64(got[i] - x)); diff > bar {
			t.Errorf("element %d: %v, want %v ± %v", i, got[i], x, bar)
		}
	}
	src[3], src[5] = float32(math.NaN()), float32(math.Inf(-1))
	tensor.EncodeF32(data, src, tensor.Q8_0) // must not fault
}

func TestDecodePlainTypes(t *testing.T) {
	want := []float32{1.5, -2, 0}
	f32, f64 := make([]byte, 12), make([]byte, 24)
	tensor.EncodeF32(f32, want, tensor.F32)
	for i, x := range want {
		binary.LittleEndian.PutUint64(f64[8*i:], math.Float64bits(float64(x)))
	}
	for d, src := range map[tensor.DType][]byte{tensor.F32: f32, tensor.F64: f64} {
		got := make([]float32, 3)
		if tensor.DecodeF32(got, src, d); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", d, got, want)
		}
	}
}

func TestCodecMisusePanics(t *testing.T) {
	for name, f := range map[string]func(){
		"integers":        func() { tensor.DecodeF32(make([]float32, 1), make([]byte, 4), tensor.I32) },
		"too few bytes":   func() { tensor.DecodeF32(make([]float32, 2), make([]byte, 4), tensor.F32) },
		"half a block":    func() { tensor.DecodeF32(make([]float32, 16), make([]byte, 9), tensor.Q4_0) },
		"encode to Q5_0":  func() { tensor.EncodeF32(make([]byte, 22), make([]float32, 32), tensor.Q5_0) },
		"too small a dst": func() { tensor.EncodeF32(make([]byte, 3), make([]float32, 2), tensor.F16) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func ExampleDecodeF32() {
	data := make([]byte, tensor.F16.Bytes(3))
	tensor.EncodeF32(data, []float32{1, 0.1, 70000}, tensor.F16)
	x := make([]float32, 3)
	tensor.DecodeF32(x, data, tensor.F16)
	fmt.Println(x)
	// Output: [1 0.099975586 +Inf]
}
