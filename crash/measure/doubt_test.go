package measure

import (
	"strings"
	"testing"
)

// Few samples and equal ones are called so, however many rows repeat them.
func TestDoubt(t *testing.T) {
	rows := func(n, different int) [][]int32 {
		var out [][]int32
		for i := range n {
			out = append(out, []int32{1, int32(i % different)})
		}
		return out
	}
	for _, c := range []struct {
		n, different int
		want         string
	}{
		{2, 2, "similarity of 2 samples: CKA of so few is near 1 by chance: take 64 or more"},
		{2, 1, "similarity of 2 samples that are all the same says nothing"},
		{500, 1, "similarity of 500 samples that are all the same says nothing"},
		{500, 3, "similarity of 500 samples, 3 of them different: CKA of so few"},
		{63, 63, "similarity of 63 samples: "},
		{64, 64, ""},
		{1000, 64, ""},
	} {
		got := Doubt(rows(c.n, c.different))
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%d rows, %d different: %q, want %q", c.n, c.different, got, c.want)
		}
	}
	if got := (Similarity{Samples: 2}).Doubt(); !strings.HasPrefix(got, "similarity of 2 samples: ") {
		t.Errorf("%q", got)
	}
	if got := (Comparing{Metric: MetricDebiased}).Doubt(rows(5, 5)); !strings.HasPrefix(got, "similarity of 5 samples: an estimate of so few is mostly noise: take 64") {
		t.Errorf("%q", got)
	}
	if got := (Comparing{}).Doubt(rows(5, 5)); got != Doubt(rows(5, 5)) {
		t.Errorf("%q", got)
	}
	if got := (Similarity{}).Doubt(); got != "" {
		t.Errorf("%q", got)
	}
}
