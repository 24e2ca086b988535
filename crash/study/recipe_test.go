package study_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/kernels/cpu"
)

// ends is a method of one's own: the first layers and the last, which train.
var ends = plan.Method{
	Name: "ends", Help: "the two ends",
	Choose: func(r plan.Request) (plan.Choice, error) {
		p := plan.Plan{{Layer: 0}, {Layer: 1}}
		for i := r.Layers - r.Keep + 2; i < r.Layers; i++ {
			p = append(p, plan.Slot{Layer: i, Trainable: i >= r.Layers-r.Trainable})
		}
		return plan.Choice{Plan: p}, nil
	},
}

// TestOneValueIsARow: a recipe with a method of its own, in a list, is all that a new
// row takes, whatever is made of its plan.
func TestOneValueIsARow(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	offered := append(slices.Clone(study.Recipes),
		study.Recipe{Name: "ends", Method: ends, Trains: study.Starred, Sharing: plan.ShareAll},
		study.Recipe{Name: "ends-twice", Method: ends, Trains: study.Starred, Draws: 2},
		study.Recipe{Name: "small", Method: ends, Trains: study.Starred, Compress: plan.Transform{Name: "svd", Amount: 0.5}},
		study.Recipe{Name: "mapped", Method: ends, Trains: study.Starred, Repair: "scalar"},
	)
	p := protocol(t, be, full, t.TempDir(), "zs")
	before := crashtest.Logits(be, full)
	var err error
	if p.Rows, err = study.Select(offered, []string{"ends-twice", "small", "mapped", "ends", "ends-twice+ghost:svd0.5"}, plan.Parse); err != nil {
		t.Fatal(err)
	}
	rows, err := table(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.Name+": "+r.Plan.String())
	}
	want := []string{"ends: 0 1 1 4 4* 5*", "ends-twice-1: 0 1 4* 5*", "ends-twice-2: 0 1 4* 5*", "small: 0:svd0.5 1:svd0.5 4* 5*",
		"mapped: 0 1 ~scalar 4* 5*", "ends-twice-ghost-svd0.5-1: 0:svd0.5 1:svd0.5 ~ 4* 5*", "ends-twice-ghost-svd0.5-2: 0:svd0.5 1:svd0.5 ~ 4* 5*"}
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	if saved := rows[1].HeldParams - rows[3].HeldParams; saved < full.Config.BlockParams()*9/10 || saved > full.Config.BlockParams()*11/10 {
		t.Errorf("the compressed emulator holds %d weights less, want about a block's %d", saved, full.Config.BlockParams())
	}
	if fits := rows[4].Fits; len(fits) != 1 || fits[0].Place != 2 || fits[0].Numbers != 1 {
		t.Errorf("fits of a map: %+v", fits)
	}
	crashtest.Same(t, "the full model afterwards", crashtest.Logits(be, full), before)
}

// TestEqualWeights: rows of full depth hold as many weights as the emulator of the kept
// layers, or a few less.
func TestEqualWeights(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "llama")
	p := protocol(t, be, full, "", "crash", "svd", "asvd", "nystrom", "gradot")
	p.Settings.Steps = 1
	rows, err := table(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	crash := rows[0]
	for _, r := range rows[1:] {
		if len(r.Plan) != 6 || !slices.Equal(r.Plan.Trainable(), crash.Plan.Trainable()) {
			t.Errorf("%s: plan %s beside %s", r.Name, r.Plan, crash.Plan)
		}
		if less := crash.HeldParams - r.HeldParams; less < 0 || less > full.Config.BlockParams()/4 { // a rank of a small matrix is much of it
			t.Errorf("%s holds %d weights, crash %d", r.Name, r.HeldParams, crash.HeldParams)
		}
	}
	p.Keep, p.Trainable = 2, 2
	if _, err := table(context.Background(), p); err == nil || !strings.Contains(err.Error(), "row svd: transform svd: even svd0.") {
		t.Errorf("nothing is left for the others: %v", err)
	}
}

// TestFittedRowsGoOn: a row with fits that was interrupted comes to the bits of one that
// was not, and its scales stand in the table.
func TestFittedRowsGoOn(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "llama")
	words := []string{"share-damped", "crash-ghost", "patch"}
	whole, err := table(context.Background(), protocol(t, be, full, t.TempDir(), words...))
	if err != nil {
		t.Fatal(err)
	}
	if r := whole[0]; !strings.Contains(r.Plan.String(), "xfit") || len(r.Built) != 6 || strings.Contains(r.Built.String(), "fit") || len(r.Fits) != 2 {
		t.Errorf("damped: %s, built %s, %v", r.Plan, r.Built, r.Fits)
	}
	dir := t.TempDir()
	for left := 20; ; left += 20 {
		rows, err := table(&crashtest.Countdown{Context: context.Background(), Left: left}, protocol(t, be, full, dir, words...))
		if errors.Is(err, context.Canceled) {
			continue
		}
		if err != nil || text(t, rows) != text(t, whole) {
			t.Errorf("%v: %s\nwithout interruption %s", err, text(t, rows), text(t, whole))
		}
		return
	}
}

func TestRecipesAreNamedOnce(t *testing.T) {
	names := study.Names(study.Recipes)
	for i, r := range study.Recipes {
		if slices.Index(names, r.Name) != i || r.Help == "" {
			t.Errorf("%+v", r)
		}
	}
	want := []string{"zs", "full", "ceiling", "uniform", "crash", "share-all", "share-frozen"}
	if got := study.Names(study.Defaults(study.Recipes)); !slices.Equal(got, want) {
		t.Errorf("rows by default %v, want %v", got, want)
	}
}

func TestSelect(t *testing.T) {
	rows, err := study.Select(study.Recipes, []string{"crash", "mine=0* 1 5*", "zs", "crash", "b=1*"}, plan.Parse)
	if got := study.Names(rows); err != nil || !slices.Equal(got, []string{"zs", "crash", "mine", "b"}) {
		t.Errorf("%v, %v", got, err)
	}
	rows, err = study.Select(study.Recipes, []string{"crash+ghost", "crash-ghost", "sleb+patch", "damp=crash/damped", "uniform:svd0.5", "random:svd", "sleb/own:int4"}, plan.Parse)
	if got := study.Names(rows); err != nil || !slices.Equal(got, []string{"crash-ghost", "sleb-patch", "damp", "uniform-svd0.5", "random-svd", "sleb-own-int4"}) {
		t.Errorf("%v, %v", got, err)
	}
	if r := rows[4]; r.Draws != 5 || !r.FullDepth || r.Compress != (plan.Transform{Name: "svd"}) {
		t.Errorf("%+v", r)
	}
	rows, err = study.Select(study.Recipes, []string{"uniform@24", "crash@24+ghost", "sleb-answer@27/damped", "crash@15:svd0.5", "near=crash@27"}, plan.Parse)
	if got := study.Names(rows); err != nil || !slices.Equal(got, []string{"uniform-24", "crash-24-ghost", "sleb-answer-27-damped", "crash-15-svd0.5", "near"}) {
		t.Fatalf("%v, %v", got, err)
	}
	for i, want := range []int{24, 24, 27, 15, 27} {
		if r := rows[i]; r.Keep != want || r.Baseline != (i == 0 || i == 4) {
			t.Errorf("%s keeps %d, want %d; a baseline: %t", r.Name, r.Keep, want, r.Baseline)
		}
	}
	for words, want := range map[string]string{
		"best":                          `row "best" is not known (zs, full,`,
		"=0*":                           `row "": want a name`,
		"a/b=0*":                        `row "a/b": want a name`,
		"..=0*":                         `row "..": want a name`,
		"Crash=0*":                      "taken by the row crash",
		"random-3=0*":                   "taken by the row random",
		"mine=0* x":                     "row mine: plan: place 1",
		"mine=":                         "row mine: plan: no places",
		"mine=0* 0*":                    "already trains",
		"mine=0*,MINE=1*":               "taken by the row mine",
		strings.Repeat("a", 65) + "=0*": "at most 64",
		"best+ghost":                    `"best" is no row of a method alone: want one of uniform,`,
		"zs+ghost":                      `"zs" is no row of a method alone`,
		"share-all+ghost":               `"share-all" is no row of a method alone`,
		"crash+spackle":                 `row "crash+spackle": repair: "spackle" is unknown: want one of none, ghost`,
		"crash/some":                    `row "crash/some": share: "some" is unknown: want one of none, all, frozen, damped`,
		"crash:svd2":                    `row "crash:svd2": compress: transform svd: 2: want a share`,
		"crash:prun0.5":                 `row "crash:prun0.5": compress: transform "prun0.5" is unknown`,
		"crash+ghost/all":               "leaves no gap to repair",
		"uniform@":                      `row "uniform@": @: want the number of layers`,
		"uniform@0+ghost":               "@0: want the number of layers that stay, 1 or more",
		"uniform@-3":                    "@-3: want the number of layers that stay",
		"uniform@70000":                 "@70000: want the number of layers that stay",
		"uniform+ghost@3":               `repair: "ghost@3" is unknown`,
		"ceiling@3":                     `"ceiling" is no row of a method alone`,
		"random@3":                      "taken by the row random",
		"crash/own":                     "want a compression alone",
		"crash:replaceme":               "give it as the repair",
		"crash/damped,CRASH/damped":     `"CRASH" is no row`,
		"a=sleb+ghost,A=sleb+ghost":     "taken by the row a",
	} {
		if _, err := study.Select(study.Recipes, strings.Split(words, ","), plan.Parse); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", words, err, want)
		}
	}
}

// TestRowsOfOtherSizes: a row that says how many layers stay is, to the bit, the row of a
// protocol of that size, and is held against baselines of its size alone.
func TestRowsOfOtherSizes(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full, dir := crashtest.Small(be, "llama"), t.TempDir()
	p := protocol(t, be, full, dir, "crash", "crash@3", "sleb", "sleb@3+ghost", "uniform@3", "uniform@3:svd")
	p.LRs = p.LRs[:1]
	got, err := table(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	small := protocol(t, be, full, "", "crash", "uniform", "sleb-ghost", "uniform:svd")
	small.Keep, small.LRs = 3, small.LRs[:1]
	want, err := table(context.Background(), small)
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range map[int]int{2: 1, 3: 2, 4: 0, 5: 3} { // rows of offered names come first
		one, other := got[i], want[at]
		if one.Name = other.Name; text(t, []study.Row{one}) != text(t, []study.Row{other}) {
			t.Errorf("%s of %d layers:\n%s\nwant\n%s", got[i].Name, 3, text(t, got[i:i+1]), text(t, want[at:at+1]))
		}
	}
	if kept := len(got[0].Plan.Kept()); kept != 4 {
		t.Errorf("crash keeps %d layers, want those of the protocol, 4", kept)
	}
	p.Rows[2].Keep = 7
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "row crash-3: plan: cannot keep 7 of 6 layers") {
		t.Error(err)
	}
	p.Rows[2].Keep, p.Plan = 3, plan.Plan{{Layer: 0, Trainable: true}, {Layer: 1}, {Layer: 2}, {Layer: 5, Trainable: true}}
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "row crash-3: takes the plan that is given, which keeps 4 layers") {
		t.Error(err)
	}
	recipes, err := study.Select(study.Recipes, []string{"crash", "uniform@3", "crash@3+ghost", "crash@3"}, plan.Parse)
	if err != nil {
		t.Fatal(err)
	}
	recipes[0].Keep = 4
	var sizes study.Table
	for _, r := range recipes {
		sizes.Rows = append(sizes.Rows, study.Row{Name: r.Name, Seed: 42, PlugIn: new(float64), N: 1, Right: "0"})
	}
	sizes.Relate(recipes)
	var pairs []string
	for _, c := range sizes.Baselines {
		pairs = append(pairs, c.Row+" "+c.Against)
	}
	if want := []string{"crash-3-ghost uniform-3", "crash-3 uniform-3", "crash-3-ghost crash-3"}; !slices.Equal(pairs, want) {
		t.Errorf("compared %q, want %q", pairs, want)
	}
}

// TestCeilingAsksNothing: where it is known which layers train, what is trained inside the
// full model is no matter of what a method keeps, and nothing is measured for it.
func TestCeilingAsksNothing(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	var rows []string
	for _, keep := range []int{2, 4} {
		for _, anchored := range []bool{false, true} {
			p := protocol(t, be, full, "", "ceiling")
			at, err := plan.ParseTrainAt("2,4")
			if err != nil {
				t.Fatal(err)
			}
			p.Keep, p.AnchorEnds, p.TrainAt, p.Support.Rows, p.LRs = keep, anchored, at, nil, p.LRs[:1]
			got, err := table(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Plan.String() != "0 1 2* 3 4* 5" {
				t.Errorf("keep %d: plan %s", keep, got[0].Plan)
			}
			rows = append(rows, text(t, got))
		}
	}
	if len(slices.Compact(rows)) != 1 {
		t.Errorf("the ceiling depends on what is kept: %s", rows)
	}
}

// TestOwnRowKnowsItsPlan: a row is not taken for one of the same name with another
// plan, neither finished nor begun, and this is found before other rows run.
func TestOwnRowKnowsItsPlan(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full, dir := crashtest.Small(be, "opt"), t.TempDir()
	refused := func(what string, rows ...string) {
		t.Helper()
		done, err := table(context.Background(), protocol(t, be, full, dir, rows...))
		if err == nil || !strings.Contains(err.Error(), "0* 1 3*") || !strings.Contains(err.Error(), "0* 2 3*") || len(done) > 0 {
			t.Errorf("%s: %d rows, %v", what, len(done), err)
		}
	}
	_, err := table(&crashtest.Countdown{Context: context.Background(), Left: 6}, protocol(t, be, full, dir, "mine=0* 1 3*"))
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "rows", "mine", "lr0.001", "config.json")); err != nil {
		t.Fatalf("the row was not begun: %v", err)
	}
	refused("begun", "uniform", "mine=0* 2 3*")
	first, err := table(context.Background(), protocol(t, be, full, dir, "mine=0* 1 3*"))
	if err != nil || first[0].Plan.String() != "0* 1 3*" || first[0].EmulatorFT == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	refused("finished", "uniform", "mine=0* 2 3*")
	whole, err := table(context.Background(), protocol(t, be, full, t.TempDir(), "mine=0* 1 3*"))
	if err != nil || text(t, whole) != text(t, first) {
		t.Errorf("%s, %v\nwithout interruption %s", text(t, first), err, text(t, whole))
	}
}
