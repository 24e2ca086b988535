package peft

import (
	"fmt"
	"slices"
	"strings"

	"lamina/nn"
	"lamina/transformer"
)

// linears returns the linear layers of a family's block.
func linears(c transformer.Config, b transformer.Block) []layer {
	s, _ := transformer.SublayersOf(b)
	keysValues := s.Attend
	if len(keysValues) > 1 {
		keysValues = keysValues[1:]
	}
	var all []layer
	for name, field := range nn.ProjectionsOf(b) {
		number, own, _ := c.SplitLayerName(name)
		all = append(all, layer{
			name: name, number: number, own: own, field: field,
			keysValues: slices.Contains(keysValues, field), output: field == s.Output, narrow: field == s.Narrow,
		})
	}
	return all
}

// targets returns the layers of blocks that are meant, in the order of the blocks.
func targets(c transformer.Config, blocks []transformer.Block, k Kind, named []string, r rules) ([]layer, error) {
	var all []layer
	for _, b := range blocks {
		all = append(all, linears(c, b)...)
	}
	found := map[string]bool{}
	var meant []layer
	for _, l := range all {
		takes := named == nil && k.standard(l)
		for _, t := range named {
			if t == AllLinear || ends(l.name, t) {
				takes, found[t] = true, true
			}
		}
		if !takes || slices.ContainsFunc(r.exclude, func(x string) bool { return ends(l.name, x) }) || !r.below(l) {
			continue
		}
		if r.inputsNamed { // the file says it
			l.narrow = slices.ContainsFunc(r.inputs, func(x string) bool { return strings.HasSuffix(l.name, x) })
		}
		meant = append(meant, l)
	}
	for _, t := range named {
		if !found[t] && !r.any {
			return nil, fmt.Errorf("target %.64q is no linear layer of these blocks: want some of %s, or %s", t, strings.Join(ownNames(all), ", "), AllLinear)
		}
	}
	return meant, nil
}

// ends is the library's rule: a name is the target, or ends with a dot and the target.
func ends(name, target string) bool {
	return name == target || strings.HasSuffix(name, "."+target)
}

// below reports whether a layer's number stands behind one of the words of layers_pattern.
func (r rules) below(l layer) bool {
	if len(r.parents) == 0 {
		return true
	}
	rest := strings.TrimSuffix(l.name, fmt.Sprintf(".%d.%s", l.number, l.own))
	return slices.ContainsFunc(r.parents, func(word string) bool { return ends(rest, word) })
}

// ownNames returns the names within a layer, each once.
func ownNames(all []layer) (names []string) {
	for _, l := range all {
		if !slices.Contains(names, l.own) {
			names = append(names, l.own)
		}
	}
	return names
}
