package figures_test

import (
	"bytes"
	"fmt"
	"log"

	"lamina/crash/figures"
)

// A result file, as a picture.
func ExampleRead() {
	data, err := figures.Encode("similarity", []string{"lamina", "similarity"}, map[string]any{
		"matrix": [][]float64{{1, 0.5}, {0.5, 1}}, "metric": "cka", "pool": "mean", "n": 8,
	})
	if err != nil {
		log.Fatal(err)
	}
	kind, shown, err := figures.Read("cka.json", data)
	if err != nil {
		log.Fatal(err)
	}
	var svg bytes.Buffer
	if err := shown.Draw(&svg, ".svg"); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %.4s\n", kind, svg.String())
	// Output: similarity <svg
}
