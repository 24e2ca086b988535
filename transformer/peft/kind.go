package peft

import (
	"fmt"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/nn"
	"lamina/transformer"
)

// Kind is a way of training little: each stands in a file of its own, and in [Kinds].
type Kind struct {
	Name string
	Help string // half a sentence
	// Defaults are those of the fields that it takes.
	Defaults Config
	// Merges says that what was trained can be folded into the model's own weights.
	Merges bool
	// Adds says that what is added to a weight does not depend on the weight.
	Adds bool

	takes    []string // fields of Config beside Kind and Layers
	parts    []string // what it puts there, as it is called below a layer's name
	peftType string   // peft_type of the library's files; "" where the files are our own
	// standard tells which layers are its targets where nobody names any.
	standard func(layer) bool
	// put returns a layer with new weights in the place of the plain one. nil: the kind
	// puts nothing there and trains what params yields of a block.
	put    func(w nn.Weights, l layer, plain *nn.Linear, c Config) added
	params func(b transformer.Block) nn.Params
	// fold is [Attached.Fold] of the weight or the bias w of the plain layer that l stands for.
	fold func(l added, w *autograd.Parameter) Folded
	// reach is [Reach] of what was put to a layer, of kinds that do not merge.
	reach func(l added) (change, start float64)
	// keys are those of adapter_config.json that tell what a.Config has.
	keys func(a *Attached) map[string]any
	// read takes what it knows of adapter_config.json.
	read func(k *keys, s *Saved)
}

// added is a layer that something was put to.
type added interface {
	nn.Projection
	Added() nn.Params // what was put there
}

// Kinds are those there are.
var Kinds = []Kind{loraKind, adapterKind, bitfitKind, ia3Kind}

// Names returns the names of [Kinds].
func Names() []string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = k.Name
	}
	return names
}

// Named returns the kind of a name.
func Named(name string) (Kind, error) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, fmt.Errorf("%.32q: want one of %s", name, strings.Join(Names(), ", "))
	}
	return Kinds[i], nil
}

// Files returns the names of the file of tensors that [Attached.Save] writes, and of the one
// that says what they are.
func (k Kind) Files() (weights, config string) {
	if k.peftType == "" {
		return OwnWeights, OwnConfig
	}
	return WeightsFile, ConfigFile
}

// Changes returns the parameter of the model that a tensor of a file is there for, by its
// name; "" if no file of the kind has one so called.
func (k Kind) Changes(tensor string) string {
	if k.put == nil {
		return tensor
	}
	if k.peftType != "" {
		name, ok := strings.CutPrefix(tensor, prefix)
		if !ok {
			return ""
		}
		tensor = name
	}
	for _, part := range k.parts {
		if layer, ok := strings.CutSuffix(tensor, "."+part); ok {
			return layer + ".weight"
		}
	}
	return ""
}

// Replaces reports whether a file has values of the model's own parameters after training,
// and not what is to be done to them.
func (k Kind) Replaces() bool { return k.put == nil }

// Takes reports whether a field of [Config], such as [Rank], says something of the kind.
func (k Kind) Takes(field string) bool { return slices.Contains(k.takes, field) }
