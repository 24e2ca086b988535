package train

import (
	"fmt"

	"lamina/internal/units"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// Need is what runs of a model hold at their peak, in bytes.
type Need struct {
	Weights   int `json:"weights"`   // as the file stores them, biases and norms in F32
	Cache     int `json:"cache"`     // keys and values of one sequence of Positions
	Positions int `json:"positions"` // the length Cache and the pass of Inference are meant for
	Inference int `json:"inference"` // Weights + Cache + one pass + Process, and a device's scratch

	Held        int `json:"held"`              // training: frozen weights, each once
	Trainable   int `json:"trainable"`         // number of trained weights
	Optimiser   int `json:"optimiser"`         // 16 bytes a trained weight: F32 value, gradient, two moments
	Activations int `json:"activations"`       // and their gradients, of TokensBatch tokens
	TokensBatch int `json:"tokens_batch"`      // tokens of the batch
	Training    int `json:"training"`          // Held + Optimiser + Activations + Process, and a device's scratch
	Process     int `json:"process"`           // what any run takes beside
	Scratch     int `json:"scratch,omitempty"` // the most that a device takes of its memory for itself, in both
}

// NewNeed computes what inference of a decoder holds on a backend, nil being the host's.
func NewNeed(d *transformer.Decoder, on kernels.Backend) Need {
	m, process := d.InferenceMemory(on), d.Config.ProcessMemory()
	return Need{Weights: m.Weights, Cache: m.Cache, Positions: m.Positions, Inference: m.Total() + process, Process: process, Scratch: m.Scratch}
}

// mostTokens bounds a pass whose memory is asked for: it is run, if on numbers of nothing.
const mostTokens = 1 << 24

// AddTraining adds what a run of the trainer would hold on examples of length tokens, of
// which targets are learned. Its objective is filled in.
func (n *Need) AddTraining(t *Trainer, d *transformer.Decoder, length, targets int) error {
	if err := t.Settings.Validate(); err != nil {
		return err
	}
	s := &t.Settings
	n.TokensBatch = s.Batch * length
	s.Batch = min(s.Batch, s.passSize()) // all passes are alike
	if s.Batch > mostTokens/length {
		return fmt.Errorf("--batch %d of %d tokens in one pass: want %d tokens at most: give --micro-batch", s.Batch, length, mostTokens)
	}
	var err error
	if t.Train, err = Blank(d, s.Batch, length, targets); err != nil {
		return err
	}
	m, err := t.Memory()
	if err != nil {
		return err
	}
	n.Held, n.Optimiser, n.Activations = m.Frozen, m.Trained, m.Pass
	n.Trainable = nn.Count(t.Params)
	n.Training, n.Scratch = m.Total()+n.Process, max(n.Scratch, m.Scratch)
	return nil
}

// Lines show it to people, each as a word and what it says; plan is what would be trained,
// "" for everything.
func (n Need) Lines(plan string) [][2]string {
	what := "everything"
	if plan != "" {
		what = "plan " + plan
	}
	return [][2]string{
		{"inference", fmt.Sprintf("about %s: weights %s, cache of %d positions %s, one pass",
			units.Bytes(n.Inference), units.Bytes(n.Weights), n.Positions, units.Bytes(n.Cache))},
		{"training", fmt.Sprintf("%s for %s: %s trained weights with gradient and moments %s, frozen weights %s, a batch of %s tokens %s, the rest about %s",
			units.Bytes(n.Training), what, units.Count(n.Trainable), units.Bytes(n.Optimiser), units.Bytes(n.Held), units.Count(n.TokensBatch), units.Bytes(n.Activations), units.Bytes(n.Process))},
	}
}
