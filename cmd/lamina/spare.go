package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"lamina/internal/files"
)

// spareInputs refuses a file of --json or --plot that another flag has read, or that is
// one of a model's, and a directory of --out that is to be overwritten and holds what
// another flag reads: writing the result would destroy it.
func spareInputs(line *kong.Context) error {
	written, read := map[string]string{}, map[string][]string{}
	overwrite := false
	for _, f := range line.Flags() {
		var paths []string
		switch v := line.FlagValue(f).(type) {
		case string:
			paths = []string{v}
		case *string:
			if v != nil {
				paths = []string{*v}
			}
		case []string:
			paths = v
		case bool:
			overwrite = overwrite || v && f.Name == "overwrite"
		}
		switch f.Name {
		case "json", "plot", "out":
			written[f.Name] = strings.Join(paths, "")
		case "profile":
		default:
			read[f.Name] = paths
		}
	}
	for flag, out := range written {
		there, err := os.Stat(out)
		if err != nil || flag == "out" && !overwrite {
			continue // a new file destroys nothing
		}
		for name, paths := range read {
			for _, path := range paths {
				path = path[strings.IndexByte(path, '@')+1:] // @FILE and NAME=@FILE
				info, err := os.Stat(path)
				switch {
				case err != nil || flag == "out" && name == "model" && os.SameFile(there, info): // the command says more of it
				case flag == "out" && files.Reads(out, path):
					return fmt.Errorf("--out %s: holds what is read as --%s and is not overwritten: choose another directory", out, name)
				case flag != "out" && (os.SameFile(there, info) || name == "model" && files.Holds(path, out)):
					return fmt.Errorf("--%s %s: is read as --%s: name another file", flag, out, name)
				}
			}
		}
	}
	return nil
}
