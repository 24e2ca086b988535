package plan

// UniformLearnable keeps the same layers as [Uniform] and trains layers spread
// evenly over them, at the positions of [CRaSh]. It is the row "uniform learnable
// layers" of the paper's table 1, which has a fine-tuned emulator and a plug-in of
// its own but no untrained emulator: that one is the uniform row's, so the kept
// layers are the same and only the stars move.
var UniformLearnable = Method{
	Name: "uniform-learnable",
	Help: "the layers of uniform, the trained ones spread evenly over them",
	Choose: func(r Request) (Choice, error) {
		kept := uniform(r.Layers, r.Keep, r.Trainable).Kept()
		return Choice{Plan: starEvenly(kept, r.Trainable)}, nil
	},
}
