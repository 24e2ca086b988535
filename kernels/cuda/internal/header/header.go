// Package header asks the C headers of NVIDIA's toolkit, where a machine has them and gcc,
// for the numbers, layouts and prototypes that tests hold ours against.
//
//	in := header.Find(t, "cuda.h")
//	in.Equal(t, map[string]int64{"CU_STREAM_NON_BLOCKING": nonBlocking})
package header

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/sys"
)

// Variable is the environment variable that names folders in which headers are looked for
// before those of a toolkit and of Python wheels.
const Variable = "LAMINA_CUDA_INCLUDE"

// Includes are the folders that a header and what it includes are in.
type Includes struct {
	gcc, name string
	flags     []string
}

// Find returns where the header name is, or skips the test with the reason.
func Find(t testing.TB, name string) Includes {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skipf("no gcc on this machine: nothing is held against %s", name)
	}
	in := Includes{gcc: gcc, name: name}
	for _, folder := range folders() {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil && in.flags == nil {
			t.Logf("%s of %s", name, folder)
			in.flags = append([]string{"-I", folder}, others()...)
		}
	}
	if in.flags == nil {
		t.Skipf("no %s in %s, a toolkit or a Python wheel: nothing is held against it", name, Variable)
	}
	in.flags = append(in.flags, "-idirafter", stubs)
	return in
}

// stubs has what headers include that wheels have elsewhere, and that declares nothing
// which is asked for: seen from a package beside this one.
const stubs = "../header/testdata"

// folders returns those that may have headers.
func folders() []string {
	all := filepath.SplitList(os.Getenv(Variable))
	system := sys.System()
	for _, pattern := range system.Places(sys.Want{Toolkit: true}) {
		for _, up := range []string{"..", "../.."} { // targets/x86_64-linux/lib has its own, lib64 the toolkit's
			all = append(all, system.Glob(filepath.Join(pattern, up, "include"))...)
		}
	}
	return all
}

func others() (flags []string) {
	for _, folder := range folders() {
		flags = append(flags, "-idirafter", folder)
	}
	return flags
}

// Check has gcc look at a source file behind the header, and fails the test with what it
// says.
func (in Includes) Check(t testing.TB, file string, flags ...string) {
	t.Helper()
	in.compile(t, "", append(flags, "-fsyntax-only", file)...)
}

// compile runs gcc with a source text as its standard input, behind the header with what an
// ABI older than the header's has too (cuda.h hides it otherwise).
func (in Includes) compile(t testing.TB, source string, args ...string) {
	t.Helper()
	// Half and BF16 numbers are C++, and of no use here.
	all := []string{"-D__CUDA_API_VERSION_INTERNAL", "-D__CUDA_FP16_H__", "-D__CUDA_BF16_H__", "-D__CUDA_FP8_H__"}
	all = append(append(all, in.flags...), "-include", in.name)
	c := exec.Command(in.gcc, append(all, args...)...)
	c.Stdin = strings.NewReader(source)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
}

// Values returns what C expressions come to.
func (in Includes) Values(t testing.TB, expressions []string) []int64 {
	t.Helper()
	var source strings.Builder
	source.WriteString("#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n")
	for _, e := range expressions {
		fmt.Fprintf(&source, "printf(\"%%lld\\n\", (long long)(%s));\n", e)
	}
	source.WriteString("return 0; }\n")
	program := filepath.Join(t.TempDir(), "main")
	in.compile(t, source.String(), "-x", "c", "-o", program, "-")
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var values []int64
	for line := range strings.Lines(string(out)) {
		v, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	return values
}

// Prototypes fails the test where a function is not declared as wanted: "cuInit" as
// "CUresult(unsigned int)".
func (in Includes) Prototypes(t testing.TB, want map[string]string) {
	t.Helper()
	var all, names []string
	for name, p := range want {
		names = append(names, name)
		all = append(all, fmt.Sprintf("__builtin_types_compatible_p(__typeof__(%s), %s)", name, p))
	}
	for i, same := range in.Values(t, all) {
		if same != 1 {
			t.Errorf("%s is not %s", names[i], want[names[i]])
		}
	}
}

// Equal fails the test where a C expression has another value than ours.
func (in Includes) Equal(t testing.TB, want map[string]int64) {
	t.Helper()
	var all []string
	for e := range want {
		all = append(all, e)
	}
	for i, v := range in.Values(t, all) {
		if v != want[all[i]] {
			t.Errorf("%s is %d, here %d", all[i], v, want[all[i]])
		}
	}
}
