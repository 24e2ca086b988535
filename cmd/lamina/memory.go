package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"lamina/crash"
	"lamina/tensor"
)

// memory is the machine's, in bytes; 0 where unknown.
type memory struct{ total, available, limit int }

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

// memoryNeed is an estimate, in bytes, of what runs of a model hold.
type memoryNeed struct {
	Weights   int `json:"weights"`   // as the file stores them, biases and norms in F32
	Cache     int `json:"cache"`     // keys and values of one sequence of Positions
	Positions int `json:"positions"` // the length Cache and Logits are meant for
	Inference int `json:"inference"` // Weights + Cache + one pass

	Held        int `json:"held"`         // training: frozen weights, each once
	Trainable   int `json:"trainable"`    // number of trained weights
	Optimiser   int `json:"optimiser"`    // 16 bytes a trained weight: F32 value, gradient, two moments
	Activations int `json:"activations"`  // saved for backward, of TokensBatch tokens
	TokensBatch int `json:"tokens_batch"` // tokens of a pass
	Training    int `json:"training"`
}

// passTokens is the length that memory estimates are made for: scoring takes about
// as many tokens at once.
const passTokens = 1024

// estimate computes the memory need of a model and of training a plan; a nil plan
// trains everything. With G·K the width of keys, N = passTokens:
//
//	cache       = 8·places·positions·G·K
//	one pass    = 4·N·(6·D + 2·H·K + 2·G·K + 3·F) + 4·256·V
//	activations = (places from the lowest starred on)·4·N·(8·D + 3·H·K + 2·G·K + c·F) + 8·N·V
//
// c is 3 for LLaMA's gated feed-forward layer, else 2. The head runs on rows with
// a target only, so 8·N·V is its upper bound.
func estimate(m *model, plan crash.LayerPlan) memoryNeed {
	c := m.Config
	q, kv, feed := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim, 2*c.FeedForward
	if c.Family == "llama" {
		feed = 3 * c.FeedForward
	}
	need := memoryNeed{Weights: storedBytes(m, nil, true), Positions: min(c.MaxPositions, passTokens), TokensBatch: passTokens}
	need.Cache = 8 * c.Layers * need.Positions * kv
	pass := 4*passTokens*(6*c.Width+2*q+2*kv+3*c.FeedForward) + 4*256*c.Vocab
	need.Inference = need.Weights + need.Cache + pass

	recorded := c.Layers
	if plan == nil {
		need.Trainable = c.Params()
	} else {
		need.Held = storedBytes(m, frozenLayers(plan), true)
		need.Trainable = len(plan.Trainable()) * c.BlockParams()
		recorded = 0
		if places := plan.TrainablePlaces(); len(places) > 0 {
			recorded = len(plan) - places[0]
		}
	}
	need.Optimiser = 16 * need.Trainable
	need.Activations = recorded*4*passTokens*(8*c.Width+3*q+2*kv+feed) + 8*passTokens*c.Vocab
	need.Training = need.Held + need.Optimiser + need.Activations
	return need
}

// frozenLayers returns the layers whose stored weights an emulator runs.
func frozenLayers(plan crash.LayerPlan) map[int]bool {
	frozen := map[int]bool{}
	for _, s := range plan {
		if !s.Trainable {
			frozen[s.Layer] = true
		}
	}
	return frozen
}

// storedBytes adds up the tensors that are in no block, and those of the given
// blocks; nil stands for all blocks. Vectors count as the F32 they are kept in.
func storedBytes(m *model, layers map[int]bool, rest bool) int {
	total := 0
	for _, name := range m.Names() {
		e, _ := m.Entry(name)
		layer, inBlock := layerOf(name)
		if inBlock && layers != nil && !layers[layer] || !inBlock && !rest {
			continue
		}
		d := e.DType
		if len(e.Shape) == 1 {
			d = tensor.F32
		}
		total += d.Bytes(e.Elems())
	}
	return total
}

// layerOf returns the block that a tensor belongs to.
func layerOf(name string) (layer int, ok bool) {
	_, after, found := strings.Cut(name, "layers.")
	if !found {
		return 0, false
	}
	digits, _, _ := strings.Cut(after, ".")
	layer, err := strconv.Atoi(digits)
	return layer, err == nil
}
