package plan

import "math"

// Uniform is the plan of offsite-tuning (Xiao et al. 2023), the paper's baseline:
// the first ⌈trainable/2⌉ and the last ⌊trainable/2⌋ layers train, and the other
// keep-trainable are spread over the m layers between them, the i-th of k at
// round(i·s) with halves rounded to even, as Python does; s is the stride (m-1)/(k-1)
// in float64, so that a half may fall to either side, as it does in the reference. A
// single frozen layer (k = 1, where the stride is undefined) stands in the middle, at
// round((m-1)/2).
var Uniform = Method{
	Name: "uniform",
	Help: "the first and last layers train, the rest is spread evenly between them",
	Choose: func(r Request) (Choice, error) {
		return Choice{Plan: uniform(r.Layers, r.Keep, r.Trainable)}, nil
	},
}

func uniform(layers, keep, trainable int) Plan {
	first, last := (trainable+1)/2, trainable/2
	middle, frozen := layers-trainable, keep-trainable
	plan := make(Plan, 0, keep)
	for i := range first {
		plan = append(plan, Slot{Layer: i, Trainable: true})
	}
	for i := range frozen {
		at := float64(middle-1) / 2
		if frozen > 1 {
			stride := float64(middle-1) / float64(frozen-1)
			at = float64(i) * stride
		}
		plan = append(plan, Slot{Layer: first + int(math.RoundToEven(at))})
	}
	for i := range last {
		plan = append(plan, Slot{Layer: layers - last + i, Trainable: true})
	}
	return plan
}
