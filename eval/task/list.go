package task

import "cmp"

// Info is what a list of tasks says of one.
type Info struct {
	Name    string `json:"name"`
	Split   string `json:"split"`       // that is scored
	Shots   string `json:"shots_split"` // that examples are drawn from
	Dataset string `json:"dataset"`
	Config  string `json:"config"`
	Version string `json:"version"`
}

// List returns the tasks of [Names] as [Rules04] has them.
func List() []Info {
	list := make([]Info, len(tasks))
	for i, t := range tasks {
		source := t.Source()
		list[i] = Info{t.Name(), t.Split(), t.ShotsSplit(Rules04), cmp.Or(source.Repo, source.Path), source.Config, t.Version(Rules04)}
	}
	return list
}
