package figures

import (
	"fmt"
	"slices"
	"strings"

	"lamina/crash/measure"
	"lamina/crash/study"
	"lamina/internal/report"
)

// pairTable shows what is most alike.
func pairTable(p study.PairSimilarity) report.Table {
	t := report.Table{Columns: []report.Column{{Name: "state", Right: true}, {Name: "same place", Right: true}, {Name: "most alike", Right: true}, {Name: p.Metric, Right: true}}}
	for i, j := range p.Nearest() {
		same := "–"
		if i < len(p.Matrix[i]) {
			same = fmt.Sprintf("%.6f", p.Matrix[i][i])
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(i), same, fmt.Sprint(j), fmt.Sprintf("%.6f", p.Matrix[i][j])})
	}
	return t
}

// blocksTable shows the block structure of models side by side.
func blocksTable(models []study.ModelSimilarity) report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "model"}, {Name: "parameters", Right: true}, {Name: "layers", Right: true},
		{Name: "blocks", Help: "runs of states: the cut with the largest index"},
		{Name: "index", Right: true, Help: "mean similarity of two states in one run, less that of two in different ones"},
		{Name: "of a band", Right: true, Help: "the index of a matrix that falls off with distance alone, as this one does on average"},
		{Name: "excess", Right: true, Help: "index less that of the band: about 0 where there are no blocks"},
		{Name: "p", Right: true, Help: "share of matrices with the values of each diagonal in another order that have an index as large"},
	}}
	for _, m := range models {
		row := []string{m.Name, fmt.Sprint(m.Parameters), fmt.Sprint(len(m.Matrix) - 1), "–", "–", "–", "–", "–"}
		if b := m.Blocks; b != nil {
			copy(row[3:], []string{b.Cut(), fmt.Sprintf("%.4f", b.Index), fmt.Sprintf("%.4f", b.Banded), fmt.Sprintf("%.4f", b.Excess), fmt.Sprintf("%.3f", b.P)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// namedMatrix shows a square matrix whose rows and columns have names.
func namedMatrix(caption string, names []string, matrix [][]float64) report.Table {
	t := report.Table{Caption: caption, Columns: []report.Column{{Name: "task"}}}
	for i, row := range matrix {
		t.Columns = append(t.Columns, report.Column{Name: names[i], Right: true})
		cells := []string{names[i]}
		for _, v := range row {
			cells = append(cells, fmt.Sprintf("%.4f", v))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// importanceTable shows what each block is worth.
func importanceTable(r measure.Importance) report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "block"}, {Name: "loss without", Right: true, Help: "in nats a target token"},
		{Name: "change", Right: true, Help: "loss without the block less that of the model as it is, with one standard error over texts"},
	}}
	if r.Rewound != nil {
		t.Columns = append(t.Columns, report.Column{Name: "loss rewound", Right: true, Help: "with the block's weights of the other checkpoint"}, report.Column{Name: "change rewound", Right: true})
	}
	add := func(name string, effects ...measure.Effect) {
		row := []string{name}
		for _, e := range effects {
			row = append(row, fmt.Sprintf("%.4f", e.Loss), fmt.Sprintf("%+.4f ± %.4f", e.Change, e.StdErr))
		}
		t.Rows = append(t.Rows, row)
	}
	for i, e := range r.Deleted {
		if r.Rewound != nil {
			add(fmt.Sprint(i), e, r.Rewound[i])
			continue
		}
		add(fmt.Sprint(i), e)
	}
	last := []string{"none", fmt.Sprintf("%.4f", r.Loss), "–"}
	if r.Pretrained != nil {
		last = append(last, fmt.Sprintf("%.4f", *r.Pretrained), "all rewound")
	}
	t.Rows = append(t.Rows, last)
	return t
}

// replacementTable shows, for each place, what its block's deletion leaves, and the other
// blocks that leave most and least.
func replacementTable(r measure.Replacement) report.Table {
	t := report.Table{Columns: []report.Column{{Name: "place", Right: true}, {Name: "deleted", Right: true}, {Name: "best other", Right: true}, {Name: r.Metric, Right: true}, {Name: "worst other", Right: true}, {Name: r.Metric, Right: true}}}
	for i, row := range r.Matrix {
		best, worst := -1, -1
		for j, v := range row {
			if j != i && (best < 0 || v > row[best]) {
				best = j
			}
			if j != i && (worst < 0 || v < row[worst]) {
				worst = j
			}
		}
		cells := []string{fmt.Sprint(i), fmt.Sprintf("%.4f", r.Deleted[i]), "–", "–", "–", "–"}
		if best >= 0 {
			copy(cells[2:], []string{fmt.Sprint(best), fmt.Sprintf("%.4f", row[best]), fmt.Sprint(worst), fmt.Sprintf("%.4f", row[worst])})
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// weightsTable shows each tensor over all blocks.
func weightsTable(w measure.Weights) report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "tensor"}, {Name: "shape"}, {Name: "distance of neighbours", Right: true, Help: "mean of |Wᵢ - Wᵢ₊₁| / √(|Wᵢ|² + |Wᵢ₊₁|²): 1 of matrices that have nothing in common"},
		{Name: "variance", Right: true, Help: "least and largest of a block"}, {Name: "effective rank", Right: true, Help: "least and largest of a block, of how many there can be"},
	}}
	for _, x := range w.Tensors {
		near := "–"
		if n := len(x.Norm) - 1; n > 0 {
			sum := 0.0
			for i := range n {
				sum += x.Relative(i, i+1)
			}
			near = fmt.Sprintf("%.4f", sum/float64(n))
		}
		rank := "–"
		if len(x.Rank) > 0 {
			rank = fmt.Sprintf("%.1f to %.1f of %d", slices.Min(x.Rank), slices.Max(x.Rank), slices.Min(x.Shape))
		}
		t.Rows = append(t.Rows, []string{x.Name, strings.Trim(fmt.Sprint(x.Shape), "[]"), near, fmt.Sprintf("%.3g to %.3g", slices.Min(x.Variance), slices.Max(x.Variance)), rank})
	}
	return t
}

// featuresTable shows what each component explains, and how far tasks are apart.
func featuresTable(m measure.FeatureMap) report.Table {
	t := report.Table{Columns: []report.Column{{Name: "component"}, {Name: "share of the variance", Right: true}}}
	for k, v := range m.Explained {
		t.Rows = append(t.Rows, []string{fmt.Sprint(k + 1), fmt.Sprintf("%.2f%%", 100*v)})
	}
	t.Rows = append(t.Rows, []string{"between the tasks' means", fmt.Sprintf("%.2f%%", 100*m.Apart)}, []string{"that by chance", fmt.Sprintf("%.2f%%", 100*m.Chance)})
	return t
}
