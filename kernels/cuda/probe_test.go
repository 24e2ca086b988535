package cuda

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/sim"
	"lamina/kernels/cuda/internal/sys"
)

// ltFile is a library with the functions of cuBLASLt, none of which do anything but tell
// a version.
type ltFile struct{ missing string }

func (ltFile) Path() string { return "/lt/libcublasLt.so.12" }

func (l ltFile) Lookup(symbol string) (sys.Proc, error) {
	if symbol == l.missing {
		return nil, errors.New("undefined symbol")
	}
	return func(...uintptr) uintptr { return 120804 }, nil
}

// machine is a finder on which these libraries load by their names, and nothing else is.
func machine(loads map[string]sys.Library, words map[string]string) sys.Finder {
	return sys.Finder{
		Getenv:  func(string) string { return "" },
		Exists:  func(string) bool { return false },
		Glob:    func(string) []string { return nil },
		Resolve: func(p string) string { return p },
		Open: func(name string) (sys.Library, error) {
			if lib := loads[name]; lib != nil {
				return lib, nil
			}
			if w := words[name]; w != "" {
				return nil, fmt.Errorf("%s: %s", name, w)
			}
			return nil, fmt.Errorf("%s: cannot open shared object file: No such file or directory", name)
		},
	}
}

var (
	gtx  = sim.Device{Name: "GTX 1080", Major: 6, Minor: 1}
	a100 = sim.Device{Name: "A100", Major: 8}
)

// failing returns options of a machine on which a function returns a code.
func failing(call string, code int, devices ...sim.Device) sim.Options {
	return sim.Options{Devices: devices, Fail: func(c string, n int) int {
		if c == call {
			return code
		}
		return 0
	}}
}

// What stands in the way of the GPU, as auto says it in one line, and as a report does.
func TestWhyNot(t *testing.T) {
	lt := ltFile{}
	for _, c := range []struct {
		name   string
		cuda   sys.Library
		lt     sys.Library
		words  map[string]string
		device int    // that is chosen
		line   string // of Choose, to its first words
		fault  string // in the report
	}{
		{"all is there", sim.New(sim.Options{Devices: []sim.Device{a100}}), lt, nil, 0, "", ""},
		{"no driver", nil, lt, nil, -1, "cuda: not used: libcuda.so.1 not found (no NVIDIA driver on this machine; ", "install the NVIDIA driver, or set LAMINA_CUDA_LIBRARY_PATH"},
		{"a driver that does not load", nil, lt, map[string]string{"libcuda.so.1": "undefined\nsymbol: x"}, -1,
			"cuda: not used: libcuda.so.1 does not load: undefined symbol: x: install the NVIDIA driver again", "undefined\nsymbol: x"},
		{"no device", sim.New(sim.Options{Devices: []sim.Device{}}), lt, nil, -1,
			"cuda: not used: driver 12.2: cuInit: no CUDA-capable device is detected (CUDA_ERROR_NO_DEVICE, 100): ", "CUDA_VISIBLE_DEVICES"},
		{"mismatch", sim.New(failing("cuInit", 803)), lt, nil, -1, "cuda: not used: driver 12.2: cuInit: system has unsupported display driver", "reboot"},
		{"old driver", sim.New(sim.Options{Driver: 11040}), lt, nil, -1, "cuda: not used: driver 11.4 (libcuda.so.1 (simulated)) is too old, need 11.8 or later: update", "520"},
		{"a function is missing", sim.New(sim.Options{Missing: []string{"cuEventQuery"}}), lt, nil, -1,
			"cuda: not used: driver 12.2: libcuda.so.1 (simulated) has no cuEventQuery, which libcuda has from CUDA 2.0 on: update the NVIDIA driver", "cuEventQuery"},
		{"no devices to count", sim.New(failing("cuDeviceGetCount", 3, a100)), lt, nil, -1, "cuda: not used: driver 12.2: cuDeviceGetCount: initialization error", "CUDA_ERROR_NOT_INITIALIZED, 3"},
		{"an old device", sim.New(sim.Options{Devices: []sim.Device{gtx}}), lt, nil, -1, "cuda: not used: device 0 (GTX 1080) is compute 6.1, need >= 8.0", "is compute 6.1"},
		{"the second is of use", sim.New(sim.Options{Devices: []sim.Device{gtx, a100}}), lt, nil, 1, "", ""},
		{"no products", sim.New(sim.Options{Devices: []sim.Device{a100}}), nil, nil, -1, "cuda: not used: libcublasLt not found (tried ", ""},
		{"products that lack a function", sim.New(sim.Options{Devices: []sim.Device{a100}}), ltFile{"cublasLtMatmul"}, nil, -1,
			"cuda: not used: /lt/libcublasLt.so.12 has no cublasLtMatmul, which libcublasLt has from CUDA 10.1 on: install another version of cuBLAS; matrix products would be slow, using cpu", ""},
		{"a device that is taken", sim.New(failing("cuDevicePrimaryCtxRetain", 46, a100)), lt, nil, 0, "", "another process has the device"},
		{"a driver older than the kernels", sim.New(failing("cuModuleLoadDataEx", 222, a100)), lt, nil, 0, "", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION, 222): the driver is too old"},
		{"a driver without its compiler", sim.New(failing("cuModuleLoadDataEx", 221, a100)), lt, nil, 0, "", "libnvidia-ptxjitcompiler.so.1 of the driver is missing"},
		{"a device that is full", sim.New(failing("cuDevicePrimaryCtxRetain", 2, a100)), lt, nil, 0, "", "cuda:0: cuDevicePrimaryCtxRetain: out of memory"},
	} {
		loads := map[string]sys.Library{}
		if c.cuda != nil {
			loads["libcuda.so.1"] = c.cuda
		}
		if c.lt != nil {
			loads["libcublasLt.so.12"] = c.lt
		}
		l := find(machine(loads, c.words), true)
		device, line := choose(l)
		if device != c.device || !strings.HasPrefix(line, c.line) || c.line == "" && line != "" || strings.Contains(line, "\n") {
			t.Errorf("%s: device %d, %q", c.name, device, line)
		}
		r := probe(l)
		if !strings.Contains(r.Fault, c.fault) || c.fault == "" && r.Fault != "" {
			t.Errorf("%s: the report says %q, want %q", c.name, r.Fault, c.fault)
		}
		if usable := c.fault == ""; usable != (r.Usable(max(device, 0)) == nil) {
			t.Errorf("%s: device %d: %v", c.name, device, r.Usable(max(device, 0)))
		}
		if m, ok := c.cuda.(*sim.Machine); ok && m.Close() != nil {
			t.Errorf("%s: %v", c.name, m.Close())
		}
	}
}

func TestReport(t *testing.T) {
	m := sim.New(sim.Options{Devices: []sim.Device{gtx, {Name: "H100", Memory: 80 << 30}}})
	r := probe(find(machine(map[string]sys.Library{"libcuda.so.1": m, "libcublasLt.so.11": ltFile{}}, nil), true))
	if !r.Built || r.Driver != m.Path() || r.Version != "12.2" || r.ProductVersion != "12.8.4" || r.Product == "" || r.ProductFault != "" || len(r.Pack) != 64 {
		t.Errorf("%+v", r)
	}
	want := Found{1, "H100", "GPU-10111213-1415-1617-1819-1a1b1c1d1e1f", "9.0", 80 << 30, 80 << 30, ""}
	if len(r.Devices) != 2 || r.Devices[1] != want {
		t.Errorf("devices %+v", r.Devices)
	}
	for n, want := range map[int]string{0: "is compute 6.1, need >= 8.0: its tensor cores know no BF16; use cuda:1 (H100)", 1: "", 2: "cuda: no device 2: there are 2", -1: "no device -1"} {
		if err := r.Usable(n); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("device %d: %v", n, err)
		}
	}
	tried := []Tried{
		{"libcuda", "libcuda.so.1", "loaded"},
		{"libcublasLt", "libcublasLt.so.13", "needs a driver of CUDA 13"},
		{"libcublasLt", "libcublasLt.so.12", "cannot open shared object file: No such file or directory"},
		{"libcublasLt", "libcublasLt.so.11", "loaded"},
	}
	if fmt.Sprint(r.Tried) != fmt.Sprint(tried) {
		t.Errorf("tried %+v", r.Tried)
	}
	if b, err := json.Marshal(r); err != nil || !strings.Contains(string(b), `"product_version":"12.8.4"`) {
		t.Errorf("%s, %v", b, err)
	}
}

// Where there is no driver, a report still tells of cuBLASLt.
func TestReportWithoutDriver(t *testing.T) {
	r := probe(find(machine(map[string]sys.Library{"libcublasLt.so.13": ltFile{}}, nil), true))
	if r.Product != (ltFile{}).Path() || r.ProductFault != "" || r.Driver != "" || r.Fault == "" {
		t.Errorf("%+v", r)
	}
}

// A program without the tag looks for nothing.
func TestReportWithoutTag(t *testing.T) {
	l := find(machine(nil, nil), false)
	r := probe(l)
	if r.Built || len(r.Tried) != 0 || r.Fault != "cuda: built without CUDA: build with -tags cuda" || r.ProductFault != r.Fault {
		t.Errorf("%+v", r)
	}
	if n, line := choose(l); n != -1 || line != "cuda: not used: built without CUDA: build with -tags cuda" {
		t.Errorf("%d, %q", n, line)
	}
}

// Where there is no driver, auto does not look for what is as large as cuBLASLt.
func TestChooseLooksForNoMoreThanItNeeds(t *testing.T) {
	l := find(machine(nil, nil), true)
	choose(l)
	for _, p := range l.tried {
		if p.Library != "libcuda" {
			t.Errorf("looked for %+v", p)
		}
	}
}
