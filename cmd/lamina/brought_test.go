package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/study"
)

// A plan or a similarity that is brought is used instead of measuring, and support may
// be rows of another shape.
func TestRunWithWhatIsBrought(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(5))
	texts := write(t, dir, "texts.jsonl", `{"text":"one two"}`+"\n"+`{"text":"what is 3?"}`+"\n"+`{"text":"b a c"}`+"\n")
	sim, plan := filepath.Join(dir, "sim.json"), filepath.Join(dir, "plan.json")
	must(t, "similarity", "--model", model, "--data", texts, "--json", sim)
	printed := strings.TrimSpace(must(t, "plan", "crash", "--similarity", sim, "--keep", "4", "--trainable", "2", "--json", plan))
	for name, c := range map[string]struct {
		args     []string
		crash    string // the plan of its row, "": any
		measured bool
		warns    string
	}{
		"similarity":   {[]string{"--similarity", sim}, printed, true, "similarity of 3 samples: CKA of so few"},
		"plan":         {[]string{"--plan", "0* 2 3 5*"}, "0* 2 3 5*", false, ""},
		"plan of file": {[]string{"--plan", "@" + plan}, printed, false, ""},
		"support":      {[]string{"--task", "arc_easy", "--support", texts, "--support-task", "none"}, printed, true, "similarity of 3 samples"},
	} {
		out, result := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")), filepath.Join(dir, "table.json")
		code, _, stderr := lamina(t, runArgs(model, train, test, out, append(c.args, "--rows", "uniform,crash,share-all,mine=0 1 4* 5*", "--seeds", "1,2", "--json", result)...)...)
		if code != 0 {
			t.Fatalf("%s: %s", name, stderr)
		}
		if stderr = similarityWarnings(stderr); strings.Count(stderr, "\n") != min(len(c.warns), 1) || !strings.Contains(stderr, c.warns) {
			t.Errorf("%s: %q, want one warning with %q", name, stderr, c.warns)
		}
		for _, r := range read[study.Table](t, result).Rows {
			want := map[string]string{"uniform": "0* 1 4 5*", "crash": c.crash, "mine": "0 1 4* 5*"}[r.Name]
			if want != "" && r.Plan.String() != want {
				t.Errorf("%s: %s has the plan %s, want %s", name, r.Name, r.Plan, want)
			}
		}
		if _, err := os.Stat(filepath.Join(out, "seed-1", "similarity.json")); (err == nil) != c.measured {
			t.Errorf("%s: similarity.json: %v", name, err)
		}
	}
}

func TestRunRefusesWhatDoesNotFit(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(5))
	sim := filepath.Join(dir, "sim.json")
	must(t, "similarity", "--model", model, "--data", train, "--json", sim)
	edited := func(name string, change func(map[string]any)) string {
		var object map[string]any
		data, err := os.ReadFile(sim)
		if err == nil {
			err = json.Unmarshal(data, &object)
		}
		if err != nil {
			t.Fatal(err)
		}
		change(object)
		if data, err = json.Marshal(object); err != nil {
			t.Fatal(err)
		}
		return write(t, dir, name, string(data))
	}
	small := edited("small.json", func(o map[string]any) { o["matrix"] = [][]float64{{1, .5}, {.5, 1}} })
	other := edited("other.json", func(o map[string]any) { o["model"] = "sha256:00" })
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--similarity", small}, "similarity of a model of 1 layers: the model has 6"},
		{[]string{"--similarity", other}, "measured on another model"},
		{[]string{"--similarity", filepath.Join(dir, "none.json")}, "none.json"},
		{[]string{"--plan", "0* 1 1 5*"}, "has copies or maps"},
		{[]string{"--plan", "0* 1 5*"}, "keeps 3 layers and trains 2, not the 4 and 2"},
		{[]string{"--plan", "0* 1 2 9*"}, "9"},
		{[]string{"--plan", "nonsense"}, "nonsense"},
		{[]string{"--support-task", "arc_easy"}, "how --support is read, which is not given"},
		{[]string{"--support", test, "--support-task", "nope"}, "nope"},
	} {
		out := filepath.Join(dir, "refused")
		code, _, stderr := lamina(t, runArgs(model, train, test, out, c.args...)...)
		if stderr = withoutWarnings(stderr); code == 0 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: code %d, %q; want one line with %q", c.args, code, stderr, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: left %s behind", c.args, out)
		}
	}
}

// Samples that say nothing are named where they are measured and where they are used.
func TestSimilarityOfTooFewIsNamed(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	for name, c := range map[string]struct{ rows, similarity, plan string }{
		"two":     {manyQuestions(2), "similarity of 2 samples: CKA of so few is near 1 by chance: take 64 or more", "similarity of 2 samples"},
		"equal":   {strings.Repeat(`{"text":"a b"}`+"\n", 70), "similarity of 70 samples that are all the same says nothing", "all neighbours are equally alike (0)"},
		"repeats": {strings.Repeat(manyQuestions(3), 30), "similarity of 90 samples, 3 of them different", ""},
		"enough":  {manyQuestions(64), "", ""},
	} {
		data, sim := write(t, dir, name+".jsonl", c.rows), filepath.Join(dir, name+".json")
		_, _, stderr := lamina(t, "similarity", "--model", model, "--data", data, "--json", sim)
		if stderr = similarityWarnings(stderr); strings.Count(stderr, "\n") != min(len(c.similarity), 1) || !strings.Contains(stderr, c.similarity) {
			t.Errorf("%s: similarity: %q, want %q", name, stderr, c.similarity)
		}
		code, _, stderr := lamina(t, "plan", "crash", "--keep", "2", "--trainable", "1", "--similarity", sim)
		if stderr = similarityWarnings(stderr); code != 0 || strings.Count(stderr, "\n") != min(len(c.plan), 1) || !strings.Contains(stderr, c.plan) {
			t.Errorf("%s: plan: %q, want %q", name, stderr, c.plan)
		}
	}
}

// lines returns those of a text that are wanted.
func lines(text string, wanted func(line string) bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if wanted(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// similarityWarnings are what is said of a doubtful similarity.
func similarityWarnings(stderr string) string {
	return lines(stderr, func(line string) bool {
		return strings.HasPrefix(line, "lamina: warning: ") && (strings.Contains(line, "similarity of ") || strings.Contains(line, "all neighbours"))
	})
}

func withoutWarnings(stderr string) string {
	return lines(stderr, func(line string) bool { return !strings.HasPrefix(line, "lamina: warning: ") })
}
