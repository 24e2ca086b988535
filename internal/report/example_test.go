package report_test

import (
	"fmt"

	"lamina/internal/report"
)

func ExampleTable() {
	t := report.Table{
		Columns: []report.Column{{Name: "row"}, {Name: "plug_in", Right: true}},
		Rows:    [][]string{{"uniform", "0.402"}, {"crash", "0.421"}},
	}
	fmt.Print(t.Markdown(), t.CSV())
	// Output:
	// | row | plug_in |
	// |:--- | ---:|
	// | uniform | 0.402 |
	// | crash | 0.421 |
	// row,plug_in
	// uniform,0.402
	// crash,0.421
}
