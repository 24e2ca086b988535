package main

import (
	"cmp"

	"lamina/eval/task"
	"lamina/internal/report"
)

// tasksCommand lists what eval can score.
type tasksCommand struct{}

// taskInfo is one row of the list.
type taskInfo struct {
	Name    string `json:"name"`
	Split   string `json:"split"`
	Shots   string `json:"shots_split"`
	Dataset string `json:"dataset"`
	Config  string `json:"config"`
	Version string `json:"version"`
}

// Run prints the tasks by name, with the split that is scored and the one examples
// are drawn from.
func (tasksCommand) Run(s *session) error {
	t := report.Table{Columns: []report.Column{{Name: "task"}, {Name: "scored"}, {Name: "examples"}, {Name: "data set"}, {Name: "configuration"}, {Name: "version"}}}
	var list []taskInfo
	for _, name := range task.Names() {
		one, err := task.Named(name)
		if err != nil {
			return err
		}
		source := one.Source()
		info := taskInfo{name, one.Split(), one.ShotsSplit(task.Rules04), cmp.Or(source.Repo, source.Path), source.Config, one.Version(task.Rules04)}
		list = append(list, info)
		t.Rows = append(t.Rows, []string{info.Name, info.Split, info.Shots, info.Dataset, info.Config, info.Version})
	}
	s.table(t)
	return s.writeJSON(list)
}
