package study

import (
	"fmt"
	"path/filepath"
	"strings"

	"lamina/eval/task"
)

// TaskData is a data set with the prompt that stands around its rows.
type TaskData struct {
	Name string // of the task, or of the file that is taken verbatim
	Task task.Task
	Path string
}

// ParseTaskData reads data sets written as TASK=PATH, or PATH for one that is taken
// verbatim. Their names must differ.
func ParseTaskData(texts []string) (all []TaskData, err error) {
	seen := map[string]bool{}
	for _, text := range texts {
		d := TaskData{Path: text}
		if name, path, ok := strings.Cut(text, "="); ok && !strings.ContainsAny(name, `/\.`) {
			if d.Task, err = task.Named(name); err != nil {
				return nil, err
			}
			d.Name, d.Path = name, path
		} else {
			d.Name, _, _ = strings.Cut(filepath.Base(text), ".")
		}
		switch {
		case d.Path == "" || d.Name == "":
			return nil, fmt.Errorf("%q: want TASK=PATH, or PATH of a file that is taken verbatim", text)
		case seen[d.Name]:
			return nil, fmt.Errorf("%q: there are two tasks called %s", text, d.Name)
		}
		seen[d.Name] = true
		all = append(all, d)
	}
	return all, nil
}
