package files

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Settings is the file in a directory of results that holds the settings they were
// made with.
const Settings = "config.json"

// CheckSettings refuses a directory of results if it holds other things (but for
// those called as in beside), a model among them, or results whose [Settings] are not
// want; the error names the first differences. With overwrite results of the same command
// may have other settings. What a run leaves that ended before it wrote its settings is
// nobody's.
func CheckSettings(dir string, want []byte, overwrite bool, beside ...string) error {
	have, err := Read(filepath.Join(dir, Settings), Small)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries, err := os.ReadDir(dir)
		if err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !slices.Contains(beside, e.Name()) && !isBeginning(dir, e) }) {
			return fmt.Errorf("%s: not empty and no run of lamina: choose another --out", dir)
		}
		return nil
	case err != nil:
		return err
	case IsModelConfig(have):
		return fmt.Errorf("%s: holds a model and no run of lamina: choose another --out", dir)
	case overwrite && !sameKind(have, want):
		return fmt.Errorf("%s: its config.json is not one of this command, so nothing there is overwritten: choose another --out", dir)
	case !overwrite && !bytes.Equal(have, want):
		return fmt.Errorf("%s: %s; choose another --out or pass --overwrite", dir, difference(have, want))
	}
	return nil
}

// Begin makes or enters a directory of results that CheckSettings does not refuse, locks
// it as [LockDir] does, and clears what dead processes left there. The caller calls
// [WriteSettings].
func Begin(dir string, want []byte, overwrite bool, beside ...string) (release func(), err error) {
	if err := CheckSettings(dir, want, overwrite, beside...); err != nil {
		return nil, err
	}
	if err := MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if release, err = LockDir(dir); err != nil {
		return nil, err
	}
	err = CheckSettings(dir, want, overwrite, beside...) // somebody may have been faster
	if err == nil {
		err = Sweep(dir, true)
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// replaced is the file that lists by their digests the settings whose run begins where
// parts of an earlier one still lie.
const replaced = ".old"

// WriteSettings writes the settings of a run into a directory that its caller has locked,
// and that CheckSettings did not refuse. With overwrite clear then removes what an earlier
// run left: killed before the new settings are written it leaves the old run, and after
// that a new one that has begun, of which the next call clears the rest first, with
// overwrite or without.
func WriteSettings(dir string, settings []byte, overwrite bool, clear func() error) error {
	list, line := filepath.Join(dir, replaced), fmt.Sprintf("%x\n", sha256.Sum256(settings))
	said, err := Read(list, Small)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	begun := bytes.Contains(said, []byte(line))
	if overwrite && !begun {
		if err := WriteInside(list, append(said, line...)); err != nil {
			return err
		}
	}
	if err := WriteInside(filepath.Join(dir, Settings), settings); err != nil {
		return err
	}
	if overwrite || begun {
		if err := clear(); err != nil {
			return err
		}
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return Remove(list)
}

// beginnings are what a run makes before its settings: empty directories and files.
var beginnings = []string{"checkpoints", "metrics.jsonl", "tasks"}

// isBeginning reports whether an entry of a directory without settings is nothing but
// what a run begins with, or what a killed one left.
func isBeginning(dir string, e os.DirEntry) bool {
	switch name := e.Name(); {
	case name == lockInside || name == replaced || beside.MatchString(name) || temporary.MatchString(name):
		return true
	case !slices.Contains(beginnings, name):
		return false
	case e.IsDir():
		inside, err := os.ReadDir(filepath.Join(dir, name))
		return err == nil && !slices.ContainsFunc(inside, func(e os.DirEntry) bool { return !temporary.MatchString(e.Name()) && !beside.MatchString(e.Name()) })
	}
	info, err := e.Info()
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// sameKind reports whether settings that are there may be an earlier run's of the command
// that wants to write others: it says so, or most of its settings have the same names.
func sameKind(have, want []byte) bool {
	var a, b map[string]any
	if json.Unmarshal(want, &b) != nil {
		return true
	}
	if json.Unmarshal(have, &a) != nil || a["command"] != b["command"] {
		return false
	}
	same := 0
	for k := range b {
		if _, ok := a[k]; ok {
			same++
		}
	}
	return 2*same >= len(b)
}

// IsModelConfig tells the config.json of a model from that of a run, which shares its
// name.
func IsModelConfig(config []byte) bool {
	var c struct {
		ModelType     any `json:"model_type"`
		Architectures any `json:"architectures"`
	}
	return json.Unmarshal(config, &c) == nil && (c.ModelType != nil || c.Architectures != nil)
}

// difference says in which settings (the first three) a run that is there differs
// from the one that is wanted.
func difference(have, want []byte) string {
	var a, b map[string]any
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(want, &b) != nil {
		return "a run is there whose config.json cannot be read"
	}
	flatA, flatB := map[string]string{}, map[string]string{}
	flatten("", a, flatA)
	flatten("", b, flatB)
	keys := map[string]bool{}
	for k := range flatA {
		keys[k] = true
	}
	for k := range flatB {
		keys[k] = true
	}
	var out []string
	for k := range keys {
		if flatA[k] != flatB[k] {
			out = append(out, fmt.Sprintf("%s is %s there, %s now", k, show(flatA[k]), show(flatB[k])))
		}
	}
	slices.Sort(out)
	return "a run with other settings is there: " + strings.Join(out[:min(3, len(out))], ", ")
}

func show(s string) string {
	if s == "" {
		return "absent"
	}
	return fmt.Sprintf("%.60s", s)
}

func flatten(prefix string, v any, out map[string]string) {
	if m, ok := v.(map[string]any); ok {
		for k, x := range m {
			flatten(prefix+"."+k, x, out)
		}
		return
	}
	text, _ := json.Marshal(v)
	out[strings.TrimPrefix(prefix, ".")] = string(text)
}
