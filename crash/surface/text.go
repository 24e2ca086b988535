package surface

import (
	"fmt"

	"lamina/internal/report"
)

// Text shows a line as a table, and what it comes to.
func (r *Interpolation) Text() string {
	t := report.Table{Columns: []report.Column{{Name: "x", Right: true}, {Name: "loss", Right: true}, {Name: "accuracy", Right: true}}}
	for k := range r.Controls {
		t.Columns = append(t.Columns, report.Column{Name: fmt.Sprintf("control %d", k+1), Right: true})
	}
	for i, p := range r.Points {
		row := []string{fmt.Sprintf("%.4g", float64(p.X)), number(p.Loss), number(p.Accuracy)}
		for _, l := range r.Controls {
			row = append(row, number(l.Points[i].Loss))
		}
		t.Rows = append(t.Rows, row)
	}
	text := t.Text()
	if d := r.Distance; d != nil {
		text += fmt.Sprintf("barrier %s nats a token above the chord, at x = %s; the ends are %.3g%% of ‖A‖ apart (%d of %d tensors differ)\n",
			number(r.Barrier.Height), number(r.Barrier.X), 100*float64(d.Whole.Relative), d.Whole.Differ, d.Whole.Tensors)
	}
	return text + placeText(r.About)
}

// Text shows the corners of a plane.
func (r *Landscape) Text() string {
	t := report.Table{Columns: []report.Column{{Name: "at"}, {Name: "checkpoint"}, {Name: "loss", Right: true}, {Name: "accuracy", Right: true}}}
	for i, name := range []string{r.Model, r.Names[0], r.Names[1], "the sum of both"} {
		p := r.Corners[i]
		t.Rows = append(t.Rows, []string{fmt.Sprintf("(%g, %g)", float64(p.At[0]), float64(p.At[1])), name, number(p.Loss), number(p.Accuracy)})
	}
	return t.Text() + placeText(r.About)
}

// number shows a value, or a dash.
func number(n Number) string {
	if !n.Finite() {
		return "–"
	}
	return fmt.Sprintf("%.6f", float64(n))
}

// placeText says how much of the decoder ran at each point.
func placeText(a About) string {
	return fmt.Sprintf("%d documents, %d tokens a point; %d weights move, from place %d of %d on\n", a.Documents, a.Tokens, a.Moving, a.Place, a.Places)
}
