package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Settings is the file in a directory of results that holds the settings they were
// made with.
const Settings = "config.json"

// CheckSettings refuses a directory of results if it holds other things (but for
// those called as in beside), a model among them, or, without overwrite, results whose
// [Settings] are not want; the error names the first differences.
func CheckSettings(dir string, want []byte, overwrite bool, beside ...string) error {
	have, err := os.ReadFile(filepath.Join(dir, Settings))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries, err := os.ReadDir(dir)
		if err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !slices.Contains(beside, e.Name()) }) {
			return fmt.Errorf("%s: not empty and no run of lamina: choose another --out", dir)
		}
		return nil
	case err != nil:
		return err
	case IsModelConfig(have):
		return fmt.Errorf("%s: holds a model and no run of lamina: choose another --out", dir)
	case !overwrite && !bytes.Equal(have, want):
		return fmt.Errorf("%s: %s; choose another --out or pass --overwrite", dir, difference(have, want))
	}
	return nil
}

// IsModelConfig tells the config.json of a model from that of a run, which shares its
// name.
func IsModelConfig(config []byte) bool {
	var c struct {
		ModelType     any `json:"model_type"`
		Architectures any `json:"architectures"`
	}
	return json.Unmarshal(config, &c) == nil && (c.ModelType != nil || c.Architectures != nil)
}

// difference says in which settings (the first three) a run that is there differs
// from the one that is wanted.
func difference(have, want []byte) string {
	var a, b map[string]any
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(want, &b) != nil {
		return "a run is there whose config.json cannot be read"
	}
	flatA, flatB := map[string]string{}, map[string]string{}
	flatten("", a, flatA)
	flatten("", b, flatB)
	keys := map[string]bool{}
	for k := range flatA {
		keys[k] = true
	}
	for k := range flatB {
		keys[k] = true
	}
	var out []string
	for k := range keys {
		if flatA[k] != flatB[k] {
			out = append(out, fmt.Sprintf("%s is %s there, %s now", k, show(flatA[k]), show(flatB[k])))
		}
	}
	slices.Sort(out)
	return "a run with other settings is there: " + strings.Join(out[:min(3, len(out))], ", ")
}

func show(s string) string {
	if s == "" {
		return "absent"
	}
	return fmt.Sprintf("%.60s", s)
}

func flatten(prefix string, v any, out map[string]string) {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			flatten(prefix+"."+k, x, out)
		}
		return
	}
	text, _ := json.Marshal(v)
	out[strings.TrimPrefix(prefix, ".")] = string(text)
}
