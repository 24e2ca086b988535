package sys_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/sys"
)

// disk is a machine: its variables, its files, what links lead to, and what loads.
type disk struct {
	env   map[string]string
	files []string
	links map[string]string
	loads map[string]string // path or name → "" or the loader's words
}

// fake is a library that loaded.
type fake string

func (f fake) Path() string                    { return string(f) }
func (f fake) Lookup(string) (sys.Proc, error) { return nil, errors.New("empty") }

func (d disk) finder() sys.Finder {
	exists := func(p string) bool {
		return slices.ContainsFunc(d.files, func(f string) bool { return f == p || strings.HasPrefix(f, p+"/") })
	}
	return sys.Finder{
		Getenv: func(name string) string { return d.env[name] },
		Exists: exists,
		Glob: func(pattern string) []string {
			var found []string
			for _, f := range d.files {
				for p := f; p != "/" && p != "."; p = path.Dir(p) {
					if ok, _ := path.Match(pattern, p); ok && !slices.Contains(found, p) {
						found = append(found, p)
					}
				}
			}
			slices.Sort(found)
			return found
		},
		Resolve: func(p string) string {
			if to, ok := d.links[p]; ok {
				return to
			}
			return p
		},
		Open: func(p string) (sys.Library, error) {
			why, known := d.loads[p]
			switch {
			case known && why == "":
				return fake(p), nil
			case known:
				return nil, fmt.Errorf("%s: %s", p, why)
			case exists(p) && strings.HasPrefix(p, "/"):
				return fake(p), nil
			}
			return nil, fmt.Errorf("%s: %s: cannot open shared object file: No such file or directory", p, p)
		},
	}
}

const lt12, lt13 = "libcublasLt.so.12", "libcublasLt.so.13"

// Each place wins where those before it have nothing.
func TestOrderOfPlaces(t *testing.T) {
	// From the last place to the first: each case adds one that wins over all before.
	d := disk{env: map[string]string{}, links: map[string]string{}, loads: map[string]string{}}
	for _, c := range []struct {
		add   string
		setup func()
	}{
		{"/usr/lib64/" + lt12, nil},
		{"/usr/local/nvidia/lib64/" + lt12, nil},
		{"/usr/lib/wsl/lib/" + lt12, nil},
		{"/usr/local/cuda-12.2/targets/x86_64-linux/lib/" + lt12, nil},
		{"/usr/local/cuda-12.4/lib64/" + lt12, nil}, // newest first
		{"/usr/local/cuda-12.6/lib64/" + lt12, nil},
		{"/usr/local/cuda/lib64/" + lt12, nil},
		{"/opt/conda/lib/" + lt12, nil},
		{"/c/lib/" + lt12, func() { d.env["CONDA_PREFIX"] = "/c" }},
		{"/usr/lib/python3/dist-packages/nvidia/cublas/lib/" + lt12, nil},
		{"/usr/local/lib/python3.12/dist-packages/torch/lib/" + lt12, nil},
		{"/usr/local/lib/python3.12/dist-packages/nvidia/cublas/lib/" + lt12, nil},
		{"/usr/local/lib/python3.12/site-packages/nvidia/cu13/lib/" + lt13, nil},
		{"/opt/venv/lib/python3.11/site-packages/nvidia/cublas/lib/" + lt12, nil},
		{"/opt/conda/lib/python3.11/site-packages/nvidia/cublas/lib/" + lt12, nil},
		{"/home/u/.pyenv/versions/3.12.1/lib/python3.12/site-packages/nvidia/cu13/lib/" + lt13, func() { d.env["HOME"] = "/home/u" }},
		{"/home/u/.local/lib/python3.12/site-packages/nvidia/cublas/lib/" + lt12, nil},
		{"/uv/3.12/lib/python3.12/site-packages/nvidia/cublas/lib/" + lt12, func() {
			d.env["PATH"] = "/none:/w/bin"
			d.files = append(d.files, "/w/bin/python3")
			d.links["/w/bin/python3"] = "/uv/3.12/bin/python3.12"
		}},
		{"/w/lib/python3.12/site-packages/nvidia/cublas/lib/" + lt12, nil},
		{"/c/lib/python3.12/site-packages/nvidia/cublas/lib/" + lt12, nil},
		{"/v/lib/python3.12/site-packages/nvidia/cublas/lib/" + lt12, func() { d.env["VIRTUAL_ENV"] = "/v" }},
		{"/p/lib64/" + lt12, func() { d.env["CUDA_PATH"] = "/p" }},
		{"/h/lib64/" + lt12, func() { d.env["CUDA_HOME"] = "/h" }},
		{lt12, func() { d.loads[lt12] = "" }},
		{lt13, func() { d.loads[lt13] = "" }},
		{"/two/" + lt12, func() { d.env[sys.PathVariable] = "/none:/two" }},
		{"/two/" + lt13, nil}, // the newest of a folder
		{"/none/" + lt12, nil},
	} {
		d.files = append(d.files, c.add)
		if c.setup != nil {
			c.setup()
		}
		w, _ := sys.Products(13000)
		lib, tried, err := d.finder().Find(w)
		if err != nil || lib.Path() != c.add {
			t.Fatalf("with %s: %v, %v", c.add, lib, err)
		}
		if last := tried[len(tried)-1]; last.Path != c.add || last.Why != "" {
			t.Errorf("with %s: the last attempt is %+v", c.add, last)
		}
	}
}

// Nothing is on the machine: every place is told of once, in order.
func TestNothingThere(t *testing.T) {
	d := disk{env: map[string]string{sys.PathVariable: "/a"}}
	_, tried, err := d.finder().Find(sys.Driver)
	var missing *sys.NotFound
	if !errors.As(err, &missing) || err.Error() != "libcuda.so.1 not found" || len(missing.Attempts) != len(tried) {
		t.Fatalf("%v", err)
	}
	want := []string{"/a: not there", "libcuda.so.1: cannot open shared object file: No such file or directory",
		"/usr/lib/wsl/lib: not there", "/usr/local/nvidia/lib64: not there"}
	for i, w := range want {
		if got := tried[i].Path + ": " + tried[i].Why; got != w {
			t.Errorf("attempt %d is %q, want %q", i, got, w)
		}
	}
	w, _ := sys.Products(13000)
	d.env["CONDA_PREFIX"] = "/opt/conda" // a usual place by another name
	_, tried, err = d.finder().Find(w)
	if err == nil || err.Error() != "libcublasLt.so.13, libcublasLt.so.12, libcublasLt.so.11 not found" {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, a := range tried {
		if seen[a.Path] || a.Why == "" {
			t.Errorf("%+v stands twice, or loaded", a)
		}
		seen[a.Path] = true
	}
}

// A library that is there and does not load is what the error tells of, and the search
// goes on behind it.
func TestBrokenLibrary(t *testing.T) {
	d := disk{files: []string{"/usr/lib64/libcuda.so.1"}, loads: map[string]string{"/usr/lib64/libcuda.so.1": "wrong ELF class: ELFCLASS32"}}
	_, _, err := d.finder().Find(sys.Driver)
	if err == nil || err.Error() != "/usr/lib64/libcuda.so.1 does not load: wrong ELF class: ELFCLASS32" {
		t.Error(err)
	}
	d.loads["libcuda.so.1"] = "libnvidia-x.so: undefined symbol: y"
	if _, _, err = d.finder().Find(sys.Driver); err == nil || !strings.Contains(err.Error(), "libcuda.so.1 does not load: libnvidia-x.so: undefined symbol: y") {
		t.Error(err)
	}
	d.files = append(d.files, "/usr/lib/wsl/lib/libcuda.so.1")
	if lib, _, err := d.finder().Find(sys.Driver); err != nil || lib.Path() != "/usr/lib/wsl/lib/libcuda.so.1" {
		t.Error(lib, err)
	}
	d = disk{env: map[string]string{sys.PathVariable: "/a"}, files: []string{"/a/other"}, loads: map[string]string{"libcuda.so.1": ""}}
	if _, tried, _ := d.finder().Find(sys.Driver); tried[0].Why != "holds no libcuda.so.1" {
		t.Errorf("%+v", tried)
	}
}

// A driver takes the libraries of its own CUDA version and of earlier ones.
func TestProductsOfADriver(t *testing.T) {
	w, tooNew := sys.Products(12020)
	if !slices.Equal(w.Names, []string{lt12, "libcublasLt.so.11"}) || len(tooNew) != 1 || tooNew[0] != (sys.Attempt{Path: lt13, Why: "needs a driver of CUDA 13"}) {
		t.Errorf("%+v, %+v", w, tooNew)
	}
}

// The functions of the table are bound; one that is optional may be missing.
func TestBind(t *testing.T) {
	called := ""
	lib := table{missing: "cuGraphLaunch", called: &called}
	p, err := sys.BindCUDA(lib)
	if err != nil || p.GraphLaunch != nil {
		t.Fatal(err)
	}
	p.MemAlloc()
	if called != "cuMemAlloc_v2" {
		t.Errorf("MemAlloc calls %s", called)
	}
	lib.missing = "cuMemAlloc_v2"
	_, err = sys.BindCUDA(lib)
	var missing *sys.MissingSymbol
	if !errors.As(err, &missing) || err.Error() != "t has no cuMemAlloc_v2, which libcuda has from CUDA 3.2 on: update the NVIDIA driver" {
		t.Error(err)
	}
}

// table is a library that has all functions but one.
type table struct {
	missing string
	called  *string
}

func (table) Path() string { return "t" }

func (l table) Lookup(symbol string) (sys.Proc, error) {
	if symbol == l.missing {
		return nil, errors.New("undefined symbol")
	}
	return func(...uintptr) uintptr { *l.called = symbol; return 0 }, nil
}

// This machine's own functions: a file that is there, and what links lead to.
func TestSystem(t *testing.T) {
	f := sys.System()
	t.Setenv("LAMINA_TEST", "x")
	if f.Getenv("LAMINA_TEST") != "x" || !f.Exists("find_test.go") || f.Exists("none") || len(f.Glob("find*.go")) != 2 || f.Resolve("none") != "none" {
		t.Error("the system is not what it is")
	}
	if lib, err := f.Open("libnone.so.1"); err == nil {
		t.Errorf("%v is a library", lib)
	}
}
