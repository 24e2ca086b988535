package ptx

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// What is not understood is an error where it stands, before anything runs.
func TestWhatIsNotUnderstood(t *testing.T) {
	for body, says := range map[string]string{
		"frob.u32 %r2, %r1;":                        "unknown instruction frob",
		"add.odd.u32 %r2, %r1, %r1;":                "unknown modifier .odd of add",
		"add.u32 %r2, %r1;":                         "add takes 3 operands, not 2",
		"add.u32 %r2, %r1, %r99;":                   "no such operand: %r99",
		"add.u32 %p1, %r1, %r1;":                    "no register for the result",
		"add.u8 %r2, %r1, %r1;":                     "no such type",
		"and.f32 %f1, %f1, %f1;":                    "no such type",
		"bra nowhere;":                              "no such label",
		"@%r1 bra nowhere;":                         "no predicate: %r1",
		"a: a: ret;":                                "label a stands twice",
		"ld.global.u32 %r2, %rd1;":                  "no address",
		"ld.global.v2.u32 {%r2, %r3, %r4}, [%rd1];": "3 values for 2",
		"call absent;":                              "no function absent",
		"setp.qq.u32 %p1, %r1, 0;":                  "no such comparison",
		"cvt.u32.f32 %r1, %f1;":                     "says how it rounds",
		"shfl.bfly.b32 %r1, %r1, 1, 31;":            "no such exchange",
		"mov.u32 %r1, 0x1g;":                        "no number",
		"mov.f32 %f1, 0f123;":                       "no number",
		"{ mov.u32 %r1, 1;":                         "has no end",
		"mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 %f1, %f1, %f1, %f1;": "no such product",
		".reg .what %r;":              "unknown type of registers",
		".shared .align 3 .b8 x[4];":  "no alignment",
		".shared .b8 x[99999999999];": "an array of",
		".param .b8 x[40000];":        "more than 32764 bytes of parameters",
		".local .b8 x[] ;":            "an array",
	} {
		_, err := Parse([]byte(snippet("", body)))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, which says nothing of %q", body, err, says)
		} else if e.Line < 4 || e.Line > 16 {
			t.Errorf("%s: line %d", body, e.Line)
		}
	}
	for text, says := range map[string]string{
		"nonsense":                              "unknown directive",
		"/* no end":                             "a comment without an end",
		`.file 1 "x`:                            "a string without an end",
		".visible .entry k(.param .u32":         "the name of a variable",
		".global .u32 a; .global .u32 a;":       "declared twice",
		".global .u32 a[2] = {1, 2, 3};":        "more initial values",
		".entry k() { ret; } .entry k() { ret;": "defined twice",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, which says nothing of %q", text, err, says)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("testdata/kernels.ptx")
	if err != nil {
		f.Fatal(err)
	}
	for _, part := range strings.Split(string(b), ".visible") {
		f.Add([]byte(".visible" + part))
	}
	f.Add([]byte(snippet(".const .align 4 .u32 numbers[4] = {10, 20, 30, 40}; .global .u64 p = numbers+8;",
		"list: .branchtargets a, b; brx.idx %r1, list; a: { .param .b32 q; st.param.b32 [q], %r1; } b: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1, %f1, %f1, %f1}, {%r2, %r2, %r2, %r2}, {%r2, %r2}, {%f1, %f1, %f1, %f1};")))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := Parse(src)
		if err != nil {
			return
		}
		// What is understood runs, or faults.
		m := New(Options{MaxSteps: 1000})
		for _, v := range p.order {
			if v.size > 1<<16 {
				return
			}
		}
		for _, entry := range p.Entries() {
			e := p.functions[entry]
			_ = m.Launch(p, entry, [3]int{1, 1, 1}, [3]int{32, 1, 1}, 0, make([]byte, e.paramBytes))
		}
	})
}
