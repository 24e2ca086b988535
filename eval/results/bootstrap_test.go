package results

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"lamina/internal/philox"
)

// The bootstrap of small sets against all of their n^n samples
// (testdata/gen_compare.py): shares, mean and deviation within five standard errors
// of 100,000 draws, the interval where the exact one is.
func TestDifferencesEqualEnumeration(t *testing.T) {
	var golden struct {
		Exact []struct {
			How                                      string
			A, B                                     []json.RawMessage
			Below, Above, Mean, Deviation, Low, High float64
		}
	}
	text, err := os.ReadFile("testdata/compare.json")
	if err == nil {
		err = json.Unmarshal(text, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	for i, c := range golden.Exact {
		p := pairs{how: c.How}
		for j := range c.A {
			a, okA := readValue(c.A[j])
			b, okB := readValue(c.B[j])
			if !okA || !okB {
				t.Fatalf("case %d: %s %s", i, c.A[j], c.B[j])
			}
			p.a, p.b = append(p.a, a), append(p.b, b)
		}
		drawn, err := differences(context.Background(), []pairs{p, p}, n, 7)
		if err != nil {
			t.Fatal(err)
		}
		var mean, squares, below, above float64
		for j, d := range drawn[0] {
			if d != drawn[1][j] {
				t.Fatal("metrics have other draws")
			}
			mean += d / n
			squares += d * d / n
			if d <= 1e-12 { // what rounds to zero is zero in one order of sums or the other
				below += 1.0 / n
			}
			if d >= -1e-12 {
				above += 1.0 / n
			}
		}
		deviation := math.Sqrt(max(0, squares-mean*mean))
		near := func(name string, got, want, tolerance float64) {
			if !(math.Abs(got-want) <= tolerance) {
				t.Errorf("case %d: %s %v, want %v", i, name, got, want)
			}
		}
		share := func(p float64) float64 { return 5*math.Sqrt(p*(1-p)/n) + 1e-9 }
		near("share below", below, c.Below, share(c.Below))
		near("share above", above, c.Above, share(c.Above))
		near("mean", mean, c.Mean, 5*c.Deviation/math.Sqrt(n)+1e-12)
		near("deviation", deviation, c.Deviation, 0.02*c.Deviation+1e-7)
		low, high, pValue := Interval(drawn[0])
		if len(c.A) > 3 { // 27 samples have no 97.5 % of their own: it lies between two of them
			near("low", low, c.Low, 0.05*c.Deviation+1e-12)
			near("high", high, c.High, 0.05*c.Deviation+1e-12)
		}
		near("p", pValue, min(1, 2*min(c.Below, c.Above)), 2*share(min(c.Below, c.Above))+3.0/n)
	}
}

// Of 400 pairs of runs whose accuracies truly differ by a tenth, the interval holds
// that tenth for about 95 in a hundred; the bootstrap of 80 documents is a little
// narrow.
func TestIntervalCovers(t *testing.T) {
	const runs, documents = 400, 80
	covered := 0
	for r := range runs {
		s := philox.New(11, uint64(r)).Sequence()
		p := pairs{how: "mean"}
		for range documents {
			// Scores of the same document go together.
			hard := s.Float64()
			a, b := 0.0, 0.0
			if 0.7*hard+0.3*s.Float64() < 0.5 {
				a = 1
			}
			b = a
			if s.Float64() < 0.3 { // a third is drawn anew, a tenth better in the mean
				b = 0
				if s.Float64() < 0.5+0.1/0.3 {
					b = 1
				}
			}
			p.a, p.b = append(p.a, value{a, 1}), append(p.b, value{b, 1})
		}
		drawn, err := differences(context.Background(), []pairs{p}, 1000, uint64(r))
		if err != nil {
			t.Fatal(err)
		}
		if low, high, _ := Interval(drawn[0]); low <= 0.1 && 0.1 <= high {
			covered++
		}
	}
	share := float64(covered) / runs
	if share < 0.91 || share > 0.98 {
		t.Errorf("the interval holds the truth in %v of runs", share)
	}
}

// Pages without bytes weigh nothing; a sample of nothing else has no difference.
func TestIntervalOfEmptyPages(t *testing.T) {
	p := pairs{how: "bits_per_byte", a: []value{{0, 0}, {-8, 4}}, b: []value{{0, 0}, {-6, 4}}}
	drawn, err := differences(context.Background(), []pairs{p}, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	low, high, _ := Interval(drawn[0])
	if want := -0.5 / math.Ln2; math.Abs(low-want) > 1e-12 || math.Abs(high-want) > 1e-12 {
		t.Errorf("%v to %v, want %v", low, high, want)
	}
	if low, _, p := Interval([]float64{math.NaN()}); !math.IsNaN(low) || !math.IsNaN(p) {
		t.Error("nothing has an interval")
	}
}

// Whatever a file holds, reading ends in scores or an error.
func FuzzRead(f *testing.F) {
	for _, path := range []string{"testdata/runs/a/results_2026-01-02T03-04-05.678901.json", "testdata/runs/b/samples_pages_2026-01-02T03-04-05.678901.jsonl"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = quoteSpecials(text)
		r := Run{about: map[string]string{}, perTask: map[string]map[string]json.RawMessage{}}
		if r.read(text) == nil && len(r.Scores) == 0 {
			t.Error("neither scores nor an error")
		}
		if _, l, err := readLine(text, map[string]bool{"acc": true}); err == nil && l.id == "" && l.doc == "" {
			t.Error("a line of no document")
		}
	})
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct{ q, want float64 }{{0, 1}, {1, 4}, {0.5, 2.5}, {0.25, 1.75}} {
		if got := Quantile([]float64{1, 2, 3, 4}, c.q); got != c.want {
			t.Errorf("%v: %v, want %v", c.q, got, c.want)
		}
	}
}

func TestQuoteSpecials(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": NaN, "b": -Infinity, "NaN": [Infinity, -1]}`: `{"a": "NaN", "b": "-Infinity", "NaN": ["Infinity", -1]}`,
		`{"a": "\"NaN", "b": NaN}`:                          `{"a": "\"NaN", "b": "NaN"}`,
		`{"a": 1}`:                                          `{"a": 1}`,
	} {
		if got := string(quoteSpecials([]byte(text))); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
