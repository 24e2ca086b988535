package transformer

import (
	"fmt"
	"maps"
	"reflect"

	"lamina/formats"
	"lamina/nn"
)

// setRoPE reads the rotary positions: rope_theta and rope_scaling of transformers 4, or
// rope_parameters of transformers 5, which has both in one object. Where a file has both
// they must agree. Raw then has the keys of transformers 4, and those of 5 if they were
// there.
func (c *Config) setRoPE(k *keys) error {
	const standard = 10000.0
	theta := k.float(0, "rope_theta")
	old, err := c.scaling(k.object("rope_scaling"), theta)
	if err != nil {
		return err
	}
	newer, err := c.scaling(k.object("rope_parameters"), 0)
	if err != nil {
		return err
	}
	switch {
	case newer == nil:
	case theta != 0 && newer.Theta != 0 && newer.Theta != theta:
		return fmt.Errorf("rope_theta is %v and rope_parameters.rope_theta %v (want one value: remove the wrong one)", theta, newer.Theta)
	case old != nil && !sameScaling(*old, *newer):
		return fmt.Errorf("rope_scaling and rope_parameters differ (want one: remove the wrong one)")
	}
	c.RoPE = nn.RoPE{Dim: c.HeadDim, MaxPositions: c.MaxPositions}
	for _, r := range []*nn.RoPE{old, newer} {
		if r != nil {
			c.RoPE = *r
		}
	}
	if c.RoPE.Theta == 0 {
		c.RoPE.Theta = theta
	}
	if _, stated := c.Raw["rope_theta"]; c.RoPE.Theta == 0 && (!stated || c.Raw["rope_theta"] == nil) {
		c.RoPE.Theta = standard
	}
	if newer != nil {
		c.writeRoPE()
	}
	return k.err
}

func sameScaling(a, b nn.RoPE) bool {
	a.Theta, b.Theta = 0, 0
	return reflect.DeepEqual(a, b)
}

// scaling reads the object of either version, nil for none; theta is what stands beside
// it.
func (c *Config) scaling(k *keys, theta float64) (*nn.RoPE, error) {
	if k == nil {
		return nil, nil
	}
	for name, text := range k.left {
		if len(text) > 0 && text[0] == '{' {
			return nil, fmt.Errorf("%s%s: rotary positions of their own for each type of layer are not supported", k.in, formats.Quote(name))
		}
	}
	r := nn.RoPE{
		Dim: c.HeadDim, Theta: k.float(theta, "rope_theta"), Type: k.text("", "type", "rope_type"), Factor: k.float(0, "factor"),
		LowFreq: k.float(0, "low_freq_factor"), HighFreq: k.float(0, "high_freq_factor"),
		MaxPositions: c.MaxPositions, OriginalPositions: k.int(0, "original_max_position_embeddings"),
	}
	if r.Type == "default" { // what else stands there belongs to other types
		r.Type, r.Factor = "", 0
	}
	if theta != 0 && r.Theta != theta {
		return nil, fmt.Errorf("rope_theta is %v and %srope_theta %v (want one value: remove the wrong one)", theta, k.in, r.Theta)
	}
	if alpha, ok := k.left["alpha"]; ok && !neutral("alpha", alpha) {
		return nil, fmt.Errorf("%salpha is %s: scaling by it is not supported (remove the key if it means nothing here)", k.in, short(alpha))
	}
	switch r.Type {
	case "":
		if r.Factor != 0 && r.Factor != 1 {
			return nil, fmt.Errorf("%sfactor is %v without a type (want rope_type: default, linear, dynamic or llama3)", k.in, r.Factor)
		}
	case "linear", "dynamic", "llama3":
	default:
		return &r, k.err // Validate refuses the type
	}
	return &r, k.unread()
}

// writeRoPE puts the keys of transformers 4 beside rope_parameters, and its theta there.
func (c *Config) writeRoPE() {
	r := c.RoPE
	parameters := map[string]any{}
	given, _ := c.Raw["rope_parameters"].(map[string]any) // none if a field of it is no JSON
	maps.Copy(parameters, given)
	parameters["rope_theta"] = r.Theta
	c.Raw["rope_theta"], c.Raw["rope_parameters"] = r.Theta, parameters
	if r.Type == "" {
		parameters["rope_type"], c.Raw["rope_scaling"] = "default", nil
		return
	}
	scaling := map[string]any{"rope_type": r.Type, "factor": r.Factor}
	if r.Type == "llama3" {
		scaling["low_freq_factor"], scaling["high_freq_factor"] = r.LowFreq, r.HighFreq
	}
	if r.OriginalPositions != 0 && r.Type != "linear" {
		scaling["original_max_position_embeddings"] = r.OriginalPositions
	}
	parameters["rope_type"], c.Raw["rope_scaling"] = r.Type, scaling
}
