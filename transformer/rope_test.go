package transformer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lamina/transformer"
)

// TestRoPEOfTransformers5: rope_parameters is what rope_theta and rope_scaling are, alone
// and beside them, and Raw has both forms.
func TestRoPEOfTransformers5(t *testing.T) {
	llama3 := map[string]any{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192.0}
	plus := func(m map[string]any, more map[string]any) map[string]any {
		sum := map[string]any{}
		for _, part := range []map[string]any{m, more} {
			for k, v := range part {
				sum[k] = v
			}
		}
		return sum
	}
	theta := map[string]any{"rope_theta": 500000.0}
	linear := map[string]any{"rope_type": "linear", "factor": 2.0}
	for name, c := range map[string]struct{ newer, old map[string]any }{
		"theta":   {map[string]any{"rope_parameters": plus(theta, map[string]any{"rope_type": "default"})}, theta},
		"llama3":  {map[string]any{"rope_parameters": plus(theta, llama3)}, plus(theta, map[string]any{"rope_scaling": llama3})},
		"linear":  {map[string]any{"rope_parameters": linear}, map[string]any{"rope_scaling": linear}},
		"dynamic": {map[string]any{"rope_parameters": map[string]any{"type": "dynamic", "factor": 4.0}}, map[string]any{"rope_scaling": map[string]any{"rope_type": "dynamic", "factor": 4.0}}},
		"beside":  {plus(theta, map[string]any{"rope_parameters": linear}), plus(theta, map[string]any{"rope_scaling": linear})},
		"both":    {plus(theta, map[string]any{"rope_parameters": plus(theta, linear), "rope_scaling": linear}), plus(theta, map[string]any{"rope_scaling": linear})},
		"empty":   {map[string]any{"rope_parameters": map[string]any{}}, nil},
		"inside":  {map[string]any{"rope_scaling": plus(theta, linear)}, plus(theta, map[string]any{"rope_scaling": linear})},
		"default": {map[string]any{"rope_scaling": map[string]any{"rope_type": "default", "factor": 4.0}}, nil},
		"null":    {map[string]any{"rope_scaling": map[string]any{"type": nil, "rope_type": "linear", "factor": 2.0}}, map[string]any{"rope_scaling": linear}},
		"factor1": {map[string]any{"rope_parameters": map[string]any{"rope_type": "default", "factor": 1.0, "partial_rotary_factor": 1.0}}, nil},
	} {
		got, err := transformer.ParseConfig(with(t, llamaConfig, c.newer))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := transformer.ParseConfig(with(t, llamaConfig, c.old))
		if err != nil {
			t.Fatal(err)
		}
		sameConfig(t, name, got, want)
		raw := got.Raw
		if _, newer := raw["rope_parameters"]; newer { // both are read back, each alone
			for _, key := range []string{"rope_parameters", "rope_theta"} {
				if raw[key] == nil {
					t.Errorf("%s: %s is not written: %v", name, key, raw)
				}
			}
			for _, keys := range [][]string{{"rope_parameters"}, {"rope_theta", "rope_scaling"}} {
				alone, err := transformer.ParseConfig(with(t, llamaConfig, pick(raw, keys...)))
				if err != nil {
					t.Errorf("%s: %v: %v", name, keys, err)
				}
				sameConfig(t, fmt.Sprint(name, keys), alone, want)
			}
		}
	}
	for name, fields := range map[string]map[string]any{
		"yarn":                              {"rope_parameters": map[string]any{"rope_type": "yarn", "factor": 4.0}},
		"longrope":                          {"rope_scaling": map[string]any{"rope_type": "longrope", "short_factor": []any{1}}},
		"rope_parameters.full_attention":    {"rope_parameters": map[string]any{"full_attention": map[string]any{"rope_type": "default"}}},
		"rope_parameters.\"rope_theta\"":    {"rope_parameters": map[string]any{"rope_theta": map[string]any{"x": 1}}},
		"rope_theta is 10000":               {"rope_theta": 10000.0, "rope_parameters": theta},
		"rope_scaling and rope_parameters":  {"rope_scaling": linear, "rope_parameters": llama3},
		"partial_rotary_factor":             {"rope_parameters": map[string]any{"rope_type": "default", "partial_rotary_factor": 0.5}},
		"rope_scaling.alpha":                {"rope_scaling": map[string]any{"type": "dynamic", "factor": 1.0, "alpha": 1000.0}},
		"attention_factor":                  {"rope_scaling": map[string]any{"rope_type": "linear", "factor": 2.0, "attention_factor": 0.5}},
		"rope_parameters.factor is \"two\"": {"rope_parameters": map[string]any{"rope_type": "linear", "factor": "two"}},
		"rope_parameters is \"llama3\"":     {"rope_parameters": "llama3"},
		"factor is 4 without a type":        {"rope_scaling": map[string]any{"factor": 4.0}},
	} {
		_, err := transformer.ParseConfig(with(t, llamaConfig, fields))
		if err == nil {
			t.Errorf("%s: %v is accepted", name, fields)
			continue
		}
		oneLine(t, err, strings.ReplaceAll(strings.TrimPrefix(name, "rope_parameters.full"), `\"`, `"`))
	}
}

func pick(from map[string]any, keys ...string) map[string]any {
	some := map[string]any{}
	for k, v := range from {
		if slices.Contains(keys, k) {
			some[k] = v
		}
	}
	return some
}

// TestTypeNames: dtype of transformers 5 beside torch_dtype.
func TestTypeNames(t *testing.T) {
	for _, fields := range []map[string]any{{"dtype": "bfloat16"}, {"dtype": "bfloat16", "torch_dtype": "bfloat16"}, {"torch_dtype": "bfloat16"}} {
		c, err := transformer.ParseConfig(with(t, llamaConfig, fields))
		if err != nil || c.Raw["torch_dtype"] != "bfloat16" || (c.Raw["dtype"] == nil) != (fields["dtype"] == nil) {
			t.Errorf("%v: %v, %v", fields, c.Raw, err)
		}
	}
	for _, fields := range []map[string]any{ // as Python prints types, which transformers does not read
		{"torch_dtype": "torch.bfloat16"}, {"dtype": "torch.bfloat16"}, {"torch_dtype": "torch.bfloat16", "dtype": "bfloat16"}, {"torch_dtype": "auto", "dtype": "bfloat16"},
	} {
		c, err := transformer.ParseConfig(with(t, llamaConfig, fields))
		if err != nil || c.Raw["torch_dtype"] != "bfloat16" || fields["dtype"] != nil && c.Raw["dtype"] != "bfloat16" {
			t.Errorf("%v: %v, %v", fields, c.Raw, err)
		}
	}
	if c, err := transformer.ParseConfig(with(t, llamaConfig, map[string]any{"torch_dtype": "auto"})); err != nil || c.Raw["torch_dtype"] != nil {
		t.Errorf("auto: %v, %v", c.Raw, err)
	}
	if _, err := transformer.ParseConfig(with(t, llamaConfig, map[string]any{"dtype": "float16", "torch_dtype": "bfloat16"})); err == nil {
		t.Error("two types are accepted")
	} else {
		oneLine(t, err, "torch_dtype", "float16", "bfloat16")
	}
}
