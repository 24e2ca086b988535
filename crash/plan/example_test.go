package plan_test

import (
	"fmt"

	"lamina/crash/plan"
)

// A model of twelve layers whose adjacent outputs resemble each other as given
// becomes an emulator of six, three of them trained.
func Example() {
	adjacent := []float64{0.62, 0.91, 0.94, 0.99, 0.98, 0.93, 0.99, 0.99, 0.99, 0.97, 0.71}
	clusters, _ := plan.Clusters(adjacent, 6)
	kept, _ := plan.FromClusters(clusters, 3, false)
	fmt.Println(clusters)
	fmt.Println(kept)
	shared, _ := plan.Share(kept, 12, plan.ShareAll)
	fmt.Println(shared)
	// Output:
	// [[0] [1] [2] [3 4 5] [6 7 8 9 10] [11]]
	// 0* 1 2 4* 8 11*
	// 0* 1 2 4 4* 4 8 8 8 8 11 11*
}

func ExampleParse() {
	p, err := plan.Parse("0* 1 2 2 5* 12*")
	fmt.Println(p.Kept(), p.Trainable(), err)
	fmt.Println(p.Validate(12))
	// Output:
	// [0 1 2 5 12] [0 5 12] <nil>
	// plan: place 5: layer 12 out of range (the model has layers 0 to 11)
}
