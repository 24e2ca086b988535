package main

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/internal/units"
)

// deviceNeed is what runs of a model take of a device with memory of its own, in bytes.
type deviceNeed struct {
	Name      string `json:"name"`
	Memory    int    `json:"memory"`             // that it has
	Free      int    `json:"free"`               // now
	Scratch   int    `json:"scratch"`            // that the backend takes for itself at most, which both below have
	Inference int    `json:"inference"`          // weights, cache, one pass
	Training  int    `json:"training,omitempty"` // 0: nothing trains
	// MicroBatch is the largest --micro-batch of halves of the batch with which training
	// fits where it does not with all of it, MicroTraining what it takes; 0: none does.
	MicroBatch    int `json:"micro_batch,omitempty"`
	MicroTraining int `json:"micro_training,omitempty"`
}

// deviceNeed describes the device that --device asks for by name; nil where that is the
// processor, or left open.
func (s *session) deviceNeed() (*deviceNeed, error) {
	if d, err := parseDevice(s.Device); err != nil || d.kind != "cuda" {
		return nil, err
	}
	be, err := s.backend()
	if err != nil {
		return nil, err
	}
	free, total := be.Memory()
	return &deviceNeed{Name: be.Name(), Memory: int(total), Free: int(free), Scratch: s.device.gpu.overhead}, nil
}

// count takes over what runs need: on a device there is nothing of the process's, and
// scratch instead.
func (d *deviceNeed) count(n train.Need) {
	d.Inference = d.of(n.Inference, n)
	if n.Training > 0 {
		d.Training = d.of(n.Training, n)
	}
	d.Scratch += n.Scratch
}

// of takes the process's part out of what a run takes, and what the device has held for itself
// from the beginning in.
func (d *deviceNeed) of(bytes int, n train.Need) int { return bytes - n.Process + d.Scratch }

// lessen looks for parts of a batch that fit where all of it does not.
func (d *deviceNeed) lessen(t train.Trainer, e *emulate.Emulator, length, targets, batch int, n train.Need) error {
	if d.of(n.Training, n) <= d.Free {
		return nil
	}
	for part := batch / 2; part > 0; part /= 2 {
		if t.Settings.MicroBatch > 0 && part >= t.Settings.MicroBatch {
			continue
		}
		again := t
		again.Settings.Batch, again.Settings.MicroBatch = batch, part
		less := n
		if err := less.AddTraining(&again, e.Decoder, length, targets); err != nil {
			return err
		}
		if bytes := d.of(less.Training, less); bytes <= d.Free {
			d.MicroBatch, d.MicroTraining = part, bytes
			return nil
		}
	}
	return nil
}

// lines show it to people.
func (d *deviceNeed) lines() [][2]string {
	fits := func(bytes int) string {
		if bytes <= d.Free {
			return units.Bytes(bytes) + ", which fits"
		}
		return units.Bytes(bytes) + ", which does not fit"
	}
	text := fmt.Sprintf("%s, %s, %s free: inference takes about %s", d.Name, units.Bytes(d.Memory), units.Bytes(d.Free), fits(d.Inference))
	if d.Training > 0 {
		text += "; training " + fits(d.Training)
		switch {
		case d.Training <= d.Free:
		case d.MicroBatch > 0:
			text += fmt.Sprintf("; with --micro-batch %d %s", d.MicroBatch, fits(d.MicroTraining))
		default:
			text += ", nor does it with --micro-batch 1"
		}
	}
	return [][2]string{{"device", text + fmt.Sprintf(" (with scratch and workspace of %s)", units.Bytes(d.Scratch))}}
}
