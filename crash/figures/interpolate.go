package figures

import (
	"fmt"

	"lamina/crash/surface"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// interpolate shows the loss on the line between two checkpoints.
func interpolate(path string, data []byte) (s Shown, err error) {
	var r surface.Interpolation
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if err := r.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.section = report.Section{Title: "The way from one model to the other", Text: lineWords(r), Facts: surfaceFacts(r.About)}
	if r.Random {
		s.section.Title = "The loss around a model"
	} else {
		s.section.Facts = append(s.section.Facts, report.Fact{Name: "Barrier", Value: value(r.Barrier.Height) + " nats a token, at x = " + value(r.Barrier.X)})
	}
	if !r.Complete {
		s.section.Notes = append(s.section.Notes, "The measurement was not done: what is shown is the coarse line that it had.")
	}
	loss := lossLines(r)
	s.add("interpolate", loss.Draw(), report.Figure{
		Caption: "Answer loss along x: 0 is " + r.Model + ", 1 is " + r.To + ".",
		Alt:     "Lines: the loss between two models, the chord of its ends and the controls",
		Values:  []report.Table{lineTable(r)},
	})
	if accuracy := accuracyLines(r); len(accuracy.Series) > 0 {
		s.add("accuracy", accuracy.Draw(), report.Figure{
			Caption: "Share of the questions answered right along the same way.",
			Alt:     "Lines: the accuracy between two models",
			Values:  []report.Table{lineTable(r)},
		})
	}
	if d := r.Distance; d != nil {
		s.section.Tables = append(s.section.Tables, distanceTable("How far "+r.To+" is from "+r.Model, *d))
	}
	return s, nil
}

// lineWords says what a line is, for somebody who has not read the paper.
func lineWords(r surface.Interpolation) []string {
	if r.Random {
		return []string{"A model is a long list of numbers. The picture changes all its matrices at once, step by step, in one direction that was drawn at random, " +
			"and asks at each step how wrong the model is about questions that it was not trained on. A wide valley says that small changes do little harm, a narrow one that the model stands on an edge. " +
			"Each filter of the direction was given the size of the model's own, so that pictures of two models can be held against each other."}
	}
	text := []string{"Two trainings of one model end at two lists of numbers. The picture walks in a straight line from one list to the other and asks at each step " +
		"how wrong the model is about questions that neither was trained on. Where the line stays below the dashed chord between its ends, the two lie in one valley; " +
		"a hill between them, the barrier, says that the two trainings found different solutions."}
	if d := r.Distance; d != nil {
		text = append(text, fmt.Sprintf("Read it with care: the ends are %s of the model's own length apart, and over a short way nearly any two ends look connected. "+
			"The control walks as far, tensor by tensor, in a random direction: what the way between the models shows beyond the control is what training did, and a barrier of 0 over a short way says little by itself.", share(d.Whole.Relative)))
	}
	return text
}

// lossLines is the picture of the losses.
func lossLines(r surface.Interpolation) plot.Lines {
	l := plot.Lines{Title: "Loss between two models", XLabel: "x", YLabel: "answer loss, nats a token"}
	if r.Random {
		l.Title = "Loss along a random direction"
	}
	of := func(line surface.Line) (points []plot.Point) {
		for _, p := range line.Points {
			points = append(points, plot.Point{X: float64(p.X), Y: float64(p.Loss)})
		}
		return points
	}
	l.Series = []plot.Series{{Name: r.Model + " to " + r.To, Points: of(r.Line)}}
	if r.Random {
		l.Series[0].Name = "random, filter-normalised"
		l.Marks = []plot.Mark{{Name: r.Model, Value: 0}}
		return l
	}
	a, b := r.Ends[0], r.Ends[1]
	l.Series = append(l.Series, plot.Series{Name: "chord", Dash: true, Points: []plot.Point{{X: 0, Y: float64(a.Loss)}, {X: 1, Y: float64(b.Loss)}}})
	for k, c := range r.Controls {
		l.Series = append(l.Series, plot.Series{Name: fmt.Sprintf("control %d (random)", k+1), Points: of(c)})
	}
	l.Marks = []plot.Mark{{Name: r.Model, Value: 0}, {Name: r.To, Value: 1}}
	if h, x := float64(r.Barrier.Height), float64(r.Barrier.X); h > 0 {
		chord := (1-x)*float64(a.Loss) + x*float64(b.Loss)
		l.Rise = &plot.Rise{X: x, From: chord, To: chord + h, Label: fmt.Sprintf("barrier %.3g", h)}
	}
	return l
}

// accuracyLines is that of the accuracies, without series where there are none.
func accuracyLines(r surface.Interpolation) plot.Lines {
	l := plot.Lines{Title: "Accuracy between two models", XLabel: "x", YLabel: "share answered right"}
	if r.Random {
		l.Title = "Accuracy along a random direction"
	}
	for k, line := range append([]surface.Line{r.Line}, r.Controls...) {
		s := plot.Series{Name: r.Model + " to " + r.To}
		switch {
		case k > 0:
			s.Name = fmt.Sprintf("control %d (random)", k)
		case r.Random:
			s.Name = "random, filter-normalised"
		}
		some := false
		for _, p := range line.Points {
			some = some || p.Accuracy.Finite()
			s.Points = append(s.Points, plot.Point{X: float64(p.X), Y: float64(p.Accuracy)})
		}
		if some {
			l.Series = append(l.Series, s)
		}
	}
	return l
}

// lineTable has all points of a line and its controls.
func lineTable(r surface.Interpolation) report.Table {
	t := report.Table{Caption: "Loss and accuracy at each point", Columns: []report.Column{{Name: "x", Right: true}, {Name: "loss", Right: true}, {Name: "accuracy", Right: true}}}
	for k := range r.Controls {
		t.Columns = append(t.Columns, report.Column{Name: fmt.Sprintf("loss of control %d", k+1), Right: true})
	}
	for i, p := range r.Points {
		row := []string{fmt.Sprintf("%.4g", float64(p.X)), value(p.Loss), value(p.Accuracy)}
		for _, c := range r.Controls {
			cell := "–"
			if i < len(c.Points) && c.Points[i].X == p.X {
				cell = value(c.Points[i].Loss)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// distanceTable has the groups of tensors that differ.
func distanceTable(caption string, d surface.Compared) report.Table {
	t := report.Table{Caption: caption, Columns: []report.Column{{Name: "tensors"}, {Name: "that differ", Right: true}, {Name: "weights", Right: true},
		{Name: "‖A‖", Right: true}, {Name: "‖B-A‖", Right: true}, {Name: "‖B-A‖/‖A‖", Right: true, Help: "Length of the change beside that of what was changed, over all weights of the row. Groups in which nothing differs are left out."}}}
	for _, list := range [][]surface.Distance{{d.Whole}, d.Blocks, d.Kinds} {
		for _, g := range list {
			if g.Differ > 0 {
				t.Rows = append(t.Rows, []string{g.Group, fmt.Sprintf("%d of %d", g.Differ, g.Tensors), fmt.Sprint(g.Weights), value(g.Norm), value(g.Apart), share(g.Relative)})
			}
		}
	}
	return t
}

// surfaceFacts are what a line or plane was measured on.
func surfaceFacts(a surface.About) []report.Fact {
	facts := []report.Fact{
		{Name: "Documents", Value: fmt.Sprintf("%d of %s", a.Documents, a.Data.Name)},
		{Name: "Loss is the mean of", Value: fmt.Sprintf("%d answer tokens", a.Answers)},
		{Name: "Weights that move", Value: fmt.Sprintf("%d, from place %d of %d on", a.Moving, a.Place, a.Places)},
		{Name: "Seed of random directions", Value: fmt.Sprint(a.Seed)},
	}
	if a.Task != "" {
		facts = append(facts, report.Fact{Name: "Task", Value: a.Task})
	}
	for i, digest := range a.Digests {
		facts = append(facts, report.Fact{Name: fmt.Sprintf("Weights of checkpoint %d", i+1), Value: digest})
	}
	return facts
}

// value shows a number, or a dash where there is none.
func value(n surface.Number) string {
	if !n.Finite() {
		return "–"
	}
	return fmt.Sprintf("%.4f", float64(n))
}

// share shows a number in per cent.
func share(n surface.Number) string {
	if !n.Finite() {
		return "–"
	}
	return fmt.Sprintf("%.3g%%", 100*float64(n))
}
