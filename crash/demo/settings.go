package demo

import "lamina/crash/train"

// Settings are the demo's choices for the protocol, fixed before any plan was
// compared.
type Settings struct {
	Keep      int // blocks of an emulator
	Trainable int // of those, blocks that are trained
	LRs       []float64
	Train     train.Settings // LR and Seed are set per run

	// Rows are those of the table beside the ones by default: emulators that carry more of a
	// training into the full model, by repair and by a smaller cut.
	Rows []string
}

// DefaultSettings returns them.
func DefaultSettings() Settings {
	return Settings{
		Keep: 8, Trainable: 4, LRs: []float64{1e-3},
		Train: train.Settings{Epochs: 2, Batch: 16, Schedule: "linear", Warmup: 20, Clip: 1},
		Rows:  []string{"crash+ghost", "crash@10+ghost"},
	}
}
