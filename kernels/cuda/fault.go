package cuda

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"lamina/kernels"
	"lamina/kernels/cuda/internal/drv"
)

// What a kernel writes into the queue's fault word for an id that names no row: these,
// then place, id and the number of rows there are, 32 bits each. The first one stays.
const (
	faultNone = iota
	faultGather
	faultScatterAdd
	faultCrossEntropy
	faultCrossEntropyGrad

	faultBytes = 16
)

var faultOps = [...]string{
	faultGather: "Gather", faultScatterAdd: "ScatterAdd", faultCrossEntropy: "CrossEntropy", faultCrossEntropyGrad: "CrossEntropyGrad",
}

// faultPtr returns the address of the queue's fault word, which the next Sync reads. It
// may be called between start and launch.
func (be *Backend) faultPtr() drv.Ptr {
	be.faultAsked.Store(true)
	return be.fault
}

// readFault turns the fault word into the error that a host backend would panic with.
func readFault(b []byte) error {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	op := word(0)
	switch {
	case op == faultNone:
		return nil
	case int(op) >= len(faultOps):
		return fmt.Errorf("the fault word holds %d, which is no operation", op)
	}
	return errors.New(kernels.BadID(faultOps[op], int(word(1)), int32(word(2)), int(word(3))))
}

// failure is the first error of a queue, or of a device.
type failure struct{ first atomic.Pointer[error] }

func (f *failure) note(err error) { f.first.CompareAndSwap(nil, &err) }

func (f *failure) get() error {
	if err := f.first.Load(); err != nil {
		return *err
	}
	return nil
}

// failed reports whether the queue does no more work.
func (be *Backend) failed() bool { return be.err() != nil }

// err returns the first error of the queue, or of the device if it is dead.
func (be *Backend) err() error {
	if err := be.failure.get(); err != nil {
		return err
	}
	return be.dev.dead.get()
}

// fail makes err the queue's error, unless it has one; an error after which the driver
// refuses everything is that of all queues.
func (be *Backend) fail(err error) {
	if err == nil {
		return
	}
	var known *drv.Error
	if !errors.As(err, &known) { // which says the device itself
		err = fmt.Errorf("%s: %w", be.dev.name, err)
	}
	if errors.Is(err, drv.ErrSticky) {
		be.dev.dead.note(err)
	}
	be.failure.note(err)
}
