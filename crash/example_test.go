package crash_test

import (
	"fmt"

	"lamina/crash"
)

// A model of twelve layers whose adjacent outputs resemble each other as given
// becomes an emulator of six, three of them trained.
func Example() {
	adjacent := []float64{0.62, 0.91, 0.94, 0.99, 0.98, 0.93, 0.99, 0.99, 0.99, 0.97, 0.71}
	clusters, _ := crash.Clusters(adjacent, 6)
	plan, _ := crash.CRaSh(clusters, 3, false)
	fmt.Println(clusters)
	fmt.Println(plan)
	shared, _ := crash.Share(plan, 12, crash.ShareAll)
	fmt.Println(shared)
	// Output:
	// [[0] [1] [2] [3 4 5] [6 7 8 9 10] [11]]
	// 0* 1 2 4* 8 11*
	// 0* 1 2 4 4* 4 8 8 8 8 11 11*
}

func ExampleParsePlan() {
	plan, err := crash.ParsePlan("0* 1 2 2 5* 12*")
	fmt.Println(plan.Kept(), plan.Trainable(), err)
	fmt.Println(plan.Validate(12))
	// Output:
	// [0 1 2 5 12] [0 5 12] <nil>
	// plan: place 5: layer 12 out of range (the model has layers 0 to 11)
}

func ExampleCKA() {
	cka, _ := crash.NewCKA(3)
	cka.Add([]float32{1, 0, 0, 1, 1, 1}, 2)
	cka.Add([]float32{0, 2, -2, 0, -2, 2}, 2) // the first, turned and doubled
	cka.Add([]float32{1, 0, 0}, 1)
	for _, row := range cka.Matrix() {
		fmt.Printf("%.3f\n", row)
	}
	// Output:
	// [1.000 1.000 0.791]
	// [1.000 1.000 0.791]
	// [0.791 0.791 1.000]
}
