package transformer

import (
	"fmt"
	"unsafe"

	"lamina/autograd"
	"lamina/tensor"
)

// copyAlign is how tensors lie in memory that they are copied to: at cache lines.
const copyAlign = 64

// Mapped returns how many bytes of weights d reads in the checkpoint's mapped files: the
// matrices that are on a host device and as the file has them. Those that were trained,
// un-permuted or widened have memory of their own.
func (c *Checkpoint) Mapped(d *Decoder) (bytes int) {
	c.eachMapped(d, func(w *autograd.Parameter, first bool) error {
		if first {
			bytes += alignedBytes(w.Value)
		}
		return nil
	})
	return bytes
}

// CopyMapped copies these weights to memory of their own, which the system gives in large
// pages where it has them, and lets go of the files' pages: see decision 32. d is what it
// was, to the bit, and no other decoder changes. The memory is given back by Close; the
// error is the device's, and then nothing was copied.
func (c *Checkpoint) CopyMapped(d *Decoder) error {
	bytes := c.Mapped(d)
	if bytes == 0 {
		return nil
	}
	var rest []byte
	copies := map[*byte]tensor.Tensor{}
	return c.eachMapped(d, func(w *autograd.Parameter, first bool) error {
		old, dev := tensor.HostBytes(w.Value), w.Value.Device()
		if rest == nil {
			memory, err := dev.Alloc(bytes)
			if err != nil {
				return fmt.Errorf("%s: copying weights: %w", c.Path, err)
			}
			c.copied = append(c.copied, memory)
			rest = memory.(*tensor.HostMemory).Data
		}
		if first {
			t, err := tensor.Wrap(dev, w.Value.DType(), rest[:len(old)], w.Value.Shape()...)
			if err != nil {
				return fmt.Errorf("%s: copying weights: %w", c.Path, err)
			}
			copy(rest, old)
			t = t.Fix()
			rest = rest[alignedBytes(t):]
			c.loaded, copies[&old[0]] = append(c.loaded, t), t
			c.source.Release(c.mapped[&old[0]])
		}
		if t := copies[&old[0]]; t.SameShape(w.Value) {
			w.Value = t
		} else {
			w.Value = t.Reshape(w.Value.Shape()...)
		}
		return nil
	})
}

func alignedBytes(t tensor.Tensor) int { return (t.Bytes() + copyAlign - 1) / copyAlign * copyAlign }

// eachMapped calls f with the parameters of d that lie in the files, and says whether it is
// the first of those that share their bytes.
func (c *Checkpoint) eachMapped(d *Decoder, f func(w *autograd.Parameter, first bool) error) error {
	seen := map[*byte]bool{}
	for w := range d.Params() {
		if !w.Value.OnHost() || w.Value.Len() == 0 {
			continue
		}
		at := unsafe.SliceData(tensor.HostBytes(w.Value))
		if _, ok := c.mapped[at]; !ok {
			continue
		}
		if err := f(w, !seen[at]); err != nil {
			return err
		}
		seen[at] = true
	}
	return nil
}

// noteMapped keeps in mind that t, made of data, is what the file has under a name.
func (c *Checkpoint) noteMapped(t tensor.Tensor, data []byte, name string) {
	if t.Rank() < 2 || !t.OnHost() || len(data) == 0 || c.permutedHeads(name) > 0 || unsafe.SliceData(tensor.HostBytes(t)) != &data[0] {
		return
	}
	if c.mapped == nil {
		c.mapped = map[*byte]string{}
	}
	c.mapped[&data[0]] = c.names[name]
}
