package results_test

import (
	"context"
	"fmt"

	"lamina/eval/results"
)

func ExampleCompare() {
	a, err := results.Read("testdata/runs/a") // written by lm-eval
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := results.Read("testdata/runs/b")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := results.Compare(context.Background(), a, b, results.Settings{Resamples: 10000, Seed: 42, Metric: "exact_match"})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := c.Rows[0]
	fmt.Printf("%s %s: %.1f and %.1f of %d documents, difference %+.2f in [%.2f, %.2f], p %.3f\n", r.Task, r.Metric, r.A, r.B, r.Documents, r.Difference, r.Low, r.High, r.P)
	fmt.Println(c.Warnings[len(c.Warnings)-1])
	// Output:
	// spoken exact_match,front: 0.7 and 1.0 of 10 documents, difference +0.30 in [0.00, 0.60], p 0.056
	// spoken: 10 documents in both, 2 in A only, 1 in B only
}
