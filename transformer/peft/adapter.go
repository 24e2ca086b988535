package peft

import "lamina/nn"

// adapterKind is a bottleneck behind attention and behind the feed-forward part (Houlsby et
// al. 2019), of the sizes that CRaSh has (Zhang et al. 2023): see [nn.Bottleneck]. What is
// trained cannot be folded into the model, since ReLU stands within it.
var adapterKind = Kind{
	Name:     "adapter",
	Help:     "a bottleneck with ReLU behind attention and feed-forward part",
	Defaults: Config{Kind: "adapter", Width: 64, Dropout: 0.1},
	takes:    []string{Width, Dropout},
	parts:    []string{"adapter.down.weight", "adapter.down.bias", "adapter.up.weight", "adapter.up.bias"},
	standard: func(l layer) bool { return l.output || l.narrow },
	put: func(w nn.Weights, _ layer, plain *nn.Linear, c Config) added {
		_, out := plain.Sizes()
		return nn.NewBottleneck(w, plain, out, c.Width, c.Dropout)
	},
}
