package emulate

import (
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/transformer"
)

// HarmonizerRank is the rank of a harmonizer, ScaleOT's for models of some billion
// weights; less where the stream is narrower.
const HarmonizerRank = 64

// newMaps are the maps that are not fitted and begin as nothing.
var newMaps = map[plan.Map]func(f *fitting, name string) (transformer.Block, error){
	plan.Harmonizer: func(f *fitting, name string) (transformer.Block, error) {
		width := f.full.Config.Width
		h := transformer.NewHarmonizer(nn.From(nn.Init{Device: f.be, Seed: f.opt.Seed}), width, min(HarmonizerRank, width), name)
		for w := range nn.ParamsOf(h) {
			if err := w.Value.Err(); err != nil {
				return nil, err
			}
			f.e.own = append(f.e.own, w.Value)
		}
		return h, nil
	},
}
