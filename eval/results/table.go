package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"lamina/eval/task"
)

// Bounds says, as the harness does above its table, how many documents were asked for and
// how many examples before each; nil is for as many as the tasks say.
func (e *Evaluation) Bounds(shots *int) string {
	limit, few := "None", "None"
	if e.Limit > 0 {
		limit = fmt.Sprint(e.Limit)
	}
	if shots != nil {
		few = fmt.Sprint(*shots)
	}
	return fmt.Sprintf("limit: %s, num_fewshot: %s", limit, few)
}

// Markdown returns the table that the harness prints (make_table), a row a metric, and
// that of groups if there are some.
func (e *Evaluation) Markdown() string {
	rows := [][]string{{"Tasks", "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"}}
	for i := range e.Tasks {
		t := &e.Tasks[i]
		name, version := t.Name(), strings.TrimSuffix(t.Task.Version(e.Rules), ".0")
		list := t.reported()
		slices.SortFunc(list, func(a, b task.Reported) int { return strings.Compare(a.Name+","+a.Filter, b.Name+","+b.Filter) })
		for _, m := range list {
			got, _ := t.Result.Metric(m.Metric)
			stderr, arrow := "   N/A", "↓"
			if !math.IsNaN(got.Stderr) {
				stderr = fmt.Sprintf("%.4f", got.Stderr)
			}
			if m.HigherIsBetter {
				arrow = "↑"
			}
			rows = append(rows, []string{name, version, m.Filter, fmt.Sprint(t.Shots), m.Name, arrow, fmt.Sprintf("%.4f", got.Value), "±", stderr})
			name, version = "", ""
		}
	}
	return markdown(rows, []bool{false, true, false, true, false, false, true, false, false}) + e.groupRows()
}

// markdown sets rows, of which the first is the head, in columns; right says which
// stand to the right.
func markdown(rows [][]string, right []bool) string {
	widths := make([]int, len(right))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			space := widths[i] - utf8.RuneCountInString(cell)
			left := 0
			switch {
			case n == 0:
				left = space / 2
			case right[i]:
				left = space
			}
			b.WriteString("|" + strings.Repeat(" ", left) + cell + strings.Repeat(" ", space-left))
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, w := range widths {
			line := strings.Repeat("-", w)
			if right[i] {
				line = line[1:] + ":"
			}
			b.WriteString("|" + line)
		}
		b.WriteString("|\n")
	}
	return b.String()
}
