package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"lamina/autograd"
	"lamina/crash/train"

	"lamina/kernels/dry"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// memory is the machine's, in bytes; 0 where unknown.
type memory struct{ total, available, limit int }

// usable returns what a program may still take; 0 where unknown.
func (m memory) usable() int {
	if m.limit > 0 {
		return min(m.available, m.limit)
	}
	return m.available
}

// readMemory reads what Linux says of memory; elsewhere all is 0.
func readMemory() memory {
	var m memory
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return m
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.Atoi(fields[1])
		if err != nil {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			m.total = kib << 10
		case "MemAvailable:":
			m.available = kib << 10
		}
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		m.limit, _ = strconv.Atoi(strings.TrimSpace(string(text))) // "max" stays 0
	}
	return m
}

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

const (
	// passTokens is the length that the memory of inference is computed for.
	passTokens = 1024
	// headRows is how many rows inference takes through the head at once.
	headRows = 256
)

// processBytes is what a run holds beside weights and passes: code, examples, the
// runtime, and the panels that products are packed into; and the tokenizer, whose
// tables take some 300 bytes an entry. Both measured, on models of 512 and of
// 50,000 entries.
func processBytes(c transformer.Config) int { return 21<<20 + 300*c.Vocab }

// blank is a source of weights of the types that a checkpoint has, without contents.
type blank struct{ checkpoint *transformer.Checkpoint }

// Parameter implements nn.Source.
func (b blank) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	d := tensor.F32
	if e, ok := b.checkpoint.Entry(name); ok && len(shape) > 1 && e.DType != tensor.F64 {
		d = e.DType
	}
	return &autograd.Parameter{Name: name, Value: tensor.New(&dry.Backend{}, d, shape...)}
}

// inferenceNeed computes what inference of a decoder holds.
func inferenceNeed(d *transformer.Decoder) memoryNeed {
	c := d.Config
	need := memoryNeed{Positions: min(c.MaxPositions, passTokens), Process: processBytes(c)}
	for w := range d.Params() {
		need.Weights += w.Value.Bytes()
	}
	need.Cache = 2 * len(d.Blocks) * need.Positions * c.KVHeads * c.HeadDim * tensor.F32.Bytes(1)
	p := autograd.NewPass(&dry.Backend{})
	x := d.Forward(p, transformer.NewBatch(make([]int32, need.Positions)), nil)
	d.Logits(p, d.Rows(p, x, make([]int32, min(headRows, need.Positions))))
	need.Inference = need.Weights + need.Cache + p.Arena.Extent() + need.Process
	return need
}

// addTraining adds what a run of the trainer holds.
func (n *memoryNeed) addTraining(t *train.Trainer) error {
	m, err := t.Memory()
	if err != nil {
		return err
	}
	n.Held, n.Optimiser, n.Activations = m.Frozen, m.Trained, m.Pass
	n.Trainable = count(t.Params)
	n.Training = m.Total() + n.Process
	return nil
}

// checkMemory refuses a run that needs more than there is. What is available is 0
// where the system does not say.
func checkMemory(t *train.Trainer, available int) error {
	need, err := t.Memory()
	if err != nil {
		return err
	}
	process := processBytes(t.Decoder.Config)
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
	remedy := fmt.Sprintf("--micro-batch 1 --recompute takes %s", bytesText(least.Total()+process))
	if least.Total()+process > available {
		remedy += ", which is too much as well: train fewer blocks or free memory"
	}
	return fmt.Errorf("training takes about %s (%s of it activations of the longest batch) and %s are available: %s; the same weights come out; --overcommit tries anyway",
		bytesText(total), bytesText(need.Pass), bytesText(available), remedy)
}
