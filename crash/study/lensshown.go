package study

import (
	"fmt"
	"strings"

	"lamina/crash/lens"
	"lamina/internal/report"
)

// LensShown is a text as a lens reads it in a model and in emulators of it: figure 3 of the
// paper.
type LensShown struct {
	Model     string `json:"of"`
	Lens      string `json:"lens"`
	Colour    string `json:"colour"` // what cells are coloured by, one of [LensColours]
	Precision string `json:"precision"`
	lens.Grid
}

// LensColours are the values that cells can be coloured by; what each is says LensValue.
var LensColours = []string{"probability", "entropy", "distance"}

// LensValue is the value of a cell that colours it: the probability of its first token, its
// entropy, or its distance KL(final ‖ this) from what the same model says in the end.
func LensValue(colour string, c lens.Cell) float64 {
	switch colour {
	case "entropy":
		return c.Entropy
	case "distance":
		return c.Final
	}
	return c.Top[0].Probability
}

// Text shows the first tokens in lines, a table a model, the last layer on top.
func (r LensShown) Text() string {
	var b strings.Builder
	for _, reading := range r.Readings {
		name := reading.Name
		if reading.Plan != "" && reading.Plan != name {
			name += " (" + reading.Plan + ")"
		}
		fmt.Fprintf(&b, "%s, by %s\n", name, r.Colour)
		t := report.Table{Columns: []report.Column{{Name: "entry", Right: true}}}
		for i, token := range r.Tokens {
			t.Columns = append(t.Columns, report.Column{Name: fmt.Sprintf("%d %s", r.From+i, visible(token.Text))})
		}
		for i := len(reading.Lines) - 1; i >= 0; i-- {
			line := reading.Lines[i]
			cells := []string{fmt.Sprint(line.Entry)}
			for _, c := range line.Cells {
				cells = append(cells, fmt.Sprintf("%s %.2f", visible(c.Top[0].Text), LensValue(r.Colour, c)))
			}
			t.Rows = append(t.Rows, cells)
		}
		b.WriteString(t.Text())
	}
	return b.String()
}

// visible is a token as it stands in a table: blanks and line ends are seen.
func visible(text string) string {
	const most = 16
	text = strings.NewReplacer(" ", "·", "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(text)
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}
