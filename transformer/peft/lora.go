package peft

import (
	"lamina/autograd"
	"lamina/nn"
)

// loraKind is LoRA (Hu et al. 2021): W x becomes W x + s·B·A·dropout(x), s = α/r or α/√r.
var loraKind = Kind{
	Name:     "lora",
	Help:     "a change of low rank beside each linear layer",
	Defaults: Config{Kind: "lora", Rank: 8, Alpha: 8},
	Merges:   true,
	Adds:     true,
	takes:    []string{Rank, Alpha, RSLoRA, Targets, Dropout},
	parts:    []string{"lora_A.weight", "lora_B.weight"},
	peftType: "LORA",
	standard: func(layer) bool { return true },
	put: func(w nn.Weights, _ layer, plain *nn.Linear, c Config) added {
		return nn.NewLoRA(w, plain, c.Rank, c.scale(), c.Dropout)
	},
	fold: func(l added, w *autograd.Parameter) Folded { return foldLoRA(l.(*nn.LoRA), w) },
	keys: func(a *Attached) map[string]any {
		ranks, alphas := a.patterns()
		return map[string]any{
			"r": a.Config.Rank, "lora_alpha": a.Config.Alpha, "lora_dropout": a.Config.Dropout, "use_rslora": a.Config.RSLoRA,
			"rank_pattern": ranks, "alpha_pattern": alphas,
			"init_lora_weights": true, "lora_bias": false, "use_dora": false, "bias": "none",
			"layers_pattern": nil, "layers_to_transform": nil,
		}
	},
	read: func(k *keys, s *Saved) {
		c := &s.Config
		c.Rank, c.Alpha = k.int(8, "r"), k.float(8, "lora_alpha")
		c.RSLoRA, c.Dropout = k.bool("use_rslora"), k.float(0, "lora_dropout")
		s.rules.ranks, s.rules.alphas = k.patterns("rank_pattern", true), k.patterns("alpha_pattern", false)
		k.oneOf("init_lora_weights", "true", "false", `"gaussian"`, `"eva"`, `"orthogonal"`) // others begin with another base
		k.oneOf("bias", `"none"`)
		k.ignore("megatron_core", "qalora_group_size")
	},
}

// patterns returns the ranks and alphas of layers that have not those of the configuration,
// by the layers' names.
func (a *Attached) patterns() (ranks map[string]int, alphas map[string]float64) {
	ranks, alphas = map[string]int{}, map[string]float64{}
	for _, p := range a.put {
		if p.config.Rank != a.Config.Rank {
			ranks[p.name] = p.config.Rank
		}
		if p.config.Alpha != a.Config.Alpha {
			alphas[p.name] = p.config.Alpha
		}
	}
	return ranks, alphas
}

// foldLoRA returns W + s·B·A, summed in float64 and rounded once.
func foldLoRA(l *nn.LoRA, weight *autograd.Parameter) Folded {
	if weight.Value.Rank() == 1 { // the bias
		return Folded{}
	}
	in, out := l.Layer.Sizes()
	w := weight.Value.Float32s()
	a, b := l.A.Weight.Value.Float32s(), l.B.Weight.Value.Float32s()
	rank := len(a) / in
	change, row := make([]float64, len(w)), make([]float64, in)
	for o := range out {
		clear(row)
		for r := range rank {
			by := float64(b[o*rank+r])
			for i, v := range a[r*in : (r+1)*in] {
				row[i] += by * float64(v) // a product of two F32 is exact
			}
		}
		for i, sum := range row {
			at := o*in + i
			if l.Layer.InOut {
				at = i*out + o
			}
			change[at] = l.Scale * sum
			w[at] = float32(float64(w[at]) + change[at])
		}
	}
	return Folded{w, change}
}
