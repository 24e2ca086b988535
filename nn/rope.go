package nn

import (
	"fmt"
	"math"
)

// RoPE computes the angles of rotary position embedding. Inverse frequencies are
// float32 as transformers has them, and so is the product with the position.
type RoPE struct {
	Dim   int // rotary width R, even
	Theta float64
	// Type is "default", "linear", "dynamic" or "llama3" (transformers'
	// modeling_rope_utils.py, 4.51.3).
	Type   string
	Factor float64
	// MaxPositions is what the model was trained for (dynamic).
	MaxPositions int
	// The rest belongs to llama3.
	LowFreq, HighFreq float64
	OriginalPositions int
	// Factors divides the inverse frequencies one by one, as GGUF files state
	// llama3 scaling; nil for none.
	Factors []float32
}

// Validate returns an error naming the wrong field.
func (r RoPE) Validate() error {
	bad := func(f string, v any) error { return fmt.Errorf("rope: %s: %v is not usable", f, v) }
	switch {
	case r.Dim <= 0 || r.Dim%2 != 0:
		return bad("rotary width (head_dim; must be even)", r.Dim)
	case !(r.Theta > 0) || math.IsInf(r.Theta, 0):
		return bad("rope_theta", r.Theta)
	case r.Factors != nil && len(r.Factors) != r.Dim/2:
		return bad("rope factors (want half the rotary width)", len(r.Factors))
	}
	for _, f := range r.Factors {
		if !(f > 0) || math.IsInf(float64(f), 0) {
			return bad("rope factors", f)
		}
	}
	switch r.Type {
	case "", "default":
		return nil
	case "linear", "dynamic", "llama3":
	default:
		return fmt.Errorf("rope: type %.128q is not known (default, linear, dynamic, llama3)", r.Type)
	}
	if !(r.Factor >= 1) || math.IsInf(r.Factor, 0) {
		return bad("factor", r.Factor)
	}
	if r.Type == "dynamic" && r.MaxPositions < 1 {
		return bad("max_position_embeddings", r.MaxPositions)
	}
	if r.Type == "llama3" && (!(r.LowFreq > 0) || !(r.HighFreq > r.LowFreq) || r.OriginalPositions < 1) {
		return bad("low_freq_factor, high_freq_factor, original_max_position_embeddings",
			[]any{r.LowFreq, r.HighFreq, r.OriginalPositions})
	}
	return nil
}

// InverseFrequencies returns the Dim/2 inverse wavelengths (times 2π) for a
// sequence of the given length; only "dynamic" depends on it.
func (r RoPE) InverseFrequencies(length int) []float32 {
	theta := r.Theta
	if r.Type == "dynamic" && length > r.MaxPositions {
		d, l, m := float64(r.Dim), float64(length), float64(r.MaxPositions)
		theta *= math.Pow(r.Factor*l/m-(r.Factor-1), d/(d-2))
	}
	inv := make([]float32, r.Dim/2)
	for i := range inv {
		exponent := float64(float32(2*i) / float32(r.Dim))
		inv[i] = 1 / float32(math.Pow(theta, exponent))
		if r.Factors != nil {
			inv[i] /= r.Factors[i]
		}
		switch r.Type {
		case "linear":
			inv[i] /= float32(r.Factor)
		case "llama3":
			inv[i] = r.llama3(inv[i])
		}
	}
	return inv
}

// llama3 slows low frequencies by Factor, keeps high ones and blends between.
func (r RoPE) llama3(inv float32) float32 {
	wavelength := 2 * math.Pi / float64(inv)
	original := float64(r.OriginalPositions)
	switch {
	case wavelength < original/r.HighFreq:
		return inv
	case wavelength > original/r.LowFreq:
		return inv / float32(r.Factor)
	}
	smooth := float32((original/wavelength - r.LowFreq) / (r.HighFreq - r.LowFreq))
	return (1-smooth)*inv/float32(r.Factor) + smooth*inv
}

// Angles appends cos and sin of position·inv[i] for each i.
func Angles(cos, sin []float64, position int, inv []float32) (c, s []float64) {
	for _, f := range inv {
		sn, cs := math.Sincos(float64(float32(position) * f))
		cos, sin = append(cos, cs), append(sin, sn)
	}
	return cos, sin
}
