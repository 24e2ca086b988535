package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"lamina/internal/files"
)

// spareInputs refuses a file of --json or --plot that another flag has read, or that is
// one of a model's: writing the result would destroy it.
func spareInputs(line *kong.Context) error {
	written := map[string]string{}
	read := map[string][]string{}
	for _, f := range line.Flags() {
		var paths []string
		switch v := line.FlagValue(f).(type) {
		case string:
			paths = []string{v}
		case []string:
			paths = v
		}
		if f.Name != "json" && f.Name != "plot" {
			read[f.Name] = paths
		} else if len(paths) > 0 {
			written[f.Name] = paths[0]
		}
	}
	for flag, out := range written {
		there, err := os.Stat(out)
		if err != nil {
			continue // a new file destroys nothing
		}
		for name, paths := range read {
			for _, path := range paths {
				info, err := os.Stat(strings.TrimPrefix(path, "@"))
				if err == nil && (os.SameFile(there, info) || name == "model" && files.Holds(path, out)) {
					return fmt.Errorf("--%s %s: is read as --%s: name another file", flag, out, name)
				}
			}
		}
	}
	return nil
}
