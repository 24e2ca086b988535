package main

import (
	"lamina/eval/task"
)

// checkLimit refuses a negative number of documents.
func checkLimit(n int) error {
	if n < 0 {
		return usagef("a limit of %d documents: want 1 or more", n)
	}
	return nil
}

// namedTask returns the task of --task; an unknown name is wrong usage.
func namedTask(name string) (task.Task, error) {
	t, err := task.Named(name)
	if err != nil {
		return t, usageError{err}
	}
	return t, nil
}
