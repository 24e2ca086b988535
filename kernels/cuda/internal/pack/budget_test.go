package pack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// residents are the threads that a multiprocessor must be able to hold of each kernel of a
// module, of 2048: what waits for memory needs many, what keeps sums of products in
// registers has few.
var residents = map[string]int{
	"activation": 1536, "convert": 1536, "dropout": 1536, "elementwise": 1536, "epilogue": 1536, "loss": 1536,
	"movement": 1536, "norm": 1536, "optim": 1536, "reduce": 1536, "rope": 1536,
	"gather": 1280, "similarity": 1024, "product": 1024, "widen": 1024,
	"attention_decode": 768, "matvec": 768,
	"attention": 512, "attention_backward": 512, "attention_bf16": 256, "attention_backward_bf16": 256, "matveck": 512, "matvecq": 512,
}

// leastResidents is the budget of the modules that residents does not name.
const leastResidents = 512

// TestBudget asks ptxas, where there is one, how many registers each kernel takes. None may
// spill any to memory, and each must leave room for as many threads as residents says.
func TestBudget(t *testing.T) {
	ptxas, err := findPtxas()
	if err != nil {
		t.Skip(err)
	}
	for _, module := range Names() {
		for _, arch := range []string{"sm_80", "sm_90"} {
			t.Run(module+"/"+arch, func(t *testing.T) {
				t.Parallel()
				report, err := exec.Command(ptxas, "-v", "-arch="+arch, "-o", os.DevNull, module+".ptx").CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, report)
				}
				for _, u := range readUsage(report) {
					if err := u.check(module); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// findPtxas returns the path of ptxas: $LAMINA_PTXAS, or one in $PATH, or that of the
// package nvidia-cuda-nvcc of some Python environment.
func findPtxas() (string, error) {
	if path := os.Getenv("LAMINA_PTXAS"); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("ptxas"); err == nil {
		return path, nil
	}
	home, _ := os.UserHomeDir() // without one its folder is not found
	for _, root := range []string{os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX"), filepath.Join(home, ".local"), "/usr/local", "/usr"} {
		for _, packages := range []string{"site-packages", "dist-packages"} {
			for _, part := range []string{"cuda_nvcc", "cu13"} {
				found, _ := filepath.Glob(filepath.Join(root, "lib", "python3*", packages, "nvidia", part, "bin", "ptxas")) // the pattern is good
				if root != "" && len(found) > 0 {
					return found[0], nil
				}
			}
		}
	}
	return "", errors.New("no ptxas in $LAMINA_PTXAS, $PATH or a Python environment (package nvidia-cuda-nvcc): registers and spills are not looked at")
}

// usage is what ptxas says of a kernel.
type usage struct {
	kernel            string
	registers, shared int // of a thread; bytes of a block
	spilled, stack    int // bytes
}

var usagePattern = regexp.MustCompile(`Compiling entry function '(\w+)'[^\n]*\n[^\n]*\n\s*(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads\n[^\n]*Used (\d+) registers([^\n]*)`)

var sharedPattern = regexp.MustCompile(`(\d+) bytes smem`)

// readUsage reads the report of ptxas -v.
func readUsage(report []byte) []usage {
	var all []usage
	for _, m := range usagePattern.FindAllSubmatch(report, -1) {
		number := func(b []byte) int {
			n, _ := strconv.Atoi(string(b)) // digits
			return n
		}
		u := usage{kernel: string(m[1]), stack: number(m[2]), spilled: number(m[3]) + number(m[4]), registers: number(m[5])}
		if s := sharedPattern.FindSubmatch(m[6]); s != nil {
			u.shared = number(s[1])
		}
		all = append(all, u)
	}
	return all
}

// check returns what is wrong with a kernel of a module.
func (u usage) check(module string) error {
	k, ok := Find(u.kernel)
	want := residents[module]
	if want == 0 {
		want = leastResidents
	}
	switch {
	case !ok:
		return fmt.Errorf("ptxas tells of %s, which the pack does not have", u.kernel)
	case k.Threads == 0:
		return fmt.Errorf("%s has no __launch_bounds__: ptxas takes it for a kernel of any block", u.kernel)
	case u.spilled > 0 || u.stack > 0:
		return fmt.Errorf("%s keeps %d bytes on a stack and moves %d bytes of registers to memory and back", u.kernel, u.stack, u.spilled)
	}
	if got := u.resident(k.Threads); got < min(want, mostBlocks*k.Threads) {
		return fmt.Errorf("%s: %d registers a thread and %d bytes of shared memory leave room for %d threads in blocks of %d, want %d",
			u.kernel, u.registers, u.shared, got, k.Threads, want)
	}
	return nil
}

// mostBlocks are resident at a time, however small they are.
const mostBlocks = 32

// resident returns how many threads in blocks of the given size a multiprocessor holds,
// but for shared memory that is asked for at the launch. CUDA C Programming Guide, Compute
// Capabilities: 65536 registers, given to a warp in units of 256; 2048 threads; 164 KiB of
// shared memory in 8.0, of which each block takes 1 KiB more than it says.
func (u usage) resident(block int) int {
	const registers, threads, shared, unit, warp, own = 65536, 2048, 164 << 10, 256, 32, 1 << 10
	warps := (block + warp - 1) / warp
	perWarp := (max(u.registers, 1)*warp + unit - 1) / unit * unit
	return min(registers/perWarp/warps, threads/block, mostBlocks, shared/(u.shared+own)) * block
}

func TestUsageFromReport(t *testing.T) {
	const report = `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'lamina_fill' for 'sm_80'
ptxas info    : Function properties for lamina_fill
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 64 registers, 4096 bytes smem, 400 bytes cmem[0]
ptxas info    : Compiling entry function 'lamina_unary' for 'sm_80'
ptxas info    : Function properties for lamina_unary
    16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 255 registers, 400 bytes cmem[0]
`
	all := readUsage([]byte(report))
	if len(all) != 2 || all[0] != (usage{"lamina_fill", 64, 4096, 0, 0}) || all[1] != (usage{"lamina_unary", 255, 0, 20, 16}) {
		t.Fatalf("%+v", all)
	}
	if got := all[0].resident(256); got != 1024 {
		t.Errorf("64 registers: %d threads, want 1024", got)
	}
	if got := (usage{registers: 16, shared: 40 << 10}).resident(256); got != 1024 { // four times 41 KiB
		t.Errorf("40 KiB of shared memory: %d threads, want 1024", got)
	}
	if all[0].check("elementwise") == nil || all[1].check("activation") == nil {
		t.Error("a kernel of too many registers, or one that spills, is taken")
	}
	if err := (usage{kernel: "lamina_fill", registers: 12}).check("elementwise"); err != nil {
		t.Error(err)
	}
}
