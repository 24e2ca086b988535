package main

import (
	"fmt"

	"lamina/crash/train"
	"lamina/internal/report"
)

// checkMemory refuses a run that needs more than there is, process bytes beside the
// trainer's. What is available is 0 where the system does not say.
func checkMemory(t *train.Trainer, process, available int) error {
	need, err := t.Memory()
	if err != nil {
		return err
	}
	total := need.Total() + process
	if available == 0 || total <= available {
		return nil
	}
	again := *t
	again.Recompute, again.Settings.MicroBatch = true, 1
	least, err := again.Memory()
	if err != nil {
		return err
	}
	remedy := fmt.Sprintf("--micro-batch 1 --recompute takes %s", report.Bytes(least.Total()+process))
	if least.Total()+process > available {
		remedy += ", which is too much as well: train fewer blocks or free memory"
	}
	return fmt.Errorf("training takes about %s (%s of it activations of the longest batch) and %s are available: %s; the same weights come out; --overcommit tries anyway",
		report.Bytes(total), report.Bytes(need.Pass), report.Bytes(available), remedy)
}
