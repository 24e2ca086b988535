package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Transform makes a layer smaller, or folds something into it, without training: its
// name and, where it has one, an amount. The zero value is none. What each does stands in
// lamina/crash/emulate; here is how plans call them. A new one is a value in [Transforms]
// and one there.
type Transform struct {
	Name   string
	Amount float64 // 0 where it has none
}

// TransformKind is a transform as plans may name it.
type TransformKind struct {
	Name   string
	Amount Amount
	Help   string // what it does, half a sentence
	// Values says that it lies in the values of the weights: training them all undoes it.
	Values bool
}

// Amount says what the number behind a transform's name is.
type Amount int

// The kinds of amounts.
const (
	NoAmount  Amount = iota
	OfWeights        // a share of the layer's weights, more than 0 and at most 1
	OfBits           // a whole number, 2 to 8
)

// Transforms are the transforms there are.
var Transforms = []TransformKind{
	{"svd", OfWeights, "two factors in place of each matrix, by its singular values, with so much of its weights", false},
	{"asvd", OfWeights, "the same by what the layer is given (EMLoC, SVD-LLM)", false},
	{"width", OfWeights, "so many of the MLP's channels, the last layer made to fit (FlattenGPT's Nystrom step)", false},
	{"heads", OfWeights, "so many of the attention's heads, the last layer made to fit", false},
	{"gradot", OfWeights, "directions of attention and channels of the MLP by GradOT's score", false},
	{"prune", OfWeights, "so many of the weights set to 0, the smallest", true},
	{"wanda", OfWeights, "the same by weight and input (Wanda)", true},
	{"int", OfBits, "weights rounded to so many bits, in F32: for the study", true},
	{"q8_0", NoAmount, "weights in GGUF's blocks of 8 bits", true},
	{"q4_0", NoAmount, "weights in GGUF's blocks of 4 bits", true},
	{"q4_k", NoAmount, "weights in GGUF's blocks of 4 bits with scales of their own", true},
	{"replaceme", NoAmount, "the MLP's last layer takes up what the gap behind it left out (ReplaceMe)", false},
}

// String returns the word of the transform, such as "svd0.5" or "q4_0".
func (t Transform) String() string {
	if t.Amount == 0 {
		return t.Name
	}
	return t.Name + strconv.FormatFloat(t.Amount, 'f', -1, 64) // without an exponent, as it is read
}

// ParseTransform reads the word of a transform.
func ParseTransform(word string) (Transform, error) {
	for _, k := range Transforms {
		rest, ok := strings.CutPrefix(word, k.Name)
		if !ok || rest != "" && (k.Amount == NoAmount || rest[0] > '9') {
			continue
		}
		t := Transform{Name: k.Name}
		if k.Amount == NoAmount {
			return t, nil
		}
		var err error
		if t.Amount, err = strconv.ParseFloat(rest, 64); err != nil || strings.Trim(rest, "0123456789.") != "" {
			return Transform{}, fmt.Errorf("transform %.32q: want a number behind %s, such as %s", word, k.Name, k.example())
		}
		return t, t.check()
	}
	words := make([]string, len(Transforms))
	for i, k := range Transforms {
		words[i] = k.example()
	}
	return Transform{}, fmt.Errorf("transform %.32q is unknown: want one of %s", word, strings.Join(words, ", "))
}

// InValues reports whether the transform lies in the values of the layer's weights, which
// training them would undo, and not in their shapes.
func (t Transform) InValues() bool {
	return slices.ContainsFunc(Transforms, func(k TransformKind) bool { return k.Name == t.Name && k.Values })
}

// example returns the word of a transform of the kind.
func (k TransformKind) example() string {
	return Transform{k.Name, [...]float64{NoAmount: 0, OfWeights: 0.5, OfBits: 4}[k.Amount]}.String()
}

// check tests that there is such a transform, of such an amount.
func (t Transform) check() error {
	if t == (Transform{}) {
		return nil
	}
	for _, k := range Transforms {
		if k.Name != t.Name {
			continue
		}
		switch {
		case k.Amount == NoAmount && t.Amount != 0:
			return fmt.Errorf("transform %s has no amount", k.Name)
		case k.Amount == OfWeights && !(t.Amount > 0 && t.Amount <= 1):
			return fmt.Errorf("transform %s: %v: want a share of the weights, more than 0 and at most 1", k.Name, t.Amount)
		case k.Amount == OfBits && !(t.Amount >= 2 && t.Amount <= 8 && t.Amount == math.Trunc(t.Amount)):
			return fmt.Errorf("transform %s: %v: want a whole number of bits, 2 to 8", k.Name, t.Amount)
		}
		return nil
	}
	return fmt.Errorf("transform %.32q is unknown", t.Name)
}

// Transformed returns the plan with the frozen layers transformed, those that are already
// as they were.
func (p Plan) Transformed(t Transform) Plan {
	all := append(Plan(nil), p...)
	for i, s := range all {
		if !s.IsMap() && !s.Trainable && s.Transform == (Transform{}) {
			all[i].Transform = t
		}
	}
	return all
}
