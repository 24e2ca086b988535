package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// warnings says how the documents differ.
func (m matching) warnings(task string, a, b []line) (out []string) {
	if len(m.pairs) < len(a) || len(m.pairs) < len(b) {
		out = append(out, fmt.Sprintf("%s: %d documents in both, %d in A only, %d in B only", task, len(m.pairs), len(a)-len(m.pairs), len(b)-len(m.pairs)))
	}
	prompts, targets := 0, 0
	for _, p := range m.pairs {
		if a[p[0]].prompt != b[p[1]].prompt {
			prompts++
		}
		if a[p[0]].target != b[p[1]].target {
			targets++
		}
	}
	if m.byNumber && len(m.pairs) > 0 {
		out = append(out, task+": no document has the same hash: matched by their numbers")
	}
	if prompts > 0 {
		out = append(out, fmt.Sprintf("%s: %d of %d documents have other prompts", task, prompts, len(m.pairs)))
	}
	if targets > 0 {
		out = append(out, fmt.Sprintf("%s: %d of %d documents have other targets", task, targets, len(m.pairs)))
	}
	return out
}

// differ says in what two runs differ that numbers depend on.
func differ(a, b *Run) []string {
	out := []string{}
	for _, s := range []struct{ key, name string }{
		{"rules", "the rules"}, {"limit", "the limit of documents"}, {"system_instruction_sha", "the system instruction"},
		{"chat_template_sha", "the chat template"}, {"fewshot_as_multiturn", "how examples become turns"},
	} {
		x, y := a.about[s.key], b.about[s.key]
		if x != y && (x != "" && y != "" || s.key == "rules" && (x == "0.3" || y == "0.3")) {
			out = append(out, fmt.Sprintf("%s: %.64s in A, %.64s in B", s.name, orNone(x), orNone(y)))
		}
	}
	var done []string
	for _, s := range a.Scores {
		if slices.Contains(done, s.Task) || !slices.ContainsFunc(b.Scores, func(y Score) bool { return y.Task == s.Task }) {
			continue
		}
		done = append(done, s.Task)
		for _, k := range []struct{ key, name string }{{"n-shot", "examples"}, {"versions", "version"}, {"n-samples", "documents"}} {
			x, y := a.perTask[k.key][s.Task], b.perTask[k.key][s.Task]
			if x != nil && y != nil && !sameJSON(x, y) {
				out = append(out, fmt.Sprintf("%s: %s: %.80s in A, %.80s in B", s.Task, k.name, compact(x), compact(y)))
			}
		}
		if x, y := a.perTask["task_hashes"][s.Task], b.perTask["task_hashes"][s.Task]; x != nil && y != nil && !sameJSON(x, y) {
			out = append(out, s.Task+": the hashes of all documents, prompts and targets differ")
		}
		if x := string(a.perTask["n-shot"][s.Task]); x != "" && x != "0" && a.about["fewshot_seed"] != b.about["fewshot_seed"] {
			out = append(out, fmt.Sprintf("%s: seed of the examples: %.32s in A, %.32s in B", s.Task, orNone(a.about["fewshot_seed"]), orNone(b.about["fewshot_seed"])))
		}
	}
	return out
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// sameJSON compares two values without regard to white space and spellings of
// numbers.
func sameJSON(x, y json.RawMessage) bool {
	var a, b any
	if json.Unmarshal(x, &a) != nil || json.Unmarshal(y, &b) != nil {
		return bytes.Equal(x, y)
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// compact is a value in one line.
func compact(text json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return string(text)
	}
	return b.String()
}
