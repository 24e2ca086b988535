package sweep_test

import (
	"fmt"
	"os"
	"path/filepath"

	"lamina/crash/study"
	"lamina/crash/sweep"
)

// A study file is a grid, each point of which is a cell; what is wrong in it has a place.
func ExampleRead() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "study.yaml")
	const text = `study: example
models:
  - {name: OPT-125M, path: facebook/opt-125m}
tasks:
  - {name: openbookqa, train: train.jsonl, test: test.jsonl}
rows: [zs, crash]
keep: 6
trainable: 2
rates: [5e-5]
seeds: [42, 43]
training: {epochs: 3}
`
	for _, more := range []string{"", "epochs: 3\n"} {
		if err := os.WriteFile(path, []byte(text+more), 0o644); err != nil {
			fmt.Println(err)
			return
		}
		s, err := sweep.Read(path, study.Recipes)
		if err != nil {
			rel, _ := filepath.Rel(dir, err.Error())
			fmt.Println(rel)
			continue
		}
		for _, c := range s.List() {
			fmt.Println(c)
		}
	}
	// Output:
	// OPT-125M openbookqa zs
	// OPT-125M openbookqa crash rate 5e-05 seed 42
	// OPT-125M openbookqa crash rate 5e-05 seed 43
	// study.yaml:12:1: unknown key "epochs"
}
