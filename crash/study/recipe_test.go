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
	"lamina/crash/emulate"
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
// row takes; likewise a compression.
func TestOneValueIsARow(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	applied := 0
	compression := emulate.Compression{Name: "repeat", Apply: func(e *emulate.Emulator) error {
		applied++
		e.Decoder.Blocks[1] = e.Decoder.Blocks[0]
		return nil
	}}
	offered := append(slices.Clone(study.Recipes),
		study.Recipe{Name: "ends", Method: ends, Trains: study.Starred, Sharing: plan.ShareAll},
		study.Recipe{Name: "ends-twice", Method: ends, Trains: study.Starred, Draws: 2},
		study.Recipe{Name: "small", Method: ends, Trains: study.Starred, Compression: compression},
	)
	p := protocol(t, be, full, t.TempDir(), "zs")
	before := crashtest.Logits(be, full)
	var err error
	if p.Rows, err = study.Select(offered, []string{"ends-twice", "small", "ends"}, plan.Parse); err != nil {
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
	want := []string{"ends: 0 1 1 4 4* 5*", "ends-twice-1: 0 1 4* 5*", "ends-twice-2: 0 1 4* 5*", "small: 0 1 4* 5*"}
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	if applied != len(p.LRs) {
		t.Errorf("the compression was applied %d times, want once a learning rate", applied)
	}
	if held := rows[1].HeldParams - rows[3].HeldParams; held != full.Config.BlockParams() {
		t.Errorf("the compressed emulator holds %d weights less, want a block's %d", held, full.Config.BlockParams())
	}
	crashtest.Same(t, "the full model afterwards", crashtest.Logits(be, full), before)

	// What a row was begun with is part of its directory.
	small := p.Rows[2]
	small.Compression.Name = "other"
	again := protocol(t, be, full, p.Dir, "zs")
	again.Rows = []study.Recipe{small}
	if _, err := table(context.Background(), again); err == nil || !strings.Contains(err.Error(), `compression is "repeat" there, "other" now`) {
		t.Errorf("another compression: %v", err)
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
	} {
		if _, err := study.Select(study.Recipes, strings.Split(words, ","), plan.Parse); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", words, err, want)
		}
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
