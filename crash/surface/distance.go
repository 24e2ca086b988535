package surface

import (
	"math"
	"strconv"
	"strings"

	"lamina/autograd"
	"lamina/nn"
	"lamina/transformer"
)

// Compared says how far two checkpoints are apart.
type Compared struct {
	Whole  Distance   `json:"whole"`
	Blocks []Distance `json:"blocks"` // embedding, each block, what stands behind them
	Kinds  []Distance `json:"kinds"`  // tensors of one name, over all blocks
}

// Distance is ‖B-A‖/‖A‖ of some tensors, the norms over all their elements.
type Distance struct {
	Group    string `json:"group"`
	Tensors  int    `json:"tensors"`
	Differ   int    `json:"differ"` // that are not the same, to the bit
	Weights  int    `json:"weights"`
	Norm     Number `json:"norm"`       // ‖A‖
	Apart    Number `json:"difference"` // ‖B-A‖
	Relative Number `json:"relative"`   // null where ‖A‖ is 0
}

// sums gathers the squares by group, in the order in which groups first come.
type sums struct {
	place  map[*autograd.Parameter]string
	groups [2]map[string]*Distance
	order  [2][]string
	squares
	of map[*Distance]*squares
}

type squares struct{ norm, diff float64 }

// newSums knows in which block of a decoder each parameter stands.
func newSums(d *transformer.Decoder) *sums {
	s := &sums{place: map[*autograd.Parameter]string{}, groups: [2]map[string]*Distance{{}, {}}, of: map[*Distance]*squares{}}
	put := func(m nn.Module, name string) {
		for w := range nn.ParamsOf(m) {
			if _, ok := s.place[w]; !ok {
				s.place[w] = name
			}
		}
	}
	put(d.Embed, "embedding")
	for i, b := range d.Blocks {
		put(b, "block "+strconv.Itoa(i))
	}
	return s
}

func (s *sums) add(w *autograd.Parameter, c compared) {
	place, ok := s.place[w]
	if !ok {
		place = "norm and head"
	}
	for k, name := range [...]string{place, kindOf(w.Name)} {
		g := s.groups[k][name]
		if g == nil {
			g = &Distance{Group: name}
			s.groups[k][name], s.of[g] = g, &squares{}
			s.order[k] = append(s.order[k], name)
		}
		g.Tensors++
		g.Weights += w.Value.Len()
		if !c.same {
			g.Differ++
		}
		s.of[g].norm += c.norm
		s.of[g].diff += c.diff
	}
	s.norm += c.norm
	s.diff += c.diff
}

func (s *sums) result() Compared {
	finish := func(d Distance, q squares) Distance {
		d.Norm, d.Apart = Number(math.Sqrt(q.norm)), Number(math.Sqrt(q.diff))
		d.Relative = d.Apart / d.Norm // of nothing: no number
		return d
	}
	var c Compared
	c.Whole.Group = "all"
	for k, list := range []*[]Distance{&c.Blocks, &c.Kinds} {
		for _, name := range s.order[k] {
			g := s.groups[k][name]
			*list = append(*list, finish(*g, *s.of[g]))
			if k == 0 {
				c.Whole.Tensors, c.Whole.Differ, c.Whole.Weights = c.Whole.Tensors+g.Tensors, c.Whole.Differ+g.Differ, c.Whole.Weights+g.Weights
			}
		}
	}
	c.Whole = finish(c.Whole, s.squares)
	return c
}

// kindOf takes the number of the layer, and all before it, from a tensor's name, and its
// ending: "self_attn.q_proj" of "model.layers.3.self_attn.q_proj.weight".
func kindOf(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		if _, err := strconv.Atoi(p); err == nil {
			parts = parts[i+1:]
			break
		}
	}
	if last := len(parts) - 1; last > 0 && (parts[last] == "weight" || parts[last] == "bias") {
		parts = parts[:last]
	}
	return strings.Join(parts, ".")
}
