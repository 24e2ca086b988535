package taskfile

import (
	"lamina/eval/results"
	"lamina/eval/task"
)

// ReadTasks reads what [ReadGroup] does as the tasks to be scored, and how the scores of
// its groups are summed up; none for the file of a task.
func ReadTasks(path string) ([]task.Task, []results.Group, error) {
	f, g, err := ReadGroup(path)
	switch {
	case err != nil:
		return nil, nil, err
	case g == nil:
		return []task.Task{f.Task}, nil, nil
	}
	return g.Tasks(), g.Summaries(), nil
}

// Summaries says how the scores of a group and of its groups are summed up, the outer one
// first.
func (g *Group) Summaries() []results.Group {
	own := results.Group{Name: g.Name, Alias: g.Alias, Version: g.Version}
	for _, t := range g.Tasks() {
		own.Tasks = append(own.Tasks, t.Name())
	}
	for _, a := range g.Aggregates {
		for _, filter := range a.Filters {
			own.Metrics = append(own.Metrics, results.GroupMetric{Name: a.Metric, Filter: filter, Weighted: a.Weighted})
		}
	}
	all := []results.Group{own}
	for _, m := range g.Members {
		all[0].Members = append(all[0].Members, m.Name)
		if m.Group != nil {
			all = append(all, m.Group.Summaries()...)
		}
	}
	return all
}
