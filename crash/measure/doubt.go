package measure

import (
	"fmt"
	"strings"
)

// Enough is how many different samples a matrix should be measured on at the least. The
// paper takes 512.
const Enough = 64

// Doubt says why a matrix measured on rows of tokens says little of the layers, "" where
// nothing speaks against it. Linear CKA of few samples is near 1 by chance, for in a
// space of D dimensions n < D vectors are as good as orthogonal, whatever the layer; of
// equal samples nothing varies, and it is 0.
func Doubt(rows [][]int32) string {
	different := map[string]bool{}
	for _, r := range rows {
		different[fmt.Sprint(r)] = true
	}
	return doubtOf(len(rows), len(different))
}

// Doubt is [Doubt] of the metric: of few samples the unbiased one is not near 1, but noise.
func (c Comparing) Doubt(rows [][]int32) string {
	doubt := Doubt(rows)
	if c.settled().Metric.Unbiased {
		return strings.Replace(doubt, biased, "an estimate of so few is mostly noise", 1)
	}
	return doubt
}

// biased is why few samples say little.
const biased = "CKA of so few is near 1 by chance"

// Doubt says the same of a matrix that was read from a file.
func (s Similarity) Doubt() string {
	if s.Samples <= 0 || strings.HasPrefix(s.Metric, "lens-") { // the file does not say, or it is of a lens, which averages
		return ""
	}
	return doubtOf(s.Samples, s.Samples)
}

func doubtOf(n, different int) string {
	const remedy = "take 64 or more different ones (the paper takes 512)"
	switch {
	case different >= Enough:
		return ""
	case different == 1:
		return fmt.Sprintf("similarity of %d samples that are all the same says nothing: nothing varies between them: %s", n, remedy)
	case different < n:
		return fmt.Sprintf("similarity of %d samples, %d of them different: %s: %s", n, different, biased, remedy)
	}
	return fmt.Sprintf("similarity of %d samples: %s: %s", n, biased, remedy)
}
