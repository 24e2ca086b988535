package figures

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestSimilarityOfModels: several side by side, and one against another, have pictures,
// tables and words of their own.
func TestSimilarityOfModels(t *testing.T) {
	for file, want := range map[string]struct {
		title    string
		pictures []string
		words    string
	}{
		"similarity":         {"How alike the layers are", []string{"similarity", "tree"}, "and blocks"},
		"similarity-several": {"How alike the layers of several models are", []string{"similarity", "blocks"}, "excess"},
		"similarity-two":     {"How alike the layers of two models are", []string{"similarity"}, "most alike"},
	} {
		data, err := os.ReadFile("testdata/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		kind, s, err := Read(file, data)
		if err != nil || kind != "similarity" || s.section.Title != want.title {
			t.Fatalf("%s: %s, %q, %v", file, kind, s.section.Title, err)
		}
		var names []string
		for _, p := range s.pictures {
			names = append(names, p.name)
		}
		if strings.Join(names, " ") != strings.Join(want.pictures, " ") {
			t.Errorf("%s: pictures %v, want %v", file, names, want.pictures)
		}
		found := false
		for _, f := range s.section.Figures {
			for _, table := range f.Values {
				found = found || strings.Contains(table.Markdown(), want.words)
			}
		}
		if !found {
			t.Errorf("%s: no table with %q", file, want.words)
		}
	}
}

// TestSpoiltModels: what is wrong in a file of several models or of two names the file.
func TestSpoiltModels(t *testing.T) {
	for _, file := range []string{"similarity-several", "similarity-two"} {
		data, err := os.ReadFile("testdata/" + file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		for name, was := range members {
			for _, other := range []any{[]any{}, map[string]any{}, "", -1, []any{map[string]any{"matrix": []any{[]any{1}}}},
				[]any{map[string]any{"matrix": []any{[]any{1, 1}, []any{1, 1}}, "pool": "mean", "blocks": map[string]any{"runs": []any{[]any{1, 9}}}}}} {
				members[name] = other
				spoilt, err := json.Marshal(members)
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := Read(file, spoilt); err != nil && !strings.Contains(err.Error(), file) {
					t.Errorf("%s: %s %v: %v", file, name, other, err)
				}
			}
			members[name] = was
		}
	}
}
