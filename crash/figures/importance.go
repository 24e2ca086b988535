package figures

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// importance shows what a model loses without each block.
func importance(path string, data []byte) (s Shown, err error) {
	var r struct {
		measure.Importance
		Precision string `json:"precision"`
	}
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if len(r.Deleted) == 0 || r.Rewound != nil && len(r.Rewound) != len(r.Deleted) || (r.Rewound == nil) != (r.Pretrained == nil) {
		return s, fmt.Errorf("%s: %d blocks deleted and %d rewound: want an effect for each block", path, len(r.Deleted), len(r.Rewound))
	}
	s.section = report.Section{
		Title: "What each block is worth",
		Text: []string{"The loss says how surprised the model is by the right answers: the higher, the worse. Here it is measured again with one block of layers left out, for each block in turn. " +
			"A block whose absence costs little is one that an emulator can do without."},
		Facts: append([]report.Fact{{Name: "Loss of the model as it is", Value: fmt.Sprintf("%.4f nats a token", r.Loss)}, {Name: "Texts", Value: fmt.Sprint(r.Texts)}, {Name: "Target tokens", Value: fmt.Sprint(r.Targets)}}, madeOn(r.Precision, r.Model)...),
	}
	scores := plot.Scores{Title: "Loss without each block", XLabel: "loss in nats a target token", Series: []string{"deleted"}, Marks: []plot.Mark{{Name: "as it is", Value: r.Loss}}}
	if r.Rewound != nil {
		s.section.Text = append(s.section.Text, "Beside it stands the loss with the block's weights put back to what they were before training: a block that hardly changes it has learned little that counts.")
		scores.Series = append(scores.Series, "rewound")
		scores.Marks = append(scores.Marks, plot.Mark{Name: "all rewound", Value: *r.Pretrained})
		s.section.Facts = append(s.section.Facts, report.Fact{Name: "Loss with all blocks rewound", Value: fmt.Sprintf("%.4f nats a token", *r.Pretrained)})
	}
	for i, e := range r.Deleted {
		row := plot.Row{Name: fmt.Sprintf("block %d", i), Values: []plot.Estimate{{Value: e.Loss, StdErr: e.StdErr}}}
		if r.Rewound != nil {
			row.Values = append(row.Values, plot.Estimate{Value: r.Rewound[i].Loss, StdErr: r.Rewound[i].StdErr})
		}
		scores.Rows = append(scores.Rows, row)
	}
	worth := importanceTable(r.Importance)
	s.told = &worth
	s.add("importance", scores.Draw(), report.Figure{
		Caption: "Whiskers are one standard error, over texts, of the difference from the model as it is.",
		Alt:     "Points: loss without each block", Values: []report.Table{worth},
	})
	return s, nil
}
