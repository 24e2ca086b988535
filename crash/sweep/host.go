package sweep

import (
	"strconv"
	"strings"
)

// HostName makes of a machine's name one that can be part of a file's.
func HostName(name string) string {
	const most = 64
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c) {
			return c
		}
		return '-'
	}, name)
	if name = strings.Trim(name, ".-"); name == "" {
		return "host"
	}
	return name[:min(len(name), most)]
}

// numbering are the variables by which engines number the workers of an array: those of
// Slurm's job arrays and of Kubernetes' Indexed Jobs.
var numbering = []string{"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"}

// FirstCell is where in the list a worker begins that an engine has numbered: workers that
// begin apart do not meet at every claim. Without a number it is 0, and nothing is lost.
func FirstCell(env func(string) string) int {
	for _, name := range numbering {
		if n, err := strconv.Atoi(env(name)); err == nil && n >= 0 {
			return n
		}
	}
	return 0
}
