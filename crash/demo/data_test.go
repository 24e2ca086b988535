package demo

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/eval/task"
)

// written reads what WriteData wrote.
func written(t *testing.T) map[string][]task.Document {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := WriteData(dir); err != nil {
		t.Fatal(err)
	}
	docs := map[string][]task.Document{}
	for _, name := range []string{PublicFile, TrainFile, ValidFile, TestFile} {
		d, err := task.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		docs[name] = d
	}
	return docs
}

// play reads a story from its text alone: its key, what the boxes hold in the
// end, and the words that follow.
func play(t *testing.T, text string) (key string, holds map[string]string, rest []string) {
	t.Helper()
	w := strings.Fields(text)
	holds = map[string]string{}
	for w[0] != "." {
		holds[w[0]] = w[1]
		key += " " + w[0] + " " + w[1]
		w = w[2:]
	}
	w = w[1:]
	for len(w) > 3 && (w[0] == "swap" || w[0] == "trade") {
		a, b := w[1], w[2]
		holds[a], holds[b] = holds[b], holds[a]
		key += " / " + min(a, b) + " " + max(a, b)
		w = w[4:]
	}
	return key, holds, w
}

func TestFiles(t *testing.T) {
	docs := written(t)
	for name, n := range map[string]int{PublicFile: PublicSize, TrainFile: TrainSize, ValidFile: ValidSize, TestFile: TestSize} {
		if len(docs[name]) != n {
			t.Errorf("%s has %d documents, want %d", name, len(docs[name]), n)
		}
	}
	for _, d := range docs[PublicFile] {
		_, holds, rest := play(t, d.Text)
		if len(rest) != 4*asked {
			t.Fatalf("%q: %d words of questions", d.Text, len(rest))
		}
		for ; len(rest) > 0; rest = rest[4:] {
			if rest[1] != "?" || holds[rest[0]] != rest[2] {
				t.Fatalf("%q: %v is wrong: %v", d.Text, rest[:4], holds)
			}
		}
	}
	for _, name := range []string{TrainFile, ValidFile, TestFile} {
		gold := make([]int, slots)
		for _, d := range docs[name] {
			_, holds, rest := play(t, d.Query)
			if len(rest) != 2 || rest[1] != ":" && rest[1] != "?" {
				t.Fatalf("%q: asks %v", d.Query, rest)
			}
			if d.Options[d.Gold] != holds[rest[0]] {
				t.Fatalf("%q: gold %q, but the box holds %q", d.Query, d.Options[d.Gold], holds[rest[0]])
			}
			if distinct := slices.Compact(slices.Sorted(slices.Values(d.Options))); len(distinct) != slots {
				t.Fatalf("%q: choices %v", d.Query, d.Options)
			}
			gold[d.Gold]++
		}
		for i, n := range gold {
			p, total := 1/float64(slots), float64(len(docs[name]))
			if d := math.Abs(float64(n) - total*p); d > 6*math.Sqrt(total*p*(1-p)) {
				t.Errorf("%s: gold is choice %d in %d of %v rows", name, i, n, total)
			}
		}
	}
}

// The splits share no story; nor does the corpus hold one of the private task's,
// however far it is read.
func TestDisjoint(t *testing.T) {
	docs := written(t)
	side := map[string]string{}
	for _, name := range []string{TrainFile, ValidFile, TestFile} {
		for _, d := range docs[name] {
			key, _, _ := play(t, d.Query)
			if had, ok := side[key]; ok {
				t.Fatalf("story %q stands in %s and in %s", key, had, name)
			}
			side[key] = name
		}
	}
	if len(side) != TrainSize+ValidSize+TestSize {
		t.Fatalf("%d private stories", len(side))
	}
	r := defaultRecipe()
	for i := range (r.shortSteps + r.longSteps) * r.batch {
		words := publicText(uint64(i), min(maxSwaps, i/r.batch/r.harder)).words
		key, _, _ := play(t, strings.Join(words, " "))
		if name, ok := side[key]; ok {
			t.Fatalf("document %d of the corpus tells a story of %s: %q", i, name, key)
		}
		if w := slices.IndexFunc(words, func(w string) bool { return slices.Contains(private[:], w) }); w >= 0 {
			t.Fatalf("document %d of the corpus has the private word %q", i, words[w])
		}
	}
}

// A table from the last words before the answer to the answer, filled from the
// training rows, chooses no better than chance in the scored rows: the task is
// none for counting word sequences. Seven words are the question and the last
// swap; with more, a row of one swap shows a thing, which rules out a choice.
func TestNoWordTableAnswers(t *testing.T) {
	docs := written(t)
	for order := 1; order <= 7; order++ {
		tail := func(query string) string {
			w := strings.Fields(query)
			return strings.Join(w[len(w)-order:], " ")
		}
		table := map[string]map[string]int{}
		for _, d := range docs[TrainFile] {
			key := tail(d.Query)
			if table[key] == nil {
				table[key] = map[string]int{}
			}
			table[key][d.Options[d.Gold]]++
		}
		right := 0
		for _, d := range docs[TestFile] {
			best, seen := 0, table[tail(d.Query)]
			for i, o := range d.Options {
				if seen[o] > seen[d.Options[best]] {
					best = i
				}
			}
			if best == d.Gold {
				right++
			}
		}
		chance := 1 / float64(slots)
		limit := chance + 3*math.Sqrt(chance*(1-chance)/TestSize)
		if acc := float64(right) / TestSize; acc > limit {
			t.Errorf("the last %d words give the answer in %.3f of the rows, more than chance and three standard errors (%.3f)", order, acc, limit)
		}
	}
}

func ExampleWriteData() {
	q := privateQuestions(1)[0]
	fmt.Println(q.Query)
	fmt.Println(q.Choices, q.Gold)
	fmt.Println(strings.Join(publicText(0, maxSwaps).words, " "))
	// Output:
	// red ball green key blue hat gold coin . trade green red . red :
	// [coin hat key ball] 2
	// red cup green coin blue bell gold ball . swap green blue . green ? bell . blue ? coin .
}
