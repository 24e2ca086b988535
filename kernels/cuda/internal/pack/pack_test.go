package pack

import (
	"regexp"
	"strings"
	"testing"
)

// A source that was changed without its PTX being made again is found without a compiler.
func TestPTXIsOfItsSource(t *testing.T) {
	for _, module := range Names() {
		source, err := Source(module)
		if err != nil {
			t.Fatal(err)
		}
		ptx, err := PTX(module)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(ptx), Header(source)) {
			t.Errorf("%s.ptx was made of another source: run package compile", module)
		}
		for _, want := range []string{".version 7.8\n", ".target sm_80\n", ".address_size 64\n"} {
			if !strings.Contains(string(ptx), want) {
				t.Errorf("%s.ptx has no line %q", module, want)
			}
		}
	}
}

// fusible are products and sums that do not say how they are rounded.
var fusible = regexp.MustCompile(`\b(mul|add|sub)\.f(32|64)\b`)

// floatAtomic is an atomic operation on floats, behind a predicate or not.
var floatAtomic = regexp.MustCompile(`\b(atom|red)\.\S*\.b?f(16|32|64)`)

func TestSourcesKeepTheRules(t *testing.T) {
	for _, module := range Names() {
		source, err := Source(module)
		if err != nil {
			t.Fatal(err)
		}
		ptx, _ := PTX(module)
		entries, err := Entries(module, string(ptx))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range entries {
			if k.Threads == 0 {
				t.Errorf("%s has no __launch_bounds__: it is compiled for blocks of any size", k.Name)
			}
		}
		if strings.Contains(string(source), "#include") {
			t.Errorf("%s.cu includes a file", module)
		}
		for _, line := range strings.Split(string(ptx), "\n") {
			if floatAtomic.MatchString(line) {
				t.Errorf("%s.ptx: atomic operation on floats: %s", module, line)
			}
			if strings.Contains(line, ".ftz") || strings.Contains(line, "div.approx") || strings.Contains(line, "sqrt.approx") {
				t.Errorf("%s.ptx: loose arithmetic: %s", module, line)
			}
			if fusible.MatchString(line) {
				t.Errorf("%s.ptx: the driver may fuse a product with a sum: run package compile: %s", module, line)
				break
			}
		}
	}
}

func TestEntries(t *testing.T) {
	const text = `
.visible .entry lamina_a(
	.param .u64 lamina_a_param_0,
	.param .f32 lamina_a_param_1,
	.param .align 8 .b8 lamina_a_param_2[24],
	.param .u16 lamina_a_param_3
)
.maxntid 256, 1, 1
{
}
.visible .entry lamina_b()
{
}`
	all, err := Entries("m", text)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	a := all[0]
	if a.Name != "lamina_a" || a.Threads != 256 || a.Bytes != 42 || len(a.Params) != 4 || a.Params[2] != (Param{"b8", 24, 16}) {
		t.Errorf("%+v", a)
	}
	if all[1].Bytes != 0 || all[1].Threads != 0 {
		t.Errorf("%+v", all[1])
	}
	if _, err := Entries("m", ".entry x(.param .pred p) {}"); err == nil {
		t.Error("an unknown type is taken")
	}
}
