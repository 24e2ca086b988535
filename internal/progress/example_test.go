package progress_test

import (
	"fmt"
	"os"

	"lamina/internal/progress"
)

func ExampleNew() {
	bar := progress.New(os.Stdout, "scoring", 3) // a test's stdout is no terminal, and this is soon done: silent
	defer bar.Done()
	sum := 0
	for i := range 3 {
		sum += i
		bar.Add(1)
	}
	fmt.Println(sum)
	// Output: 3
}
