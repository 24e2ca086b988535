package main

import (
	"strings"

	"github.com/alecthomas/kong"

	"lamina/internal/files"
)

// spareInputs refuses to write the result where another flag has read, see [files.Spare].
// Without --overwrite what is in --out stays.
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
			continue
		case "events":
			written[f.Name] = strings.TrimPrefix(strings.Join(paths, ""), "jsonl:")
			continue
		case "emulator", "tensorboard": // written too, and never over what is read
			continue
		}
		for _, path := range paths {
			if f.Name == "tasks" { // TASK=PATH
				path = path[strings.IndexByte(path, '=')+1:]
			}
			read[f.Name] = append(read[f.Name], path[strings.IndexByte(path, '@')+1:]) // @FILE and NAME=@FILE
		}
	}
	if !overwrite {
		delete(written, "out")
	}
	return files.Spare(written, read)
}
