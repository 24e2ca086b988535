package eval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lamina/eval/task"
)

// Paths returns the path of each task's data. given has one for each task, one for each
// group of tasks, which share it, or none: then a task's own data set on the hub is meant.
// groups are the numbers of tasks in each group, in their order. Errors, also for a task
// that is there twice, are in the words of the flags; kept says that results are kept by
// the names of tasks, which the verbatim one then has as well.
func Paths(tasks []task.Task, groups []int, given []string, kept bool) ([]string, error) {
	paths := given
	switch {
	case len(tasks) == 0:
		return nil, fmt.Errorf("nothing to score: give --task NAME, --data PATH, or both")
	case len(given) == 0:
		for _, t := range tasks {
			path := cmp.Or(t.Source().Repo, t.Source().Path)
			if !strings.Contains(path, "/") { // not the name of one on the hub
				return nil, fmt.Errorf("task %q has no data set on the hub: give --data PATH", t.Name())
			}
			paths = append(paths, path)
		}
	case len(given) == len(groups):
		paths = nil
		for i, n := range groups {
			paths = append(paths, slices.Repeat(given[i:i+1], n)...)
		}
	}
	if len(paths) != len(tasks) {
		return nil, fmt.Errorf("%d tasks and %d paths of --data: give one path for each task, in their order", len(tasks), len(paths))
	}
	seen := map[string]bool{}
	for i, t := range tasks {
		if seen[t.Name()] && (t.Name() != "" || kept) {
			return nil, fmt.Errorf("task %q is asked for twice", cmp.Or(t.Name(), paths[i]))
		}
		seen[t.Name()] = true
	}
	return paths, nil
}
