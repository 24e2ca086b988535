package drv_test

import (
	"fmt"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
)

func ExampleOpen() {
	lib := sim.New(sim.Options{Devices: []sim.Device{{Name: "GTX 1080", Major: 6, Minor: 1}, {Name: "H100"}}})
	driver, err := drv.Open(lib)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = driver.Device(0)
	fmt.Println(err)
	dev, err := driver.Device(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer dev.Close()
	_, err = dev.Alloc(2 << 30)
	fmt.Println(err)
	// Output:
	// cuda: device 0 (GTX 1080) is compute 6.1, need >= 8.0: its tensor cores know no BF16; use cuda:1 (H100)
	// cuda:1: Alloc: cuMemAlloc_v2: out of memory (CUDA_ERROR_OUT_OF_MEMORY, 2): make batches or sequences smaller, or stop other programs on the device (nvidia-smi lists them)
}
