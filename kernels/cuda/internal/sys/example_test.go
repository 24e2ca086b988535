package sys_test

import (
	"fmt"

	"lamina/kernels/cuda/internal/sys"
)

func ExampleFinder_Find() {
	gpuImage := disk{
		env:   map[string]string{"VIRTUAL_ENV": "/venv"},
		files: []string{"/venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13"},
	}
	want, _ := sys.Products(13000)
	lib, tried, err := gpuImage.finder().Find(want)
	fmt.Println(lib.Path(), err)
	fmt.Println(len(tried), tried[0].Path)
	// Output:
	// /venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcublasLt.so.13 <nil>
	// 4 libcublasLt.so.13
}
