package plan

import (
	"fmt"
	"slices"
)

// Fixed keeps the layers of a list ("fixed" with --fixed_student_index in
// src/model_utils.py of the paper's repository), such as a published set.
var Fixed = Method{
	Name:  "fixed",
	Help:  "the layers of a list",
	Needs: []Need{NeedList},
	Choose: func(r Request) (Choice, error) {
		if len(r.List) != r.Keep {
			return Choice{}, fmt.Errorf("the list has %d layers, and %d are to stay", len(r.List), r.Keep)
		}
		for i, layer := range r.List {
			switch {
			case layer < 0 || layer >= r.Layers:
				return Choice{}, fmt.Errorf("the list names layer %d (the model has layers 0 to %d)", layer, r.Layers-1)
			case i > 0 && layer <= r.List[i-1]:
				return Choice{}, fmt.Errorf("the list names layer %d after layer %d: want them ascending, each once", layer, r.List[i-1])
			}
		}
		for _, layer := range r.Fixed() {
			if !slices.Contains(r.List, layer) {
				return Choice{}, fmt.Errorf("the list lacks layer %d, which is to train", layer)
			}
		}
		return Choice{Plan: starEvenly(r.List, r.Trainable)}, nil
	},
}
