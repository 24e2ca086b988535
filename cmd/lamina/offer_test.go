package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/plan"
	"lamina/crash/study"
)

// TestWhatIsOfferedIsAList: a method and a row in a list are all that plan, run and
// their help need to know them.
func TestWhatIsOfferedIsAList(t *testing.T) {
	top := plan.Method{Name: "top", Help: "the last layers", AnchorEnds: true, Needs: []plan.Need{plan.NeedSimilarity},
		Choose: func(r plan.Request) (plan.Choice, error) {
			var p plan.Plan
			for i := r.Layers - r.Keep; i < r.Layers; i++ {
				p = append(p, plan.Slot{Layer: i, Trainable: i >= r.Layers-r.Trainable})
			}
			return plan.Choice{Plan: p}, nil
		}}
	o := offer{
		append(slices.Clone(plan.Methods), top),
		append(slices.Clone(study.Recipes), study.Recipe{Name: "top-shared", Help: "the last layers", Method: top, Trains: study.Starred, Sharing: plan.ShareAll}),
	}
	call := func(args ...string) (int, string) {
		var both bytes.Buffer
		code := o.run(context.Background(), args, &both, &both)
		return code, both.String()
	}
	model, dir := tinyModel(t), t.TempDir()
	sim := write(t, dir, "sim.json", `{"matrix":[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]],"metric":"cka","pool":"mean","n":2}`)
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(4))
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{0, []string{"plan", "--help"}, "top: the last layers."},
		{0, []string{"plan", "--help"}, "for crash, hierarchical-single, hierarchical-average, hierarchical-complete and top."},
		{0, []string{"run", "--help"}, "top-shared: the last layers. METHOD@K, METHOD+REPAIR"},
		{0, []string{"plan", "top", "--keep", "2", "--trainable", "1", "--similarity", sim}, "1 2*\n"},
		{2, []string{"plan", "top", "--layers", "3", "--keep", "2", "--trainable", "1"}, "a top plan needs --similarity F.json"},
		{2, []string{"plan", "uniform", "--layers", "3", "--keep", "2", "--trainable", "1", "--anchor-ends"}, "--anchor-ends is for random, normal, left-normal, right-normal, inverse-normal, crash, iterative-drop, block-influence, angular, streamline, sleb, sleb-answer, shapley, gradient-fidelity, gradient-gram and top"},
		{0, runArgs(model, train, test, filepath.Join(dir, "run"), "--rows", "top-shared"), "2 2 2 3 4* 5*"},
	} {
		code, text := call(c.args...)
		if plain := strings.Join(strings.Fields(text), " "); code != c.code || !strings.Contains(text, c.want) && !strings.Contains(plain, c.want) {
			t.Errorf("%v: exit %d, %s\nwant %q", c.args, code, text, c.want)
		}
	}
	if code, _, stderr := lamina(t, "plan", "top", "--layers", "3", "--keep", "2", "--trainable", "1"); code != exitUsage {
		t.Errorf("a method that is not offered: exit %d, %s", code, stderr)
	}
}

// TestRunTakesAPlanOfOnesOwn in a file as lamina plan writes it, as text in a file
// and on the command line; goes on with it, and not with another.
func TestRunTakesAPlanOfOnesOwn(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(12))
	file, plain := filepath.Join(dir, "plan.json"), write(t, dir, "plan.txt", "0* 2 4*\n")
	must(t, "plan", "uniform", "--layers", "6", "--keep", "3", "--trainable", "2", "--share", "all", "--json", file)
	out := filepath.Join(dir, "run")
	args := func(more ...string) []string { return runArgs(model, train, test, out, more...) }

	code, _, stderr := laminaContext(t, &countdown{context.Background(), 3 + 6}, args("--rows", "mine=@"+file)...)
	if _, err := os.Stat(filepath.Join(out, "seed-42", "rows", "mine", "lr0.01", "config.json")); code != exitInterrupt || err != nil {
		t.Fatalf("interrupted: exit %d, %s, %v", code, stderr, err)
	}
	result := filepath.Join(dir, "table.json")
	printed := must(t, args("--rows", "zs,mine=@"+file+",short=0* 5*,plain=@"+plain, "--json", result)...)
	table := read[study.Table](t, result)
	var rows []string
	for _, r := range table.Rows {
		rows = append(rows, r.Name+": "+r.Plan.String())
	}
	want := []string{"zs: 0 1 2 3 4 5", "mine: 0* 0 3 3 5 5*", "short: 0* 5*", "plain: 0* 2 4*"}
	if !slices.Equal(rows, want) || !strings.Contains(printed, "0* 0 3 3 5 5*") {
		t.Errorf("rows %q, want %q; printed %s", rows, want, printed)
	}
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	if err != nil || !strings.Contains(string(page), ">plain<") {
		t.Errorf("report.html does not show the row plain, %v", err)
	}

	for _, c := range []struct{ rows, want string }{
		{"zs,short=0* 4*", "0* 5*, which is 0* 4* now"}, // another plan
		{"mine=@" + filepath.Join(dir, "none.json"), "none.json: no such file"},
		{"mine=0* 6", "layer 6 out of range"},
		{"mine=0 5", "nothing to train"},
		{"crash=0* 5*", "taken by the row crash"},
		{"mine=0* five", `"five" is no layer`},
		{"mine=@" + write(t, dir, "bad.json", `{"plan": 3}`), "bad.json"},
		{"../up=0* 5*", `"../up": want a name`},
	} {
		code, _, stderr := lamina(t, args("--rows", c.rows)...)
		stderr = unwarned(stderr)
		if code == 0 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("--rows %q: exit %d, %q; want one line with %q", c.rows, code, stderr, c.want)
		}
	}
}
