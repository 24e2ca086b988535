package train

import (
	"lamina/nn"
	"lamina/transformer"
)

// Need is what runs of a model hold at their peak, in bytes.
type Need struct {
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

// NewNeed computes what inference of a decoder holds.
func NewNeed(d *transformer.Decoder) Need {
	m, process := d.InferenceMemory(), d.Config.ProcessMemory()
	return Need{Weights: m.Weights, Cache: m.Cache, Positions: m.Positions, Inference: m.Total() + process, Process: process}
}

// AddTraining adds what a run of the trainer holds.
func (n *Need) AddTraining(t *Trainer) error {
	m, err := t.Memory()
	if err != nil {
		return err
	}
	n.Held, n.Optimiser, n.Activations = m.Frozen, m.Trained, m.Pass
	n.Trainable = nn.Count(t.Params)
	n.Training = m.Total() + n.Process
	return nil
}
