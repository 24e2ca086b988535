package plot

import (
	"strings"
	"testing"
)

// TestValuesForTheScript: what has no title for each point or cell carries its values in an
// attribute, one for each, in order.
func TestValuesForTheScript(t *testing.T) {
	curve := Curves{XLabel: "step", Runs: []Run{{Name: "a<b", Train: []Point{{1, 2.5}, {2, 1.25}, {100000, 0.123456}}}}}.Draw().SVG()
	if want := ` data-points="1 2.5 2 1.25 100000 0.12346"><title>a&lt;b, training, at step</title></polyline>`; !strings.Contains(curve, want) {
		t.Errorf("no %s in %s", want, curve)
	}
	for _, n := range []int{2, 40} {
		matrix := make([][]float64, n)
		for i := range matrix {
			matrix[i] = make([]float64, n)
			for j := range matrix[i] {
				matrix[i][j] = float64(i) + float64(j)/100
			}
		}
		svg := HeatMap{Matrix: matrix}.Draw().SVG()
		_, values, found := strings.Cut(svg, ` data-values="`)
		values, _, _ = strings.Cut(values, `"`)
		if small := n*n <= maxTips; found == small {
			t.Errorf("%d cells: values in an attribute: %t", n*n, found)
		}
		if rows := strings.Split(values, ";"); found && (len(rows) != n || len(strings.Fields(rows[3])) != n || strings.Fields(rows[3])[2] != "3.0200") {
			t.Errorf("values %.100s", values)
		}
	}
}
