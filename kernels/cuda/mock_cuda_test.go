//go:build cuda && linux

package cuda

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/sys"
	"lamina/tensor"
)

// The whole way to a shared library: it is found in a folder, loaded, asked for devices;
// a backend opens on it and copies, while the collector runs. The library is of C, and its
// kernels do nothing.
func TestThroughALibraryOfC(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc on this machine: no library is loaded")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "libcuda.so.1")
	if out, err := exec.Command(gcc, "-shared", "-fPIC", "-O1", "-w", "-o", path, "internal/drv/testdata/mock.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	t.Setenv(sys.PathVariable, folder)
	l := find(sys.System(), sys.Built)
	r := probe(l)
	if r.Fault != "" || r.Driver != path || r.Version != "12.4" || len(r.Devices) != 2 || r.Devices[1].Name != "Mock 1" || r.Devices[1].Free != 5<<32 {
		t.Fatalf("%+v", r)
	}
	if tried := (Tried{"libcuda", path, "loaded"}); r.Tried[0] != tried {
		t.Errorf("tried %+v", r.Tried)
	}
	be, err := openOn(l.driver, Options{Device: 1}, door.Options{Stage: 4096})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		values := make([]int32, 100*n+1)
		for i := range values {
			values[i] = int32(i * n)
		}
		x, err := tensor.FromInts(be, values, len(values))
		if err != nil {
			t.Fatal(err)
		}
		if n%10 == 0 {
			runtime.GC()
		}
		if !slices.Equal(x.Ints(), values) {
			t.Errorf("%d numbers come back otherwise: %v", len(values), be.Sync())
		}
		x.Free()
	}
	if err := be.Close(); err != nil {
		t.Error(err)
	}
}
