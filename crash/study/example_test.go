package study_test

import (
	"fmt"
	"log"

	"lamina/crash/plan"
	"lamina/crash/study"
)

// Rows of a table: known ones, one that is put together, and a plan of one's own.
func ExampleSelect() {
	rows, err := study.Select(study.Recipes, []string{"zs", "crash", "sleb+ghost", "mine=0* 3 5*"}, plan.Parse)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range rows {
		fmt.Printf("%s: method %q, repair %q, plan %q\n", r.Name, r.Method.Name, r.Repair, r.Plan)
	}
	// Output:
	// zs: method "", repair "", plan ""
	// crash: method "crash", repair "", plan ""
	// sleb-ghost: method "sleb", repair "ghost", plan ""
	// mine: method "", repair "", plan "0* 3 5*"
}
