package figures

import (
	"slices"

	"lamina/crash/sweep"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// moments draws the plug-in's loss along the training, a line for each row, on the first task
// that has some.
func (s *Shown) moments(m sweep.ModelTable, several bool) {
	if len(m.Moments) == 0 {
		return
	}
	task := m.Moments[0].Task
	p := plot.Lines{Title: m.Name + ": the plug-in on the way of its training", XLabel: "epochs", YLabel: "loss of the plug-in, nats a token"}
	for _, l := range m.Moments {
		if l.Task != task || l.PlugIn.Value == nil {
			continue
		}
		at := slices.IndexFunc(p.Series, func(o plot.Series) bool { return o.Name == l.Row })
		if at < 0 {
			at, p.Series = len(p.Series), append(p.Series, plot.Series{Name: l.Row})
		}
		p.Series[at].Points = append(p.Series[at].Points, plot.Point{X: l.Epochs, Y: *l.PlugIn.Value})
	}
	s.add(pictureName("trajectory", m.Name, several), p.Draw(), report.Figure{
		Caption: "Loss of the full model on validation rows of the task " + task + ", with the trained blocks as they were after so many epochs of their training in the emulator. A line that falls and rises again went too far: less training would serve better.",
		Alt:     "Lines: loss of each row's plug-in against the epochs of its training",
	})
}
