package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lamina/formats/safetensors"
	"lamina/internal/files"
)

// state is what a directory holds: the digest of each file by its path, without what
// depends on the time a run took.
type state map[string]string

// What is not compared, as it tells how long a run took or which day it was, or is drawn
// anew for each exchange, or is the digest of such a thing: files, of which only the presence counts,
// keys of JSON files by how the file's name ends, and entries of manifests.
var (
	timed     = []string{"table.csv", "table.md", "report.html", "metrics.sha256"}
	timedKeys = map[string][]string{
		"":               {"seconds", "build_seconds", "train_seconds", "peak_bytes", "tokens_per_second"},
		"state.json":     {"metrics"},
		"result.json":    {"sha256"},
		"lamina.json":    {"exchange"},
		"adapter.json":   {"exchange", "emulator"},
		"manifest.json":  {"created"},
		".exchange.json": {"sha256", "manifest", "unfinished"},             // the last until what passes has its name
		".receipt.json":  {"exchange", "emulator", "sha256", "unfinished"}, // the last is a receipt's that waits for its emulator
	}
	timedResults = []string{"date", "start_time", "end_time", "total_evaluation_time_seconds", "lamina"}
	dated        = regexp.MustCompile(`_\d{4}-\d\d-\d\dT[-\d.]+\d`)
	timedEntries = []any{"state.json", "lamina.json", "adapter.json"}
)

// read takes the state of a directory; one that is not there has none.
func read(dir string) (state, error) {
	s := state{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			s[filepath.ToSlash(name)+"/"] = ""
			return nil
		}
		if !e.Type().IsRegular() {
			s[filepath.ToSlash(name)] = e.Type().String()
			return nil
		}
		if info, err := e.Info(); err == nil && onDisk(info) < info.Size() && info.Size() > 1<<30 {
			s[filepath.ToSlash(name)] = "sparse"
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s[undated(filepath.ToSlash(name))] = digest(e.Name(), data)
		return nil
	})
	if os.IsNotExist(err) {
		return s, nil
	}
	return s, err
}

// undated is a path without dates.
func undated(path string) string { return dated.ReplaceAllString(path, "_DATE") }

func digest(name string, data []byte) string {
	switch {
	case slices.Contains(timed, name):
		return "timed"
	case name == eventsFile:
		data = eventsOnce(data)
		fallthrough
	case strings.HasSuffix(name, ".json"), strings.HasSuffix(name, ".jsonl"):
		var keys []string
		for suffix, more := range timedKeys {
			if strings.HasSuffix(name, suffix) {
				keys = append(keys, more...)
			}
		}
		if strings.HasPrefix(name, "results_") {
			keys = append(keys, timedResults...)
		}
		data = untimed(data, keys)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// eventsFile is what scenarios call a log of events. How often a training began and ended
// depends on how often it was disturbed.
const eventsFile = "events.jsonl"

// eventsOnce leaves of a log of events what has to be there once.
func eventsOnce(data []byte) []byte {
	var out []byte
	for line := range bytes.Lines(data) {
		var e map[string]any
		if json.Unmarshal(line, &e) != nil || e["event"] != "step" && e["event"] != "validation" {
			continue
		}
		delete(e, "time")
		kept, err := json.Marshal(e)
		if err != nil {
			return data
		}
		out = append(append(out, kept...), '\n')
	}
	return out
}

// untimed takes the times out of JSON values; what is none stays as it is.
func untimed(data []byte, keys []string) []byte {
	var out []byte
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var v any
		if err := d.Decode(&v); err != nil {
			return append(out, data[d.InputOffset():]...)
		}
		line, err := json.Marshal(withoutTimes(v, keys))
		if err != nil {
			return data
		}
		out = append(append(out, line...), '\n')
	}
}

func withoutTimes(v any, keys []string) any {
	switch v := v.(type) {
	case map[string]any:
		if slices.Contains(timedEntries, v["name"]) {
			return nil
		}
		for k := range v {
			if slices.Contains(keys, k) {
				delete(v, k)
			} else {
				v[k] = withoutTimes(v[k], keys)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutTimes(v[i], keys)
		}
	}
	return v
}

// difference names the first few files in which two states differ.
func (s state) difference(want state) string {
	all := s.names(want)
	if len(all) > 6 {
		all = append(all[:6], fmt.Sprintf("and %d more", len(all)-6))
	}
	return strings.Join(all, " ")
}

// names lists the files in which two states differ, each behind a sign.
func (s state) names(want state) []string {
	var all []string
	for name, d := range s {
		if w, ok := want[name]; !ok {
			all = append(all, "+"+name)
		} else if w != d {
			all = append(all, "≠"+name)
		}
	}
	for name := range want {
		if _, ok := s[name]; !ok {
			all = append(all, "-"+name)
		}
	}
	slices.Sort(all)
	return all
}

// below returns what lies in a directory of the state, "" if it is not there.
func (s state) below(dir string) state {
	in := state{}
	for name, d := range s {
		if strings.HasPrefix(name, dir+"/") {
			in[name] = d
		}
	}
	return in
}

// unfinished matches names of temporary files and of locks, in a path.
var unfinished = regexp.MustCompile(`(^|/)\.([^/]*\.)?(tmp-[^/]*|lock|old)(/|$)`)

// visible leaves out temporary files.
func (s state) visible() state {
	in := state{}
	for name, d := range s {
		if !unfinished.MatchString(name) {
			in[name] = d
		}
	}
	return in
}

// notWhole looks for a file, visible below dir, that was cut or does not fit the others.
// What was not synced of metrics.jsonl may be damaged, as the next run takes it away.
func notWhole(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if unfinished.MatchString(e.Name()) {
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			if files.HasManifest(path) {
				return files.Verify(path)
			}
			return nil
		}
		return fileNotWhole(path)
	})
}

func fileNotWhole(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	bad := false
	switch filepath.Ext(path) {
	case ".json":
		bad = !json.Valid(data)
	case ".jsonl":
		last := 0 // of metrics.jsonl a step and its validation, which the next run takes again
		if filepath.Base(path) == "metrics.jsonl" {
			last = 2
		}
		lines := bytes.SplitAfter(data, []byte("\n"))
		for _, line := range lines[:max(0, len(lines)-1-last)] {
			bad = bad || !json.Valid(line)
		}
	case ".safetensors":
		f, err := safetensors.Open(path)
		if err != nil {
			return err
		}
		f.Close()
	case ".png":
		bad = !bytes.Contains(data[max(0, len(data)-12):], []byte("IEND"))
	case ".svg":
		bad = !bytes.HasSuffix(bytes.TrimSpace(data), []byte("</svg>"))
	case ".html":
		bad = !bytes.HasSuffix(bytes.TrimSpace(data), []byte("</html>"))
	case ".csv", ".md":
		bad = !bytes.HasSuffix(data, []byte("\n"))
	default:
		bad = len(data) == 0
	}
	if bad {
		return fmt.Errorf("%s: not whole, %d bytes", path, len(data))
	}
	return nil
}
