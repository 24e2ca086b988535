package tensor_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lamina/tensor"
)

// numbers are those of testdata/gen_encode.py, in [-1, 1).
func numbers(seed, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		seed = (1103515245*seed + 12345) % (1 << 31)
		values[i] = float64((seed>>14)-1<<16) / (1 << 16)
	}
	return values
}

// kinds are those of testdata/gen_encode.py.
var kinds = []struct {
	name string
	of   func(u float64, i int) float64
}{
	{"even", func(u float64, i int) float64 { return u }},
	{"tailed", func(u float64, i int) float64 { return u * u * u * u * u }},
	{"positive", func(u float64, i int) float64 { return math.Abs(u) }},
	{"negative", func(u float64, i int) float64 { return -math.Abs(u) - 0.5 }},
	{"shifted", func(u float64, i int) float64 { return u/64 + 1 }},
	{"sparse", func(u float64, i int) float64 { return every(7, u, i) }},
	{"very sparse", func(u float64, i int) float64 { return every(300, u, i) }},
	{"small", func(u float64, i int) float64 { return u / (1 << 12) }},
	{"tiny", func(u float64, i int) float64 { return u / (1 << 22) }},
	{"large", func(u float64, i int) float64 { return u * 3e5 }},
	{"coarse", func(u float64, i int) float64 { return math.RoundToEven(u*3) / 4 }},
	{"equal", func(u float64, i int) float64 { return []float64{0.75, -0.3}[i/32%2] }},
	{"zero", func(u float64, i int) float64 { return 0 }},
}

func every(n int, u float64, i int) float64 {
	if i%n == 0 {
		return u
	}
	return 0
}

// row returns 512 numbers of a kind.
func row(kind, seed int) []float32 {
	x := make([]float32, 512)
	for i, u := range numbers(seed, len(x)) {
		x[i] = float32(kinds[kind].of(u, i))
	}
	return x
}

var encoded = []tensor.DType{tensor.Q8_0, tensor.Q4_0, tensor.Q4_K}

func TestBlocksAreThoseOfGGML(t *testing.T) {
	data, err := os.ReadFile("testdata/encode.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []map[string]string
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) != len(kinds) {
		t.Fatalf("%d cases of %d: %v", len(cases), len(kinds), err)
	}
	for i, c := range cases {
		if c["kind"] != kinds[i].name {
			t.Fatalf("case %d is %s, want %s", i, c["kind"], kinds[i].name)
		}
		for _, d := range encoded {
			want, err := hex.DecodeString(c[d.String()])
			if err != nil {
				t.Fatal(err)
			}
			got, err := tensor.EncodeRows(row(i, i+1), 256, d)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s numbers as %s: %v\n got %x\nwant %x", c["kind"], d, err, got, want)
			}
		}
	}
}

// A block by hand: the largest magnitude is -4, so d = 0.5; 0.3 is 0.6 steps, 3.9 is 7.8
// and takes the largest code, 15, for want of a 16.
func TestQ4_0ByHand(t *testing.T) {
	x := make([]float32, 32)
	x[0], x[1], x[16], x[17] = -4, 0.3, 3.9, -0.25
	got, err := tensor.EncodeRows(x, 32, tensor.Q4_0)
	want := []byte{0x00, 0x38, 0xf0, 0x89}
	if err != nil || !slices.Equal(got[:4], want) || slices.ContainsFunc(got[4:], func(b byte) bool { return b != 0x88 }) {
		t.Errorf("%x, %v, want %x and 88s", got, err, want)
	}
}

// A block of Q4_K by hand: every run is its codes times 0.25, and the minimum of the
// second half of the runs -0.5; both fit exactly, so that no search betters the start.
func TestQ4_KByHand(t *testing.T) {
	x := make([]float32, 256)
	for i := range x {
		x[i] = float32(i%16) * 0.25
		if i >= 128 {
			x[i] -= 0.5
		}
	}
	got, err := tensor.EncodeRows(x, 256, tensor.Q4_K)
	if err != nil {
		t.Fatal(err)
	}
	half := func(v float64) string {
		b := make([]byte, 2)
		tensor.EncodeF32(b, []float32{float32(v)}, tensor.F16)
		return fmt.Sprintf("%x", b)
	}
	// Six bits of 63 for all scales, 0 and 63 for the minima, the upper two of runs 4 to 7
	// in the first eight bytes.
	want := half(0.25/63) + half(0.5/63) + "ffffffff" + "c0c0c0c0" + "ffffffff"
	for range 4 {
		for range 2 {
			for q := range 16 {
				want += fmt.Sprintf("%x%x", q, q)
			}
		}
	}
	if hex.EncodeToString(got) != want {
		t.Errorf("\n got %x\nwant %s", got, want)
	}
}

// TestEncodingIsAsNearAsItSays: the bounds of EncodeRows' documentation, on which F16
// subnormals have no say (scales of 2⁻¹⁴ and more).
func TestEncodingIsAsNearAsItSays(t *testing.T) {
	back := make([]float32, 512)
	for kind := range kinds {
		for seed := range 200 {
			x := row(kind, 1000+seed)
			for _, d := range encoded {
				data, err := tensor.EncodeRows(x, len(x), d)
				if err != nil {
					t.Fatal(err)
				}
				tensor.DecodeF32(back, data, d)
				for i := 0; i < len(x); i += d.BlockLen() {
					b := data[i/d.BlockLen()*d.BlockBytes():]
					check := nearPlain
					if d == tensor.Q4_K {
						check = nearQ4_K
					}
					if fault := check(x[i:i+d.BlockLen()], back[i:i+d.BlockLen()], b, d); fault != "" {
						t.Fatalf("%s numbers, seed %d, block at %d of %s: %s", kinds[kind].name, seed, i, d, fault)
					}
				}
			}
		}
	}
}

func nearPlain(x, back []float32, b []byte, d tensor.DType) string {
	scale, top := math.Abs(value16(binary.LittleEndian.Uint16(b), 5)), 0.0
	for _, v := range x {
		top = max(top, math.Abs(float64(v)))
	}
	if scale < math.Ldexp(1, -14) && top > 0 {
		return ""
	}
	for i, v := range x {
		bar := scale/2 + math.Ldexp(top, -11)
		if d == tensor.Q4_0 && math.Abs(float64(v)) > 7.5*scale {
			bar += scale / 2
		}
		if diff := math.Abs(float64(back[i]) - float64(v)); !(diff <= bar) || v == 0 && back[i] != 0 {
			return fmt.Sprintf("element %d: %v becomes %v, further than %v", i, v, back[i], bar)
		}
	}
	return ""
}

// nearQ4_K holds each code against the 16 there are, and the weighted error of a run
// against what equal steps over its range cost and rounding scales and minima adds: half
// a 63rd of the largest, and F16's 2⁻¹¹ of the whole, 15 times for the scale.
func nearQ4_K(x, back []float32, b []byte, _ tensor.DType) string {
	d, low := value16(binary.LittleEndian.Uint16(b), 5), value16(binary.LittleEndian.Uint16(b[2:]), 5)
	subnormal := max(d, low) < math.Ldexp(1, -14)
	for run := range 8 {
		// The values of the run are those that its codes 0 to 15 decode to.
		var values [16]float64
		for q := range values {
			changed := slices.Clone(b[:144])
			for j := range changed[16:] {
				changed[16+j] = byte(q | q<<4)
			}
			values[q] = elementK(changed, tensor.Q4_K, 32*run)
		}
		squares, least, most := 0.0, 0.0, float64(x[32*run])
		for _, v := range x[32*run : 32*run+32] {
			squares += float64(v) * float64(v)
			least, most = min(least, float64(v)), max(most, float64(v))
		}
		weights, cost := 0.0, 0.0
		for i, v := range x[32*run : 32*run+32] {
			diff := math.Abs(float64(back[32*run+i]) - float64(v))
			for _, other := range values {
				if d > 0 && diff > math.Abs(other-float64(v))*(1+1e-5)+1e-6*(most-least) {
					return fmt.Sprintf("element %d: %v becomes %v, and %v is nearer", 32*run+i, v, back[32*run+i], other)
				}
			}
			w := math.Sqrt(squares/32) + math.Abs(float64(v))
			weights += w
			cost += w * diff * diff
		}
		bar := ((most-least)/30 + (0.5+63.0/2048)*(15*d+low)) * (1 + 1e-4)
		if got := math.Sqrt(cost / weights); !subnormal && squares > 0 && !(got <= bar) {
			return fmt.Sprintf("run %d: weighted error %v, want at most %v", run, got, bar)
		}
	}
	return ""
}

func TestEncodeRowsNamesWhatIsWrong(t *testing.T) {
	x := func(n int, at int, v float64) []float32 {
		x := make([]float32, n)
		x[at] = float32(v)
		return x
	}
	for _, c := range []struct {
		x     []float32
		width int
		d     tensor.DType
		want  string
	}{
		{x(576, 0, 1), 576, tensor.Q4_K, "rows of 576 elements are no whole blocks of Q4_K, which has 256 in one: take Q8_0 or Q4_0, of blocks of 32"},
		{x(50, 0, 1), 50, tensor.Q4_K, "rows of 50 elements are no whole blocks of Q4_K, which has 256 in one: keep the type it has"},
		{x(50, 0, 1), 50, tensor.Q8_0, "rows of 50 elements are no whole blocks of Q8_0, which has 32 in one: keep the type it has"},
		{x(96, 70, math.NaN()), 32, tensor.Q8_0, "element 6 of row 2 is NaN: want finite numbers for Q8_0"},
		{x(64, 33, math.Inf(-1)), 64, tensor.Q4_0, "element 33 of row 0 is -Inf"},
		{x(256, 255, math.Inf(1)), 256, tensor.Q4_K, "element 255 of row 0 is +Inf"},
		{x(128, 100, 1e7), 64, tensor.Q8_0, "elements 32 to 63 of row 1 are too large for Q8_0, whose scales are F16"},
		{x(128, 100, -1e6), 64, tensor.Q4_0, "elements 32 to 63 of row 1 are too large for Q4_0"},
		{x(512, 300, 1e9), 256, tensor.Q4_K, "elements 0 to 255 of row 1 are too large for Q4_K"},
		{x(512, 300, -1e9), 256, tensor.Q4_K, "elements 0 to 255 of row 1 are too large for Q4_K"},
		{x(512, 300, -3e38), 256, tensor.Q4_K, "elements 0 to 255 of row 1 are too large for Q4_K"},
		{x(3, 2, math.NaN()), 3, tensor.BF16, "element 2 of row 0 is NaN: want finite numbers for BF16"},
	} {
		data, err := tensor.EncodeRows(c.x, c.width, c.d)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tensor: ") || strings.Contains(err.Error(), "\n") || data != nil {
			t.Errorf("%d bytes, %v, want %q", len(data), err, c.want)
		}
	}
	if data, err := tensor.EncodeRows(nil, 32, tensor.Q8_0); len(data) != 0 || err != nil {
		t.Errorf("no rows: %d bytes, %v", len(data), err)
	}
}

// TestAnythingEncodes: numbers that only EncodeRows refuses, and steps so small that their
// inverse is infinite, are written as something that decodes.
func TestAnythingEncodes(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, -math.MaxFloat32, 0x1p-149, -0x1p-149, 0x1p-140} {
		for _, d := range encoded {
			x := row(0, 1)[:256]
			if math.Abs(v) < 1 {
				clear(x)
			}
			x[3], x[40], x[41] = float32(v), float32(-v), float32(v)
			data := make([]byte, d.Bytes(256))
			tensor.EncodeF32(data, x, d)
			tensor.DecodeF32(x, data, d)
		}
	}
}

// A weight of 4 bits is within half a step of what it was: the step is 2/8 here.
func ExampleEncodeRows() {
	x := make([]float32, 32)
	copy(x, []float32{-2, 0.1, 0.2, 1, 1.9})
	data, err := tensor.EncodeRows(x, 32, tensor.Q4_0)
	fmt.Println(len(data), err)
	tensor.DecodeF32(x, data, tensor.Q4_0)
	fmt.Println(x[:6])
	_, err = tensor.EncodeRows(x, 32, tensor.Q4_K)
	fmt.Println(err)
	// Output:
	// 18 <nil>
	// [-2 0 0.25 1 1.75 0]
	// tensor: rows of 32 elements are no whole blocks of Q4_K, which has 256 in one: take Q8_0 or Q4_0, of blocks of 32
}
