//go:build cuda && linux

package sys_test

import (
	"reflect"
	"testing"

	"lamina/kernels/cuda/internal/sys"
)

// The libraries of this machine, where it has some, have every function of the table,
// those that may be missing too. LAMINA_CUDA_LIBRARY_PATH names other folders to look at.
func TestLibrariesHaveTheTable(t *testing.T) {
	lt, _ := sys.Products(1 << 30)
	for _, c := range []struct {
		want sys.Want
		bind func(sys.Library) (any, error)
	}{
		{sys.Driver, func(l sys.Library) (any, error) { return sys.BindCUDA(l) }},
		{lt, func(l sys.Library) (any, error) { return sys.BindCublasLt(l) }},
	} {
		t.Run(c.want.Names[0], func(t *testing.T) {
			lib, _, err := sys.System().Find(c.want)
			if err != nil {
				t.Skipf("not on this machine: %v", err)
			}
			procs, err := c.bind(lib)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range reflect.ValueOf(procs).Elem().Fields() {
				if v.IsNil() {
					t.Errorf("%s has no %s", lib.Path(), i.Name)
				}
			}
		})
	}
}
