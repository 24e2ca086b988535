package figures

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/crash/lens"
	"lamina/crash/study"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// lensResult shows what lamina lens wrote: a text layer by layer, distances between layers, or
// how well a lens was learned.
func lensResult(path string, data []byte) (Shown, error) {
	var has struct {
		Readings json.RawMessage `json:"readings"`
		Matrix   json.RawMessage `json:"matrix"`
		Tuned    json.RawMessage `json:"kl_tuned"`
	}
	if err := files.DecodeJSON(path, data, &has); err != nil {
		return Shown{}, err
	}
	switch {
	case has.Readings != nil:
		return lensShown(path, data)
	case has.Matrix != nil:
		return lensDistances(path, data)
	case has.Tuned != nil:
		return lensTrained(path, data)
	}
	return Shown{}, fmt.Errorf("%s: a result of lens without \"readings\", \"matrix\" or \"kl_tuned\": nothing to show", path)
}

// What the pictures of a text are coloured by, in words.
var lensColours = map[string]string{
	"probability": "probability of the word", "entropy": "entropy (nats)", "distance": "KL from the model's last word (nats)",
}

// mostLensColumns and mostReadings bound a picture that people read.
const (
	mostLensColumns = 64
	mostReadings    = 16
)

// lensShown shows a text, figure 3 of the paper.
func lensShown(path string, data []byte) (s Shown, err error) {
	var r study.LensShown
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if err := checkShown(r); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.section = report.Section{
		Title: "What each layer would say",
		Text: []string{fmt.Sprintf("A language model reads a text word by word and says, at each, which word comes next; %d layers work on that answer, one after the other. "+
			"A lens makes each layer speak early: a cell holds the word that would come next if the model stopped there. "+
			"Read a column from the bottom up to see an answer come about. Where a panel of a smaller model agrees with the full one in its upper rows, "+
			"the layers that were left out were not needed for that answer.", r.Layers)},
		Facts: []report.Fact{{Name: "Model", Value: r.Model}, {Name: "Lens", Value: r.Lens}, {Name: "Coloured by", Value: lensColours[r.Colour]}},
	}
	g := plot.TokenGrid{Title: "What each layer would say", RowLabel: "layers that have run", ValueLabel: lensColours[r.Colour]}
	for _, t := range r.Tokens {
		g.Columns = append(g.Columns, t.Text)
	}
	if r.Colour == "probability" {
		g.Max = 1
	}
	var values []report.Table
	for _, reading := range r.Readings {
		g.Panels = append(g.Panels, lensPanel(r, reading))
		values = append(values, lensTable(r, reading))
		if reading.Plan != "" {
			s.section.Facts = append(s.section.Facts, report.Fact{Name: "Plan of " + reading.Name, Value: reading.Plan})
		}
	}
	s.add("lens", g.Draw(), report.Figure{
		Caption: fmt.Sprintf("Positions %d to %d; below each panel the text, above it the words that the layers put next. Row %d is what the model says in the end.", r.From, r.From+len(r.Tokens)-1, r.Layers),
		Alt:     "Grid of words: what each layer would say at each position of the text",
		Values:  values,
	})
	return s, nil
}

// checkShown returns an error where a grid cannot be drawn.
func checkShown(r study.LensShown) error {
	switch {
	case lensColours[r.Colour] == "":
		return fmt.Errorf("field \"colour\" is %.64q: want one of %s", r.Colour, strings.Join(study.LensColours, ", "))
	case len(r.Tokens) == 0 || len(r.Tokens) > mostLensColumns:
		return fmt.Errorf("field \"tokens\" has %d, want 1 to %d", len(r.Tokens), mostLensColumns)
	case len(r.Readings) == 0 || len(r.Readings) > mostReadings:
		return fmt.Errorf("field \"readings\" has %d, want 1 to %d", len(r.Readings), mostReadings)
	case r.Layers < 1 || r.Layers > 1<<12 || r.From < 0:
		return fmt.Errorf("field \"layers\" is %d and \"from\" %d: want those of a model and a text", r.Layers, r.From)
	}
	for _, reading := range r.Readings {
		last := -1
		for _, line := range reading.Lines {
			if line.Entry <= last || line.Entry > r.Layers || len(line.Cells) != len(r.Tokens) {
				return fmt.Errorf("reading %.64q: entry %d with %d cells after entry %d: want them in order, %d at the most, each of %d cells", reading.Name, line.Entry, len(line.Cells), last, r.Layers, len(r.Tokens))
			}
			last = line.Entry
			if slices.ContainsFunc(line.Cells, func(c lens.Cell) bool { return len(c.Top) == 0 }) {
				return fmt.Errorf("reading %.64q: entry %d has a cell without a token", reading.Name, line.Entry)
			}
		}
	}
	return nil
}

// lensPanel is one model of the grid: a row for each layer of the full model.
func lensPanel(r study.LensShown, reading lens.Reading) plot.TokenPanel {
	p := plot.TokenPanel{Title: reading.Name, Rows: make([]plot.TokenRow, r.Layers+1)}
	for i := range p.Rows {
		p.Rows[i].Label = fmt.Sprint(i)
	}
	for _, line := range reading.Lines {
		for k, c := range line.Cells {
			var top []string
			for _, said := range c.Top {
				top = append(top, fmt.Sprintf("%q %.3f", said.Text, said.Probability))
			}
			tip := fmt.Sprintf("%s, after %d layers, at %q: %s; entropy %.3f, KL from the end %.3f", reading.Name, line.Entry, r.Tokens[k].Text, strings.Join(top, ", "), c.Entropy, c.Final)
			if c.Full != nil {
				tip += fmt.Sprintf(", JS from the full model %.3f", *c.Full)
			}
			p.Rows[line.Entry].Cells = append(p.Rows[line.Entry].Cells, plot.TokenCell{Word: c.Top[0].Text, Value: study.LensValue(r.Colour, c), Tip: tip})
		}
	}
	return p
}

// lensTable has the values of a panel, the last layer first.
func lensTable(r study.LensShown, reading lens.Reading) report.Table {
	t := report.Table{Caption: reading.Name + ", by " + r.Colour, Columns: []report.Column{{Name: "layers"}}}
	for i, token := range r.Tokens {
		t.Columns = append(t.Columns, report.Column{Name: fmt.Sprintf("%d %q", r.From+i, token.Text)})
	}
	for i := len(reading.Lines) - 1; i >= 0; i-- {
		line := reading.Lines[i]
		cells := []string{fmt.Sprint(line.Entry)}
		for _, c := range line.Cells {
			cells = append(cells, fmt.Sprintf("%q %.3f", c.Top[0].Text, study.LensValue(r.Colour, c)))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// lensDistances shows how far layers are from each other.
func lensDistances(path string, data []byte) (s Shown, err error) {
	var r study.LensDistances
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	by, err := lens.DistanceNamed(strings.TrimPrefix(r.Metric, "lens-"))
	if err != nil {
		return s, fmt.Errorf("%s: field \"metric\": %w", path, err)
	}
	if err := checkDistances(r); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.section = report.Section{
		Title: "How far the layers are apart in what they would say",
		Text: []string{fmt.Sprintf("A lens makes each of the %d layers of a model say which word it would put next. "+
			"The picture holds what each layer says against what every other one says: 0 means the same words with the same certainty. "+
			"Dark squares along the diagonal are runs of layers that change the answer little, so that some of them can be left out.", len(r.Matrix)-1)},
		Facts: []report.Fact{{Name: "Model", Value: r.Model}, {Name: "Lens", Value: r.Lens}, {Name: "Texts", Value: fmt.Sprintf("%s, %d rows, %d tokens", r.Data, r.Examples, r.Tokens)},
			{Name: "Likeness for plans", Value: r.Formula}},
	}
	for _, d := range append([]lens.Distance{by}, lens.Distances...) {
		matrix := r.Distances[d.Name]
		if matrix == nil || d.Name == by.Name && len(s.pictures) > 0 {
			continue
		}
		s.add("lens-"+d.Name, plot.HeatMap{
			Title: "Distance of layers by lens: " + d.Name, AxisLabel: "layers that have run", ValueLabel: d.Name + " (" + d.Unit + ")", Matrix: matrix, Neighbours: true,
		}.Draw(), report.Figure{
			Caption: fmt.Sprintf("Entry 0 is the embedding, entry i the output of block i-1, the last one what the model says. A row's distribution is held against a column's; %s.", d.Unit),
			Alt:     "Heat map: " + d.Name + " between what the layers would say", Values: matrixTables(d.Name, matrix),
		})
	}
	return s, nil
}

// checkDistances returns an error where a matrix cannot be drawn.
func checkDistances(r study.LensDistances) error {
	if len(r.Distances) == 0 || r.Distances[strings.TrimPrefix(r.Metric, "lens-")] == nil {
		return fmt.Errorf("field \"distances\" has no matrix of the metric %.64q", r.Metric)
	}
	for name, matrix := range r.Distances {
		if len(matrix) != len(r.Matrix) || len(matrix) < 2 {
			return fmt.Errorf("field \"distances\": %.64q has %d rows and the likeness %d: want one a hidden state", name, len(matrix), len(r.Matrix))
		}
		for i, row := range matrix {
			if len(row) != len(matrix) {
				return fmt.Errorf("field \"distances\": %.64q: row %d has %d values, want %d", name, i, len(row), len(matrix))
			}
		}
	}
	return nil
}

// lensTrained shows how near a trained lens comes.
func lensTrained(path string, data []byte) (s Shown, err error) {
	var r study.LensTrained
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if len(r.Tuned) == 0 || len(r.Tuned) != len(r.Logit) {
		return s, fmt.Errorf("%s: fields \"kl_tuned\" and \"kl_logit\" have %d and %d values, want one a layer", path, len(r.Tuned), len(r.Logit))
	}
	on := map[string]string{"valid": "held-out", "train": "training"}[r.On]
	s.section = report.Section{
		Title: "A lens was trained",
		Text: []string{"A lens makes a layer of a language model say early which word it would put next. The plain lens takes a layer's numbers as if they were the last layer's; " +
			"the tuned one has learned, for each layer, a small translation first. Lower is nearer to what the model says in the end."},
		Facts: []report.Fact{{Name: "Model", Value: r.Model}, {Name: "Steps", Value: fmt.Sprintf("%d of about %d tokens", r.Outcome.Steps, r.Step)},
			{Name: "Measured on", Value: fmt.Sprintf("%d tokens of %s rows", r.Tokens, on)}},
	}
	t := report.Table{Caption: "Nats from the model's own answer, a token", Columns: []report.Column{{Name: "layers"}, {Name: "plain lens", Right: true}, {Name: "tuned lens", Right: true}}}
	plain, tuned := plot.Run{Name: "plain lens"}, plot.Run{Name: "tuned lens"}
	for i := range r.Tuned {
		t.Rows = append(t.Rows, []string{fmt.Sprint(i), fmt.Sprintf("%.4f", r.Logit[i]), fmt.Sprintf("%.4f", r.Tuned[i])})
		plain.Train = append(plain.Train, plot.Point{X: float64(i), Y: drawable(r.Logit[i])})
		tuned.Train = append(tuned.Train, plot.Point{X: float64(i), Y: drawable(r.Tuned[i])})
	}
	s.add("lens-trained", plot.Curves{Title: "Lens and model", XLabel: "layers that have run", YLabel: "KL (nats a token)", Runs: []plot.Run{plain, tuned}}.Draw(),
		report.Figure{Caption: "How far what each layer says is from what the model says in the end, by the plain and by the tuned lens.", Alt: "Curves: divergence of each layer by both lenses", Values: []report.Table{t}})
	return s, nil
}

// drawable is a value that a curve can have.
func drawable(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
