package main

import (
	"lamina/eval/task"
	"lamina/internal/report"
)

// tasksCommand lists what eval can score.
type tasksCommand struct{}

// Run prints the tasks by name, with the split that is scored and the one examples
// are drawn from.
func (tasksCommand) Run(s *session) error {
	t := report.Table{Columns: []report.Column{{Name: "task"}, {Name: "scored"}, {Name: "examples"}, {Name: "data set"}, {Name: "configuration"}, {Name: "version"}}}
	list := task.List()
	for _, i := range list {
		t.Rows = append(t.Rows, []string{i.Name, i.Split, i.Shots, i.Dataset, i.Config, i.Version})
	}
	s.table(t)
	return s.writeJSON(list)
}
