package study

import (
	"math"
	"math/bits"
	"strings"
	"testing"

	"lamina/crash/plan"
)

// TestSignFlip equals the count of all signs, and McNemar's test where it is that.
func TestSignFlip(t *testing.T) {
	for _, d := range [][]int{{1}, {1, -1}, {1, 1, 1}, {1, 1, 1, -1, 0, 0}, {3, -1, 2, 2, 0, 1}, {-2, -2, -2, -1}, {5, 4, 3, 2, 1, -1, -2}} {
		var sizes []int
		sum := 0
		for _, v := range d {
			if sum += v; v != 0 {
				sizes = append(sizes, max(v, -v))
			}
		}
		extreme := 0
		for signs := range 1 << len(sizes) {
			s := 0
			for i, v := range sizes {
				s += v * (2*(signs>>i&1) - 1)
			}
			if max(s, -s) >= max(sum, -sum) {
				extreme++
			}
		}
		if got, want := signFlip(d), float64(extreme)/float64(int(1)<<len(sizes)); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v: %v, want %v", d, got, want)
		}
	}
	// 9 against 1 of ten that differ: 2·(1+10)/2^10, whatever is equal.
	d := append([]int{-1}, make([]int, 90)...)
	for range 9 {
		d = append(d, 1)
	}
	if got := signFlip(d); math.Abs(got-22.0/1024) > 1e-12 {
		t.Errorf("McNemar: %v", got)
	}
	if got := signFlip(nil); got != 1 {
		t.Errorf("nothing differs: p = %v", got)
	}
	// So many that the normal distribution stands in: still that of the exact one nearby.
	many := make([]int, 8000)
	for i := range many {
		many[i] = 1 - 2*(bits.OnesCount(uint(i))&1)
		if i%50 == 0 {
			many[i] = 1
		}
	}
	exact := signFlip(many[:7000])
	if stand := signFlip(many); !(exact > 0 && exact < 1 && stand > 0 && stand < 1) {
		t.Errorf("p = %v and %v", exact, stand)
	}
}

func TestHolm(t *testing.T) {
	p := []float64{0.04, 0.01, 0.03, 0.9}
	got := holm(p)
	for i, want := range []float64{0.09, 0.04, 0.09, 0.9} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("p %v: %v, want %v", p[i], got[i], want)
		}
	}
}

// scored is a row that has documents right as marks say.
func scored(name string, seed uint64, right string) Row {
	n := float64(len(right))
	acc := float64(strings.Count(right, "1")) / n
	return Row{Name: name, Seed: seed, PlugIn: &acc, Stderr: math.Sqrt(acc * (1 - acc) / (n - 1)), N: len(right), Right: right}
}

// experimentOf is one whose rows are given.
func experimentOf(t *testing.T, names string, rows ...Row) *Experiment {
	t.Helper()
	x := &Experiment{Table: Table{Rows: rows}}
	var err error
	if x.Protocol.Rows, err = Select(Recipes, strings.Split(names, ","), plan.Parse); err != nil {
		t.Fatal(err)
	}
	x.Table.Comparisons = x.compared()
	return x
}

// TestCompared takes the rows of a recipe together, pairs their documents, and does
// without pairs where an older result has none.
func TestCompared(t *testing.T) {
	x := experimentOf(t, "zs,crash,uniform",
		scored("zs", 1, "0000001111"), scored("uniform", 1, "0011111100"), scored("uniform", 2, "0011111110"),
		scored("crash", 1, "1111111100"), scored("crash", 2, "1111111110"))
	if len(x.Table.Comparisons) != 2 {
		t.Fatalf("%+v", x.Table.Comparisons)
	}
	c := x.Table.Comparisons[1]
	if c.Row != "crash" || c.Against != "uniform" || !c.Paired || math.Abs(c.Difference-0.2) > 1e-12 || math.Abs(c.Stderr-math.Sqrt(1.6/9/10)) > 1e-12 {
		t.Errorf("%+v", c)
	}
	if c.SeedStderr == nil || *c.SeedStderr > 1e-12 { // 0.2 with either seed
		t.Errorf("over seeds %v", c.SeedStderr)
	}
	if math.Abs(c.P-0.5) > 1e-12 { // two documents differ, by the same
		t.Errorf("p = %v", c.P)
	}
	if zs := x.Table.Comparisons[0]; zs.SeedStderr == nil || math.Abs(*zs.SeedStderr-0.05) > 1e-12 || math.Abs(zs.Difference-0.45) > 1e-12 {
		t.Errorf("%+v", zs)
	}
	old := scored("uniform", 1, "0011111100")
	old.Right = ""
	x = experimentOf(t, "crash,uniform", scored("crash", 1, "1111111100"), old)
	c = x.Table.Comparisons[0]
	if want := math.Hypot(old.Stderr, x.Table.Rows[0].Stderr); c.Paired || c.Stderr != want || math.Abs(c.P-math.Erfc(0.2/want/math.Sqrt2)) > 1e-12 || c.SeedStderr != nil {
		t.Errorf("%+v", c)
	}
}

// TestBest is an emulator where there is one, a trained model where not.
func TestBest(t *testing.T) {
	high, low := "11111111", "11110000"
	for _, c := range []struct {
		names string
		rows  []Row
		want  string
	}{
		{"zs,full,crash", []Row{scored("zs", 1, high), scored("full", 1, high), scored("crash", 1, low)}, "crash"},
		{"zs,full", []Row{scored("zs", 1, high), scored("full", 1, low)}, "full"},
		{"zs", []Row{scored("zs", 1, high)}, ""},
		{"uniform,random", []Row{scored("uniform", 1, "11110000"), scored("random-1", 1, high), scored("random-2", 1, "00000000"), scored("random-3", 1, "11100000")}, "uniform"},
	} {
		all := experimentOf(t, c.names, c.rows...).contenders()
		got := ""
		if at := best(all); at >= 0 {
			got = all[at].Name
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.names, got, c.want)
		}
	}
}
