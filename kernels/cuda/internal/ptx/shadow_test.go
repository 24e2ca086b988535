package ptx

import (
	"math"
	"testing"
)

// The shadow of a sum shows what its rounding lost, and changes no result.
func TestShadow(t *testing.T) {
	p := kernels(t)
	const cols = 5000
	x := make([]float32, cols)
	for i := range x {
		x[i] = float32(1 / float64(i+3))
	}
	var results [2]float32
	var worst float64
	for i, o := range []Options{{}, {Shadow: true}} {
		m := New(o)
		out := m.Alloc(4)
		if err := m.Launch(p, "sum", [3]int{1, 1, 1}, [3]int{256, 1, 1}, 0, arguments(out, upload(t, m, x), uint32(cols))); err != nil {
			t.Fatal(err)
		}
		results[i] = download[float32](t, m, out, 1)[0]
		worst = m.Errors()["sum"]
	}
	exact := 0.0
	for _, v := range x {
		exact += float64(v)
	}
	if results[0] != results[1] {
		t.Errorf("%v without the shadow, %v with it", results[0], results[1])
	}
	if want := math.Abs(float64(results[1])-exact) / exact; math.Abs(worst-want) > 1e-12 {
		t.Errorf("the shadow says %g, the float64 sum %g", worst, want)
	}
	// A difference of nearly equal numbers loses all of them.
	m := New(Options{Shadow: true})
	q := parse(t, snippet("", `ld.global.f32 %f1, [%rd2]; mov.f32 %f2, 0f4B800000; add.rn.f32 %f3, %f1, %f2; sub.rn.f32 %f3, %f3, %f2; st.global.f32 [%rd1], %f3;`))
	if err := m.Launch(q, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(m.Alloc(4), upload(t, m, []float32{1.25}))); err != nil {
		t.Fatal(err)
	}
	if got := m.Errors()["k"]; got < 0.2 || got > 1 {
		t.Errorf("%g for (2^24 + 1.25) - 2^24", got)
	}
}

// The shadow goes through whatever moves and computes floats: x·x - x² is nothing but the
// rounding of x².
func TestShadowGoesThrough(t *testing.T) {
	m := New(Options{Shadow: true})
	p := parse(t, snippet(".shared .align 4 .b8 room[4];", `
	ld.global.f32 %f1, [%rd2];
	mul.rn.f32 %f2, %f1, %f1; mov.f32 %f3, %f2; st.shared.f32 [room], %f3; ld.shared.f32 %f4, [room];
	setp.gt.f32 %p1, %f4, 0f00000000; selp.f32 %f5, %f4, %f1, %p1; shfl.sync.idx.b32 %f6, %f5, 0, 31, 1; neg.f32 %f7, %f6; abs.f32 %f8, %f7; neg.f32 %f9, %f8;
	fma.rn.f32 %f10, %f1, %f1, %f9; fma.rn.f32 %f11, %f10, 0f49742400, 0f3F800000;
	st.global.f32 [%rd1], %f11;`))
	out := m.Alloc(4)
	x := float32(1.2345678)
	if err := m.Launch(p, "k", [3]int{1, 1, 1}, [3]int{1, 1, 1}, 0, arguments(out, upload(t, m, []float32{x}))); err != nil {
		t.Fatal(err)
	}
	got := float64(download[float32](t, m, out, 1)[0])
	// A million times nothing, and 1: without rounding it is 1.
	if want := math.Abs(got - 1); want == 0 || math.Abs(m.Errors()["k"]-want) > 1e-9 {
		t.Errorf("the shadow says %g, and it is %g", m.Errors()["k"], want)
	}
}
