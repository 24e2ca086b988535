// Package cudatest opens the CUDA backend on a device that is simulated: the driver's
// functions are package sim's, kernels are the PTX that a GPU is given, run by an
// interpreter. It is for tests of any package.
//
//	be := cudatest.Open(t, cudatest.Options{})
//	kernels.Softmax(be, y, x)
//
// Work is done as late as CUDA permits, freed memory is filled with NaN, writes past the
// end of what is freed are looked for, and what the program does that it may not fails the
// test at its end.
package cudatest

import (
	"errors"
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda"
	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/ptx"
	"lamina/kernels/cuda/internal/sim"
)

// Options says what is simulated. The zero value is one H200 with 1 GiB.
type Options struct {
	// Seed, other than 0, draws the order of work of several queues, of blocks and of warps
	// by chance.
	Seed uint64
	// Workers is how many blocks of a kernel run at once; with more than one, races of
	// global memory are not looked for. 0 is one.
	Workers int
	// Memory is the device's, in bytes; 0 is 1 GiB.
	Memory int64
	// Multiprocessors is how many the device says it has; 0 is 132.
	Multiprocessors int
	Precision       kernels.Precision
	// Products is how cuBLASLt is simulated.
	Products Products
	// Eager launches decoding steps without graphs.
	Eager bool
	// Clean leaves freed memory as it is, and unguarded: faster.
	Clean bool
	// Stage is half the pinned memory of a queue, in bytes; 0 is 64 KiB.
	Stage int
	// DropWaits leaves out what one queue waits for of another: a planted mistake.
	DropWaits bool
	// Fail, if not nil, is asked before the n-th call, from 1, of a function of the driver,
	// and says with which code it fails; 0 for none.
	Fail func(call string, n int) int
}

// Products says how cuBLASLt is simulated. The zero value does all that it is asked for.
type Products struct {
	// None leaves it out: our own kernel computes.
	None bool
	// Refuse, if not nil, says which products it has no algorithm for. The epilogue is a
	// cublasLtEpilogue_t.
	Refuse func(n, k int, epilogue uint32) bool
	// RefuseRows, if not nil, says for which numbers of rows the algorithm that was chosen
	// does not do.
	RefuseRows func(m int) bool
	// SplitK makes algorithms that cut the inner axis the first that it names.
	SplitK bool
	// DropNaN makes its ReLU of NaN 0.
	DropNaN bool
	// Fail, if not nil, is asked before the n-th call, from 1, of a function, and says with
	// which status it fails; 0 for none.
	Fail func(call string, n int) int
}

func (p Products) library(m *sim.Machine) *sim.Lt {
	o := sim.LtOptions{RefuseRows: p.RefuseRows, SplitK: p.SplitK, DropNaN: p.DropNaN, Fail: p.Fail}
	if p.Refuse != nil {
		o.Refuse = func(q sim.LtProduct) bool { return p.Refuse(q.Rows, q.Inner, q.Epilogue) }
	}
	return m.Lt(o)
}

// Device is a backend on a simulated device.
type Device struct {
	*cuda.Backend

	machine *sim.Machine
	library *sim.Lt
}

// Count returns how often a function of the driver, or of cuBLASLt, was called:
// "cuLaunchKernel", "cublasLtMatmul".
func (d *Device) Count(call string) int {
	n := d.machine.Count(call)
	if d.library != nil {
		n += d.library.Count(call)
	}
	return n
}

// CountEpilogue returns how many products cuBLASLt computed with an epilogue, a
// cublasLtEpilogue_t.
func (d *Device) CountEpilogue(epilogue uint32) int { return d.library.Products(epilogue) }

// Start returns a backend on a simulated device. Its Close says what the program has done
// that it may not.
func Start(o Options) (*Device, error) {
	machine := sim.New(sim.Options{
		Devices: []sim.Device{{Memory: o.Memory, Multiprocessors: o.Multiprocessors}},
		Seed:    o.Seed, Fail: o.Fail,
		PTX: ptx.Options{Seed: o.Seed, Workers: o.Workers},
	})
	if o.Stage == 0 {
		o.Stage = 64 << 10
	}
	with := door.Options{Driver: machine, Stage: o.Stage, DropWaits: o.DropWaits}
	var library *sim.Lt
	if !o.Products.None {
		library = o.Products.library(machine)
		with.Products = library
	}
	be, err := door.Open(cuda.Options{Precision: o.Precision, Poison: !o.Clean, Eager: o.Eager}, with)
	if err != nil {
		return nil, err
	}
	return &Device{Backend: be.(*cuda.Backend), machine: machine, library: library}, nil
}

// Close closes the backend, and returns what the program has done that it may not: memory
// of the host that is no pinned memory in a copy, say, or something not given back.
func (d *Device) Close() error { return errors.Join(d.Backend.Close(), d.machine.Close()) }

// Open returns a backend that is closed when the test ends. What Close returns fails the
// test, unless calls were to fail.
func Open(t testing.TB, o Options) *Device {
	t.Helper()
	d, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil && o.Fail == nil {
			t.Error(err)
		}
	})
	return d
}
