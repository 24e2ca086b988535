package main

import (
	"fmt"

	"lamina/crash/train"
	"lamina/internal/report"
	"lamina/nn"
	"lamina/transformer"
)

// memoryNeed is what runs of a model hold at their peak, in bytes.
type memoryNeed struct {
	Weights   int `json:"weights"`   // as the file stores them, biases and norms in F32
	Cache     int `json:"cache"`     // keys and values of one sequence of Positions
	Positions int `json:"positions"` // the length Cache and the pass of Inference are meant for
	Inference int `json:"inference"` // Weights + Cache + one pass + Process

	Held        int `json:"held"`         // training: frozen weights, each once
	Trainable   int `json:"trainable"`    // number of trained weights
	Optimiser   int `json:"optimiser"`    // 16 bytes a trained weight: F32 value, gradient, two moments
	Activations int `json:"activations"`  // and their gradients, of TokensBatch tokens
	TokensBatch int `json:"tokens_batch"` // tokens of the batch
	Training    int `json:"training"`     // Held + Optimiser + Activations + Process
	Process     int `json:"process"`      // what any run takes beside
}

// inferenceNeed computes what inference of a decoder holds.
func inferenceNeed(d *transformer.Decoder) memoryNeed {
	m, process := d.InferenceMemory(), d.Config.ProcessMemory()
	return memoryNeed{Weights: m.Weights, Cache: m.Cache, Positions: m.Positions, Inference: m.Total() + process, Process: process}
}

// addTraining adds what a run of the trainer holds.
func (n *memoryNeed) addTraining(t *train.Trainer) error {
	m, err := t.Memory()
	if err != nil {
		return err
	}
	n.Held, n.Optimiser, n.Activations = m.Frozen, m.Trained, m.Pass
	n.Trainable = nn.Count(t.Params)
	n.Training = m.Total() + n.Process
	return nil
}

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
