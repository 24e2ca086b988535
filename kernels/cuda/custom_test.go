package cuda_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/tensor"
)

// brought is a kernel from outside.
type brought struct {
	text, entry string
	args        []any
	blocks      int
}

func (brought) Name() string { return "brought" }

func (k brought) PTX() (text, entry string) { return k.text, k.entry }

func (k brought) Arguments() []any { return k.args }

func (k brought) Grid() (blocks, threads [3]int, shared int) {
	return [3]int{k.blocks, 1, 1}, [3]int{256, 1, 1}, 0
}

// bumpPTX is the text of an example that is a module of its own for the backend.
func bumpPTX(t *testing.T) string {
	text, err := os.ReadFile("../../examples/spirals/bump.ptx")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCustomRunsPTX from outside: y = exp(-x²), loaded once.
func TestCustomRunsPTX(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	x := tensor.MustFromFloats(be, tensor.F32, []float64{-2, -1, 0, 0.5, 3}, 5)
	y := tensor.MustNew(be, tensor.F32, 5)
	k := brought{bumpPTX(t), "bump", []any{y, x, uint32(5)}, 1}
	for range 3 {
		if !kernels.Custom(be, k) {
			t.Fatal("not run")
		}
	}
	for i, got := range y.Floats() {
		v := x.Floats()[i]
		if want := math.Exp(-v * v); math.Abs(got-want) > 1e-6*want {
			t.Errorf("exp(-%v²) = %v, want %v", v, got, want)
		}
	}
	if n := be.Count("cuModuleLoadDataEx"); n != 1 {
		t.Errorf("the text was loaded %d times", n)
	}
	k.blocks = 0 // nothing to do
	if !kernels.Custom(be, k) || be.Sync() != nil {
		t.Errorf("a kernel of no blocks: %v", be.Sync())
	}
}

// TestCustomSaysWhatIsWrong: arguments panic by their number, a text is an error at Sync.
func TestCustomSaysWhatIsWrong(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	text := bumpPTX(t)
	y := tensor.MustNew(be, tensor.F32, 5)
	for want, args := range map[string][]any{
		"takes 3 parameters, is given 2":             {y, y},
		"takes 3 parameters, is given more":          {y, y, uint32(5), uint32(5)},
		"parameter 2 is .u32 of 4 bytes, is given u": {y, y, uint64(5)},
		"parameter 2: a int is none":                 {y, y, 5},
	} {
		func() {
			defer func() {
				if got, ok := recover().(string); !ok || !strings.Contains(got, want) || !strings.Contains(got, "brought") {
					t.Errorf("panics with %q, want %q", got, want)
				}
			}()
			kernels.Custom(be, brought{text, "bump", args, 1})
		}()
	}
	for want, k := range map[string]brought{
		`the PTX has no entry "dump"`: {text: text, entry: "dump", blocks: 1},
		"kernel brought":              {text: strings.Replace(text, "mul.f32", "mull.f32", 1), entry: "bump", blocks: 1},
	} {
		be := cudatest.Open(t, cudatest.Options{})
		y := tensor.MustNew(be, tensor.F32, 5)
		k.args = []any{y, y, uint32(5)}
		if !kernels.Custom(be, k) {
			t.Error("not taken")
		}
		if err := be.Sync(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Sync: %v, want %s", err, want)
		}
	}
	if err := be.Sync(); err != nil {
		t.Error(err)
	}
}

// fixedPTX has 40 KiB of shared memory of its own beside what a launch gives it.
const fixedPTX = `.version 7.8
.target sm_80
.address_size 64
.extern .shared .align 4 .b8 given[];
.visible .entry fixed(.param .u64 out)
.maxntid 256, 1, 1
{
	.shared .align 4 .b8 own[40960];
	.reg .b64 %rd<3>;
	.reg .b32 %r<4>;
	.reg .pred %p;
	mov.u32 %r1, %tid.x;
	setp.ne.u32 %p, %r1, 0;
	@%p bra end;
	ld.param.u64 %rd1, [out];
	cvta.to.global.u64 %rd2, %rd1;
	mov.u32 %r2, 1065353216;
	st.shared.u32 [own+40956], %r2;
	st.shared.u32 [given+20476], %r2;
	ld.shared.u32 %r3, [own+40956];
	st.global.u32 [%rd2], %r3;
end:
	ret;
}
`

// sharing is brought with dynamic shared memory.
type sharing struct{ brought }

func (sharing) Grid() (blocks, threads [3]int, shared int) {
	return [3]int{1, 1, 1}, [3]int{256, 1, 1}, 20 << 10
}

// TestCustomSharedMemory: what a kernel has of its own counts towards the 48 KiB that a
// device gives without being asked.
func TestCustomSharedMemory(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	y := tensor.MustNew(be, tensor.F32, 1)
	defer y.Free()
	if !kernels.Custom(be, sharing{brought{text: fixedPTX, entry: "fixed", args: []any{y}}}) {
		t.Fatal("not run")
	}
	if got := y.Floats()[0]; got != 1 {
		t.Errorf("%v", got)
	}
}
