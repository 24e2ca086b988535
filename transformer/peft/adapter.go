package peft

import (
	"math"

	"lamina/nn"
)

// adapterKind is a bottleneck behind attention and behind the feed-forward part (Houlsby et
// al. 2019), of the sizes that CRaSh has (Zhang et al. 2023): see [nn.Bottleneck]. What is
// trained cannot be folded into the model, since ReLU stands within it.
var adapterKind = Kind{
	Name:     "adapter",
	Help:     "a bottleneck with ReLU behind attention and feed-forward part",
	Defaults: Config{Kind: "adapter", Width: 64, Dropout: 0.1},
	Adds:     true,
	takes:    []string{Width, Dropout},
	parts:    []string{"adapter.down.weight", "adapter.down.bias", "adapter.up.weight", "adapter.up.bias"},
	standard: func(l layer) bool { return l.output || l.narrow },
	put: func(w nn.Weights, _ layer, plain *nn.Linear, c Config) added {
		_, out := plain.Sizes()
		return nn.NewBottleneck(w, plain, out, c.Width, c.Dropout)
	},
	reach: func(l added) (change, start float64) { return bottleneckReach(l.(*nn.Bottleneck)) },
}

// Reach is how far what stands behind a layer, and cannot be folded in, takes what the layer
// gives, in Euclidean norms. Of a bottleneck, z becomes z + U·(D·z + b) + c where every ReLU
// is open: [U·D, U·b + c] is added to [I, 0].
type Reach struct {
	Layer  string // its name in a checkpoint
	Change float64
	Start  float64 // ‖I‖
}

// Reach returns that of each layer, in the order of the blocks; none of kinds that merge.
func (a *Attached) Reach() (all []Reach) {
	if a.kind.reach == nil {
		return nil
	}
	for _, p := range a.put {
		change, start := a.kind.reach(p.now)
		all = append(all, Reach{p.name, change, start})
	}
	return all
}

func bottleneckReach(l *nn.Bottleneck) (change, start float64) {
	out, width := l.Down.Sizes()
	down, up := l.Down.Weight.Value.Float32s(), l.Up.Weight.Value.Float32s() // [width out], [out width]
	inner, outer := l.Down.Bias.Value.Float32s(), l.Up.Bias.Value.Float32s()
	squares := 0.0
	row := make([]float64, out)
	for o := range out {
		clear(row)
		bias := float64(outer[o])
		for i := range width {
			by := float64(up[o*width+i])
			bias += float64(by * float64(inner[i]))
			if by == 0 {
				continue
			}
			for j, v := range down[i*out : (i+1)*out] {
				row[j] += by * float64(v) // a product of two F32 is exact
			}
		}
		squares += float64(bias * bias)
		for _, v := range row {
			squares += float64(v * v)
		}
	}
	return math.Sqrt(squares), math.Sqrt(float64(out))
}
