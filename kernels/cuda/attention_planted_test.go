package cuda_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/ptx"
)

// entryText returns the PTX of one kernel, with the head of its module.
func entryText(t *testing.T, name string) string {
	t.Helper()
	k, ok := pack.Find(name)
	if !ok {
		t.Fatalf("no kernel %s", name)
	}
	all, err := pack.PTX(k.Module)
	if err != nil {
		t.Fatal(err)
	}
	text := string(all)
	from := strings.Index(text, ".visible .entry "+name+"(")
	head, _, _ := strings.Cut(text, ".visible .entry")
	return head + text[from:from+strings.Index(text[from:], "\n}")+2]
}

// planted is a machine on which kernels of attention run, some of them with a mistake: one
// segment of 150 rows, two query heads that read one key head, 16 columns.
type planted struct {
	t                                       *testing.T
	m                                       *ptx.Machine
	q, k, v, dOut, out, dK, dV, kept, parts uint64
}

const plantedRows, plantedHeads, plantedDim = 150, 2, 16

func plantedCall() attentionCall {
	c := newAttentionCall(70, plantedHeads, 1, plantedDim, 0.5, toF32, [2]int{plantedRows, 0})
	c.scale = 1
	return c
}

var plantedKernels = []string{
	"lamina_attention_16", "lamina_attention_queries_16", "lamina_attention_keys_16", "lamina_attention_decode_32",
	"lamina_attention_bf16_16", "lamina_attention_bf16_queries_16", "lamina_attention_bf16_keys_16",
}

// newPlanted draws the operands.
func newPlanted(t *testing.T, o ptx.Options) *planted {
	p := &planted{t: t, m: ptx.New(o)}
	put := func(x []float64) uint64 {
		b := make([]byte, 4*len(x))
		for i, v := range x {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(float32(v)))
		}
		at := p.m.Alloc(len(b))
		if err := p.m.Write(at, b); err != nil {
			t.Fatal(err)
		}
		return at
	}
	c := plantedCall()
	p.q, p.dOut, p.k, p.v = put(c.q), put(c.dOut), put(c.k), put(c.v)
	room := 4 * plantedRows * plantedHeads * plantedDim
	p.out, p.dK, p.dV, p.kept, p.parts = p.m.Alloc(room), p.m.Alloc(room), p.m.Alloc(room), p.m.Alloc(room), p.m.Alloc(room)
	return p
}

// run launches PTX text as the kernel of that name, tiles blocks.
func (p *planted) run(text, name string, tiles, shared int, pointers ...uint64) error {
	p.t.Helper()
	k, _ := pack.Find(name)
	params := make([]byte, k.Bytes)
	next := 0
	put := func(v uint64, size int) {
		at := params[k.Params[next].Offset:]
		if size == 8 {
			binary.LittleEndian.PutUint64(at, v)
		} else {
			binary.LittleEndian.PutUint32(at, uint32(v))
		}
		next++
	}
	for _, v := range append(pointers, 0) { // no slopes
		put(v, 8)
	}
	for _, v := range []uint64{plantedHeads, 1, plantedDim, 1} {
		put(v, 4)
	}
	for next < len(k.Params)-1 { // scale, sign, and factor where there is one
		put(uint64(math.Float32bits(1)), 4)
	}
	segment := params[k.Params[next].Offset:]
	if strings.Contains(name, "decode") {
		for i, v := range []uint64{p.k, p.v} {
			binary.LittleEndian.PutUint64(segment[8*i:], v)
		}
		binary.LittleEndian.PutUint32(segment[20:], 1)
		binary.LittleEndian.PutUint32(segment[24:], plantedRows-1)
	} else {
		binary.LittleEndian.PutUint32(segment[20:], plantedRows)
	}
	program, err := ptx.Parse([]byte(text))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.m.AllowShared(program, name, shared); err != nil {
		p.t.Fatal(err)
	}
	return p.m.Launch(program, name, [3]int{tiles, 1, 1}, [3]int{k.Threads, 1, 1}, shared, params)
}

// kernel runs the kernel of that name from the text.
func (p *planted) kernel(name, text string) error {
	const enough = 64 << 10 // bytes of shared memory for any of them at this width
	switch {
	case strings.Contains(name, "queries"):
		return p.run(text, name, 5, enough, p.out, p.kept, p.dOut, p.q, p.k, p.v)
	case strings.Contains(name, "keys"):
		queries := strings.Replace(name, "keys", "queries", 1)
		if err := p.kernel(queries, entryText(p.t, queries)); err != nil {
			p.t.Fatal(err)
		}
		return p.run(text, name, 3, enough, p.dK, p.dV, p.kept, p.dOut, p.q, p.k, p.v)
	case strings.Contains(name, "decode"):
		return p.run(text, name, 2, enough, p.parts, p.kept, p.q, p.k, p.v)
	}
	return p.run(text, name, 5, enough, p.out, p.q, p.k, p.v)
}

// wantFault fails unless err is a fault of that kind.
func wantFault(t *testing.T, err error, kind ptx.Kind) {
	t.Helper()
	var f *ptx.Fault
	if !errors.As(err, &f) || f.Kind != kind {
		t.Errorf("want %v, found %v", kind, err)
	}
}

// Mistakes in addresses are found by name.
func TestAttentionWithWrongAddresses(t *testing.T) {
	for _, c := range []struct {
		mistake, kernel, pattern, with string
		kind                           ptx.Kind
	}{
		{"a chunk has one key more", "lamina_attention_decode_32", `min\.u32 \t(%r\d+), %r\d+, 128;`, "$0\n\tadd.s32 \t$1, $1, 1;", ptx.OutOfBounds},
		{"keys are as far apart as queries", "lamina_attention_16", `\[lamina_attention_16_param_6\]`, "[lamina_attention_16_param_5]", ptx.OutOfBounds},
		{"rows of a tile are written too close", "lamina_attention_16", `(mul\.lo\.s32 \t%r\d+, %r\d+), 20;(\n\tcvt[^\n]*\n\tcvt[^\n]*\n\tadd[^\n]*\n\tshl[^\n]*\n\tadd[^\n]*\n\tst\.shared)`, "$1, 16;$2", ptx.Uninitialised},
	} {
		t.Run(c.mistake, func(t *testing.T) {
			text := entryText(t, c.kernel)
			wrong := regexp.MustCompile(c.pattern).ReplaceAllString(text, c.with)
			if wrong == text {
				t.Fatalf("%s has no %s", c.kernel, c.pattern)
			}
			wantFault(t, newPlanted(t, ptx.Options{}).kernel(c.kernel, wrong), c.kind)
		})
	}
}

// Blocks and warps in any order give the same bits.
func TestAttentionInAnyOrder(t *testing.T) {
	for _, name := range plantedKernels {
		text := entryText(t, name)
		results := func(seed uint64) (all []byte) {
			p := newPlanted(t, ptx.Options{Seed: seed})
			if err := p.kernel(name, text); err != nil {
				t.Fatal(err)
			}
			for _, at := range []uint64{p.out, p.dK, p.dV, p.kept, p.parts} {
				b, err := p.m.Bytes(at, 4*plantedRows*plantedHeads*plantedDim)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b...)
			}
			return all
		}
		for want, seed := results(0), uint64(1); seed < 4; seed++ {
			if !bytes.Equal(results(seed), want) {
				t.Errorf("%s: order %d gives other bits", name, seed)
			}
		}
	}
}

// A mistake that touches no wrong memory, in ln 2 of the exponential, is beyond the bound.
func TestAttentionWithAWrongNumber(t *testing.T) {
	const name = "lamina_attention_16"
	c := plantedCall()
	exact, bound := c.exact(), c.forwardBound(rounding{})
	beyond := func(text string) (n int) {
		p := newPlanted(t, ptx.Options{})
		if err := p.kernel(name, text); err != nil {
			t.Fatal(err)
		}
		b, err := p.m.Bytes(p.out, 4*len(exact))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range exact {
			if v := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))); !(math.Abs(v-want) <= bound[i]) {
				n++
			}
		}
		return n
	}
	text := entryText(t, name)
	if n := beyond(text); n > 0 {
		t.Errorf("%d numbers beyond the bound without a mistake", n)
	}
	wrong := strings.ReplaceAll(text, "0fBF318000", "0fBF318100")
	if n := beyond(wrong); wrong == text || n == 0 {
		t.Errorf("%d numbers beyond the bound", n)
	}
}
