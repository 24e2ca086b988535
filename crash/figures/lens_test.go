package figures

import (
	"encoding/json"
	"strings"
	"testing"
)

// lensForms are the other forms of a lens's result, beside testdata/lens.json.
var lensForms = map[string]string{
	"distances": `{"result":"lens","command":["lamina","lens","distances"],"of":"m","lens":"logit","data":"d.jsonl","matrix":[[1,0.5],[0.5,1]],"metric":"lens-js",` +
		`"likeness":"1 - JS/ln 2","precision":"f32","distances":{"js":[[0,0.3],[0.3,0]],"kl":[[0,1],[2,0]]},"entropy":[3,2],"n":2,"target_tokens":9}`,
	"trained": `{"result":"lens","command":["lamina","lens","train"],"model":"m","out":"l","outcome":{"steps":3,"loss":1,"tokens":9,"seconds":1,"peak_bytes":1},"rows":4,` +
		`"tokens_per_step":8,"trained_params":10,"on":"valid","tokens":20,"kl_logit":[3,2,1],"kl_tuned":[1,0.5,0.25]}`,
}

// TestLensForms: distances have a picture each, the one that a plan reads first; a training has
// one; and a file that is spoilt says so in a line that names it.
func TestLensForms(t *testing.T) {
	for name, want := range map[string][]string{"distances": {"lens-js", "lens-kl"}, "trained": {"lens-trained"}} {
		_, s, err := Read("r.json", []byte(lensForms[name]))
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range s.pictures {
			if i >= len(want) || n.name != want[i] {
				t.Errorf("%s: picture %d is %s, want %v", name, i, n.name, want)
			}
		}
		if len(s.pictures) != len(want) || len(s.section.Text) == 0 || s.section.Figures[0].Values == nil {
			t.Errorf("%s: %d pictures, %d paragraphs", name, len(s.pictures), len(s.section.Text))
		}
	}
	for name, form := range lensForms {
		var members map[string]any
		if err := json.Unmarshal([]byte(form), &members); err != nil {
			t.Fatal(err)
		}
		for key, was := range members {
			for _, other := range []any{nil, []any{}, map[string]any{}, "", -1, 1e300, []any{[]any{}}, []any{[]any{1}, 2}, map[string]any{"js": []any{[]any{1}}}} {
				members[key] = other
				data, _ := json.Marshal(members)
				if _, _, err := Read("r.json", data); err != nil && !strings.HasPrefix(err.Error(), "r.json") {
					t.Errorf("%s: %s %v: %v", name, key, other, err)
				}
			}
			members[key] = was
		}
	}
	_, _, err := Read("r.json", []byte(`{"result":"lens","command":[]}`))
	if err == nil || !strings.Contains(err.Error(), "nothing to show") {
		t.Errorf("%v", err)
	}
}
