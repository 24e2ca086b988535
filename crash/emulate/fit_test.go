package emulate_test

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/crash/repair"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// texts are rows of [crashtest.Small]'s vocabulary.
func texts(n int) (rows [][]int32) {
	for _, p := range crashtest.Pairs(n) {
		rows = append(rows, append(p.Context, p.Target...))
	}
	return rows
}

// stream returns what leaves the first places of a decoder.
func stream(d *transformer.Decoder, rows [][]int32, places int) []float32 {
	p := autograd.NewPass(ref.New())
	return d.ForwardBlocks(p, transformer.NewBatch(rows...), autograd.Var{}, 0, places).T.Float32s()
}

// TestMapsAreFittedInOrder: what a map leaves is what is measured behind it, on the
// emulator's own stream with the maps below in place.
func TestMapsAreFittedInOrder(t *testing.T) {
	be, rows := ref.New(), texts(60)
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		for _, text := range []string{"0* ~ 3 ~ 5*", "~patch 2 3* ~hadamard", "1* ~scalar 4 ~"} {
			p := crashtest.Plan(t, text)
			e, report, err := emulate.Fit(context.Background(), be, full, p, rows, emulate.FitOptions{Ridge: 1e-6, Tokens: repair.Plain})
			if err != nil {
				t.Fatal(err)
			}
			for _, fit := range report {
				x, got := stream(e.Decoder, rows, fit.Place), stream(e.Decoder, rows, fit.Place+1)
				next := 6
				if fit.Place+1 < len(p) {
					next = p[fit.Place+1].Layer
				}
				want := stream(full, rows, next)
				left, change := 0.0, 0.0
				for i, y := range want {
					left += math.Pow(float64(got[i]-y), 2)
					change += math.Pow(float64(x[i]-y), 2)
				}
				if direct := math.Sqrt(left / change); math.Abs(direct-fit.Left) > 1e-5 {
					t.Errorf("%s, %s: %s at place %d leaves %.7f, it says %.7f", family, text, fit.What, fit.Place, direct, fit.Left)
				}
			}
			crashtest.Same(t, family+": plugged back", crashtest.Logits(be, e.Plug(full)), crashtest.Logits(be, full))
			e.Close()
		}
	}
}

func TestFitRefuses(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	for _, c := range []struct {
		plan string
		rows [][]int32
		want string
	}{
		{"0* ~ 3", nil, "give some (--support FILE)"},
		{"0* ~ 1 5", texts(60), "place 1: ~: nothing is left out between layers 0 and 1"},
		{"0* 3 ~", [][]int32{{1, 2}, {}}, "text 1 has no tokens"},
		{"0* 3 ~", [][]int32{{1, 99}}, "id 99 is not in the vocabulary"},
		{"0* 3 ~ 2", texts(60), "nothing is left out"},
		{"0* 0xfit 5", texts(60), "the plan has 3 places, the model 6 layers"},
		{"0 9", texts(3), "layer 9 out of range"},
	} {
		e, _, err := emulate.Fit(context.Background(), be, full, crashtest.Plan(t, c.plan), c.rows, emulate.FitOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || e != nil {
			t.Errorf("%s: %v, want %q", c.plan, err, c.want)
		}
	}
	if _, err := emulate.New(full, crashtest.Plan(t, "0* ~ 3")); err == nil {
		t.Error("New built a map")
	}
}

// TestPlansWithoutFitsNeedNoText: plain plans come out as of New; scales by number and
// factors are the same for any text.
func TestPlansWithoutFitsNeedNoText(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	fit := func(text string, rows [][]int32) *emulate.Emulator {
		e, _, err := emulate.Fit(context.Background(), be, full, crashtest.Plan(t, text), rows, emulate.FitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	plain, err := emulate.New(full, crashtest.Plan(t, "0* 1 1 5*"))
	if err != nil {
		t.Fatal(err)
	}
	crashtest.Same(t, "a plain plan", crashtest.Logits(be, fit("0* 1 1 5*", nil).Decoder), crashtest.Logits(be, plain.Decoder))
	const text = "0* 1:svd0.5 1x0.5:svd0.5 5*"
	e := fit(text, nil)
	crashtest.Same(t, text, crashtest.Logits(be, e.Decoder), crashtest.Logits(be, fit(text, texts(3)).Decoder))
	if scaled := e.Decoder.Blocks[2].(*transformer.Scaled); scaled.Block != e.Decoder.Blocks[1] || scaled.By != 0.5 {
		t.Errorf("the second place of layer 1 is not the first, scaled: %v", scaled)
	}
}

// TestDampedSharingIsBest: on the texts it was fitted to, a damped layer leaves no more
// than the layer as it is, or none.
func TestDampedSharingIsBest(t *testing.T) {
	be, rows := ref.New(), texts(40)
	full := crashtest.Small(be, "llama")
	shared, err := plan.Share(crashtest.Plan(t, "0* 3 5*"), 6, plan.ShareDamped)
	if err != nil {
		t.Fatal(err)
	}
	e, report, err := emulate.Fit(context.Background(), be, full, shared, rows, emulate.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report) != 3 || strings.Contains(e.Plan.String(), "fit") {
		t.Errorf("plan %s, report %v", e.Plan, report)
	}
	for _, fit := range report {
		if !(fit.Left <= 1) {
			t.Errorf("%v leaves more than removing", fit)
		}
	}
}

// TestAnotherAttemptIsTheEmulator: before it is trained it is written as the emulator is,
// with what that was fitted to and how, also of one that was folded.
func TestAnotherAttemptIsTheEmulator(t *testing.T) {
	be := ref.New()
	ckpt, full := crashtest.Made(t, be, "llama", 32)
	fit, _ := fitted(t, be, full, "0* 1x0.5:width0.5 1x0.7:width0.5 5*", texts(40), emulate.FitOptions{})
	folded, _, err := fit.Fold(be, full.Config)
	if err != nil {
		t.Fatal(err)
	}
	defer folded.Close()
	for _, e := range []*emulate.Emulator{fit, folded} {
		_, want := exported(t, crashtest.Built{Checkpoint: ckpt, Full: full, Emulator: e}, emulate.Options{})
		_, got := exported(t, crashtest.Built{Checkpoint: ckpt, Full: full, Emulator: e.Untrained(full)}, emulate.Options{})
		if want.Exchange = got.Exchange; len(got.Fits) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("the attempt is %+v, the emulator %+v", got, want)
		}
	}
}

// TestFewTokensAreDoubted: of linear maps, and of layers that were made smaller by what they
// are given; what looks at weights alone has no doubt.
func TestFewTokensAreDoubted(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	for _, c := range []struct {
		plan string
		rows int
		want []string
	}{
		{"0* ~ 3:asvd0.6 4:svd0.6 5:wanda0.5", 2, []string{"linear maps of 24 channels are fitted to ", "layers are made smaller by what they are given of only "}},
		{"0* 1:replaceme 3 5*", 2, []string{"linear maps of 24 channels are fitted to "}},
		{"0* 1:svd0.6 3:int4 ~patch 5*", 2, nil},
		{"0* ~ 3:asvd0.6 5*", 60, nil},
	} {
		e, _ := fitted(t, be, full, c.plan, texts(c.rows), emulate.FitOptions{})
		got := e.Doubts()
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", c.plan, got)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(got[i], want) || i == 1 && !strings.Contains(got[i], "(places 2, 4)") {
				t.Errorf("%s: %q, want %q", c.plan, got[i], want)
			}
		}
	}
}

// TestOptionsThatChangeNothingAreNamed: each beside plans that read it.
func TestOptionsThatChangeNothingAreNamed(t *testing.T) {
	for _, c := range []struct {
		plan string
		want [2]bool // the ridge, lambda are read
	}{
		{"0* ~patch 3:svd0.5 5*", [2]bool{}},
		{"0* ~ 5*", [2]bool{0: true}},
		{"0* 3:gradot0.5 5*", [2]bool{1: true}},
		{"0* 3:width0.5 4:gradot0.5 5*", [2]bool{true, true}},
	} {
		p := crashtest.Plan(t, c.plan)
		said := strings.Join(emulate.FitOptions{Ridge: 0.1, Lambda: 1}.Unread(p), "\n")
		for i, flag := range []string{"--ridge 0.1 changes nothing", "--lambda 1 changes nothing"} {
			if strings.Contains(said, flag) == c.want[i] {
				t.Errorf("%s: %q of %q", c.plan, said, flag)
			}
		}
		if said := (emulate.FitOptions{}).Unread(p); said != nil {
			t.Errorf("%s: without options %q", c.plan, said)
		}
	}
}
