package sweep

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"lamina/crash/study"
)

const goodFile = `study: good
models:
  - name: opt
    path: facebook/opt-125m
    plans: {openbookqa: 0* 3 5*}
tasks:
  - name: openbookqa
    train: train.jsonl
    test: test.jsonl
rows: [zs, crash, "mine=0* 2 5*"]
keep: 3
trainable: 2
rates: [1e-3, 5e-4]
seeds: [1, 2]
training: {epochs: 2, batch: 8, schedule: cosine}
overrides:
  - rows: [mine]
    rates: [1e-2]
`

// TestWrongFiles: whatever is wrong in a study file is one line, with the place.
func TestWrongFiles(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"unknown key", "keep: 3", "kept: 3", `11:1: unknown key "kept"`},
		{"unknown key of a training", "batch: 8", "batches: 8", `15:23: unknown key "batches"`},
		{"unknown key of a model", "    path:", "    patch: 1\n    path:", `4:5: unknown key "patch"`},
		{"a key twice", "keep: 3", "keep: 3\nkeep: 4", `12:1: `},
		{"a text for a number", "keep: 3", "keep: many", `11:7: "many", want a whole number`},
		{"a text for a rate", "5e-4]", "fast]", `13:15: "fast", want a number`},
		{"a number for a list", "rows: [zs, crash, \"mine=0* 2 5*\"]", "rows: 7", `10:7: `},
		{"a negative seed", "seeds: [1, 2]", "seeds: [1, -2]", `14:12: "-2" is out of range: want a whole number, 0 or more`},
		{"no YAML", "rates: [1e-3, 5e-4]", "rates: [1e-3, 5e-4", `14:1: ',' or ']' must be specified`},
		{"a tab", "    path:", "\tpath:", `4:`},
		{"a rate of nothing", "5e-4]", "0]", `13:15: rate 0: want a positive number`},
		{"a rate twice", "5e-4]", "0.001]", `13:15: rate 0.001 comes twice`},
		{"a seed twice", "[1, 2]", "[2, 2]", `14:12: seed 2 comes twice`},
		{"no seeds", "seeds: [1, 2]\n", "", `1:1: seeds: none`},
		{"no models", "  - name: opt\n    path: facebook/opt-125m\n    plans: {openbookqa: 0* 3 5*}\n", "", `2:8: models: none`},
		{"an unknown row", "[zs, crash,", "[zs, crush,", `10:12: row "crush" is not known`},
		{"a row twice", "[zs, crash,", "[zs, zs,", `10:12: row zs comes twice`},
		{"an unknown task", "name: openbookqa\n", "name: riddles\n", `7:11: task riddles: `},
		{"a plan of another task", "{openbookqa: 0*", "{arc_easy: 0*", `5:23: plans: task "arc_easy" is not in tasks`},
		{"a plan of other sizes", "0* 3 5*}", "0* 3 4 5*}", `5:25: plan of openbookqa: keeps 4 layers and trains 2`},
		{"a plan for a row of a size", "[zs, crash,", "[zs, crash, crash@2,", `5:25: plan of openbookqa: row crash-2 would take it, and keeps 2 layers`},
		{"a plan and where to train", "    path:", "    train_at: last\n    path:", `6:25: plan of openbookqa: says itself which layers train, and train_at says last`},
		{"a place to train that is none", "    path:", "    train_at: middle\n    path:", `4:15: train_at: train at "middle": want one of`},
		{"a row of too few layers", "[zs, crash,", "[zs, crash, uniform@1,", `10:7: row uniform-1: keeps 1 layers, and model opt trains 2`},
		{"moments", "keep: 3", "keep: 3\nplug_at: [1, 0.5]", `12:10: plug_at [1 0.5]: want epochs above 0, ascending`},
		{"samples", "keep: 3", "keep: 3\nsamples: -1", `12:10: samples -1: want 1 or more`},
		{"a plan of no layers", "0* 3 5*}", "nought}", `5:25: plan of openbookqa: `},
		{"more trained than kept", "trainable: 2", "trainable: 4", `11:7: model opt: keep 3, trainable 4`},
		{"epochs and steps", "{epochs: 2,", "{epochs: 2, steps: 3,", `15:12: epochs and steps: want one of them`},
		{"an unknown schedule", "cosine", "sinus", `15:12: `},
		{"a negative pull", "cosine", "cosine, proximal: -1", `15:12: proximal -1: want`},
		{"a share above all", "cosine", "cosine, drop_span: 1.5", `15:12: drop_span 1.5: want`},
		{"an override of no row", "rows: [mine]", "rows: [yours]", `17:12: row "yours" is not in rows`},
		{"an override of nothing", "    rates: [1e-2]\n", "", `17:5: an override of nothing`},
		{"an unknown published table", "    path:", "    published: opt-13b\n    path:", `4:16: published: "opt-13b" is not known: want opt-1.3b`},
		{"a name for no file", "study: good", "study: ../good", `1:8: study: "../good": want a name`},
		{"an anchor", "[1, 2]", "&s [1, 2]", `14:8: anchors, aliases and tags are not read here`},
		{"two documents", "study: good", "---\nstudy: a\n---\nstudy: good", `2 YAML documents: want one`},
		{"a list", goodFile, "- a\n- b\n", `1:1: want keys and values`},
		{"an empty file", goodFile, "", `holds no YAML keys`},
		{"no text", goodFile, "study: \xff\xfe", `no UTF-8 text`},
		{"depth", goodFile, "study: " + strings.Repeat("[", 4000), `1:1: nested deeper than 16`},
		{"too many cells", "seeds: [1, 2]", "seeds: [" + manySeeds() + "]", `1:1: more than 100000 cells`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "wrong.yaml")
			text := strings.Replace(goodFile, c.from, c.to, 1)
			if text == goodFile {
				t.Fatal("nothing was changed")
			}
			put(t, path, text)
			_, err := Read(path, study.Recipes)
			if err == nil {
				t.Fatal("it was read")
			}
			got := strings.TrimPrefix(err.Error(), path+":")
			if got == err.Error() || strings.Contains(got, "\n") || !strings.HasPrefix(strings.TrimSpace(got), strings.TrimSpace(c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if regexp.MustCompile(`sweep\.|\*int|float64|Go (value|struct)`).MatchString(got) {
				t.Errorf("speaks of our types: %s", got)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "good.yaml")
	put(t, path, goodFile)
	s, err := Read(path, study.Recipes)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.List()); n != 1+2*2+2*1 {
		t.Errorf("%d cells", n)
	}
	if s.Rates[0] != 1e-3 || s.Rates[1] != 5e-4 {
		t.Errorf("rates %v", s.Rates)
	}
	if said := fmt.Sprint(s.said()); strings.Contains(said, "Measuring") {
		t.Errorf("settings that the file has not: %s", said)
	}
	put(t, path, strings.Replace(goodFile, "keep: 3", "keep: 3\npool: mean\ntokens: rms\nsamples: 4\nplug_at: [0.5, 1]\nplug_in_only: true\nlimit: 7\nrules: \"0.3\"\nprecision: bf16", 1))
	if s, err = Read(path, study.Recipes); err != nil {
		t.Fatal(err)
	}
	const want = "{Measuring pool mean, tokens rms, samples 4, plug_at 0.5, 1, plug_in_only: emulators by themselves are not scored, " +
		"limit: the first 7 documents of a task are scored, rules 0.3, precision bf16}"
	if said := fmt.Sprint(s.said()); !strings.Contains(said, want) {
		t.Errorf("settings %s, want %s", said, want)
	}
	for _, from := range []string{"${NO_SUCH_VARIABLE}/x", "${}"} {
		if _, err := s.source.file(from); (err == nil) != (from == "${}") {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// manySeeds are more than a study may have cells for.
func manySeeds() string {
	list := make([]string, 60_000)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return strings.Join(list, ",")
}

// FuzzRead: no file makes the reader panic, and an error is one line that names it.
func FuzzRead(f *testing.F) {
	f.Add(goodFile)
	f.Add("study: [")
	f.Add("a: &x {b: *x}")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "study.yaml")
		put(t, path, text)
		if _, err := Read(path, study.Recipes); err != nil && (!strings.Contains(err.Error(), "study.yaml") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q", err)
		}
	})
}
