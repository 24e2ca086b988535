package transformer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"lamina/internal/strictjson"
)

// A directory with a place that is not the family's layer has a config.json with a
// model_type and an architecture of our own, so that other programs refuse it instead of
// leaving tensors out or making some up. What the family is called, and the forms of the
// places, lie below ownKey, beside what a directory says there of itself; config.json is
// read as if the family's name stood in its place.
type formed struct {
	Kind          string `json:"kind,omitempty"`   // of the directory
	Format        int    `json:"format,omitempty"` // of the directory
	ModelType     string `json:"model_type"`
	Architectures any    `json:"architectures,omitempty"`
	Forms         []Form `json:"forms"`
}

const (
	formedType  = "lamina"
	formedClass = "LaminaForCausalLM"
)

// expandForms returns the config.json that one of our own model_type stands for, and the
// forms of its places; another's config.json it returns as it is.
func expandForms(data []byte) ([]byte, []Form, error) {
	var own struct {
		ModelType string          `json:"model_type"`
		Lamina    json.RawMessage `json:"lamina"`
	}
	if json.Unmarshal(data, &own) != nil || own.ModelType != formedType {
		return data, nil, nil
	}
	if isNull(own.Lamina) {
		return nil, nil, fmt.Errorf("model_type %s without %s: want what lamina wrote there", formedType, ownKey)
	}
	if err := checkPlaces(own.Lamina); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", ownKey, err)
	}
	var raw map[string]any
	if err := decodeConfig(data, &raw); err != nil {
		return nil, nil, err
	}
	var f formed
	if err := strictjson.CheckFit(own.Lamina, strictjson.Rules{Depth: configDepth}, &f, strictjson.Whole); err != nil {
		return nil, nil, fmt.Errorf("%s: %w: is it of a newer version of lamina?", ownKey, err)
	}
	if err := json.Unmarshal(own.Lamina, &f); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", ownKey, err)
	}
	raw["model_type"] = f.ModelType
	if delete(raw, "architectures"); f.Architectures != nil {
		raw["architectures"] = f.Architectures
	}
	data, err := json.Marshal(raw)
	return data, f.Forms, err
}

// checkPlaces returns an error for more forms than a model may have layers, before they take
// memory.
func checkPlaces(own []byte) error {
	s := strictjson.New(own, strictjson.Rules{Depth: configDepth})
	return s.Object(func(name string) error {
		if name != "forms" || s.Kind() != strictjson.Array {
			return s.Skip()
		}
		n := 0
		return s.Array(func() error {
			if n++; n > maxLayers {
				return fmt.Errorf("forms: more than %d places: a model has so many layers at most", maxLayers)
			}
			return s.Skip()
		})
	})
}

// formsConfig is expandForms the other way round. It changes raw, unless every form is
// plain.
func formsConfig(raw map[string]any, forms []Form) {
	if !slices.ContainsFunc(forms, func(f Form) bool { return !f.Plain() }) {
		return
	}
	own := map[string]any{}
	if said, ok := raw[ownKey].(map[string]any); ok {
		own = maps.Clone(said)
	}
	own["model_type"], own["forms"] = raw["model_type"], forms
	if raw["architectures"] != nil {
		own["architectures"] = raw["architectures"]
	}
	raw[ownKey] = own
	raw["model_type"], raw["architectures"] = formedType, []string{formedClass}
}
