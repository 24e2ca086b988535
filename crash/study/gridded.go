package study

import (
	"fmt"
	"path/filepath"
	"strings"

	"lamina/crash/train"
	"lamina/internal/report"
)

// Cell is what one of a grid came to.
type Cell struct {
	LR   float64 `json:"lr"` // of the whole, not of its last step
	Seed uint64  `json:"seed"`
	Finetuned
}

// String shows it in a line.
func (c Cell) String() string {
	text := fmt.Sprintf("lr %g, seed %d: %d steps, last loss %.4f", c.LR, c.Seed, c.Outcome.Steps, c.Outcome.Loss)
	if c.validated {
		text += fmt.Sprintf(", validation loss %.4f at step %d%s", c.Outcome.BestLoss, c.Outcome.BestStep, c.metricText())
	}
	return text
}

// Rate is what the seeds of a learning rate came to together.
type Rate struct {
	LR     float64 `json:"lr"`
	Seeds  int     `json:"seeds"`
	Loss   Mean    `json:"loss"`                 // of the last step
	Valid  *Mean   `json:"valid_loss,omitempty"` // of the kept weights
	Metric *Mean   `json:"valid_metric,omitempty"`
}

// Mean is one of several, with their standard deviation (of n-1); null for one.
type Mean struct {
	Mean float64  `json:"mean"`
	SD   *float64 `json:"sd"`
}

func meanOf(values []float64) (m Mean) {
	for _, v := range values {
		m.Mean += v / float64(len(values))
	}
	if len(values) > 1 {
		sd := deviation(values)
		m.SD = &sd
	}
	return m
}

func (m *Mean) String() string {
	switch {
	case m == nil:
		return ""
	case m.SD == nil:
		return fmt.Sprintf("%.4f", m.Mean)
	}
	return fmt.Sprintf("%.4f ± %.4f", m.Mean, *m.SD)
}

// Failed is a cell whose training diverged.
type Failed struct {
	LR   float64 `json:"lr"`
	Seed uint64  `json:"seed"`
	train.Diverged
}

// String shows it in a line.
func (c Failed) String() string {
	return fmt.Sprintf("lr %g, seed %d failed: %s", c.LR, c.Seed, c.Text)
}

// Gridded is what a grid came to.
type Gridded struct {
	Cells  []Cell   `json:"cells"`
	Failed []Failed `json:"failed,omitempty"` // of which rates and the best know nothing
	Rates  []Rate   `json:"rates"`
	Best   string   `json:"best,omitempty"` // the cell that the validation chooses; none without one
	Metric string   `json:"metric,omitempty"`
	Out    string   `json:"out"`

	best      Cell
	validated bool
}

// sum fills in what the cells of each rate came to, and the best of all.
func (r *Gridded) sum(better func(a, b Cell) int) {
	for from := 0; from < len(r.Cells); {
		to := from
		var loss, valid, metric []float64
		for ; to < len(r.Cells) && r.Cells[to].LR == r.Cells[from].LR; to++ {
			o := r.Cells[to].Outcome
			loss, valid = append(loss, o.Loss), append(valid, o.BestLoss)
			if o.BestMetric != nil {
				metric = append(metric, *o.BestMetric)
			}
		}
		rate := Rate{LR: r.Cells[from].LR, Seeds: to - from, Loss: meanOf(loss)}
		if r.validated {
			m := meanOf(valid)
			rate.Valid = &m
		}
		if len(metric) > 0 {
			m := meanOf(metric)
			rate.Metric = &m
		}
		r.Rates = append(r.Rates, rate)
		from = to
	}
	if r.validated {
		r.best = bestOf(r.Cells, better)
		r.Best = cellName(r.best.LR, r.best.Seed)
	}
}

// Warnings name the cells that failed.
func (r Gridded) Warnings() (all []string) {
	for _, c := range r.Failed {
		all = append(all, fmt.Sprintf("%s: it is left out of the table, and has nothing to send", c))
	}
	return all
}

// Text shows it to people.
func (r Gridded) Text() string {
	var b strings.Builder
	b.WriteString(r.table().Text())
	if !r.validated {
		fmt.Fprintf(&b, "nothing is held out (--valid), so that no cell is chosen; what each has to send is in %s\n", filepath.Join(r.Out, cellName(r.Cells[0].LR, r.Cells[0].Seed), "adapter")+", …")
		return b.String()
	}
	fmt.Fprintf(&b, "best on the validation rows, of %d, so that other rows will find it worse: %s\n", len(r.Cells), r.best)
	fmt.Fprintf(&b, "send this directory: %s; nothing in it but the trained weights, their names and plan; keep the rest of %s\n", r.best.Sent, r.Out)
	return b.String()
}

// table has a row for each rate.
func (r Gridded) table() report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "lr", Right: true}, {Name: "seeds", Right: true}, {Name: "last loss", Right: true}, {Name: "validation loss", Right: true}, {Name: r.Metric, Right: true},
	}}
	if r.Metric == "" {
		t.Columns = t.Columns[:4]
	}
	if !r.validated {
		t.Columns = t.Columns[:3]
	}
	for _, rate := range r.Rates {
		row := []string{fmt.Sprintf("%g", rate.LR), fmt.Sprint(rate.Seeds), rate.Loss.String(), rate.Valid.String(), rate.Metric.String()}
		t.Rows = append(t.Rows, row[:len(t.Columns)])
	}
	return t
}
