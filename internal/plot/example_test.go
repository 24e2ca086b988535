package plot_test

import (
	"fmt"
	"strings"

	"lamina/internal/plot"
)

func ExampleStrip() {
	pic := plot.Strip{Layers: 4, Plans: []plot.Plan{{
		Name:   "uniform",
		Places: []plot.Place{{Layer: 0, Trainable: true}, {Layer: 2}, {Layer: 3, Trainable: true}},
	}}}.Draw()
	for line := range strings.Lines(pic.SVG()) {
		if _, tip, ok := strings.Cut(line, "><title>"); ok {
			fmt.Println(strings.TrimSuffix(tip, "</title></rect>\n"))
		}
	}
	// Output:
	// place 0: layer 0, trainable
	// layer 1: removed
	// place 1: layer 2, frozen
	// place 2: layer 3, trainable
}
