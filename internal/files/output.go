package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lamina/internal/strictjson"
)

// Output is a directory that a command writes where its user says, whole or not at all:
//
//	out := files.Output{Path: dir, Kind: "converted model", Overwrite: overwrite, Bytes: size}
//	err := out.Write(func(tmp string) error { … })
//
// The directory says of what kind it is, and an Output replaces only a directory of its
// own kind in which lamina wrote every file, so that a slip in a path deletes nothing.
type Output struct {
	Path      string
	Kind      string // a noun, with which errors speak of it; "": neither told nor asked
	Note      any    // what the directory says of itself beside its kind, in its mark; nil: nothing
	Overwrite bool
	Bytes     int64 // that will be written, if they are known: there must be room
}

// Mark is the file in which a directory says of what kind it is, and what was written
// there, unless it has one of its own that says so. Other programs do not look at it.
const Mark = ".lamina.json"

// mark is that file; of those of another format kind is all that counts.
type mark struct {
	Kind  string   `json:"kind"`
	Files []string `json:"files,omitempty"` // nil: MANIFEST.json has them, if there is one
	Note  any      `json:"note,omitempty"`
}

// markFiles are the files that say a directory's kind; the first that is there holds.
var markFiles = []string{Mark, "lamina.json", "adapter.json"}

// Check returns an error if Write would refuse: it is called before work is done.
func (o Output) Check() error {
	path, err := named(o.Path)
	if err != nil {
		return err
	}
	if err = replaceable(path, o.Overwrite); err == nil {
		err = o.checkKind(path)
	}
	if err == nil {
		err = CheckSpace(path, o.Bytes)
	}
	if err != nil {
		return &renamed{err, path, o.Path}
	}
	return nil
}

// Write makes the directory as [Dir] does.
func (o Output) Write(fill func(tmp string) error) error {
	if err := o.Check(); err != nil {
		return err
	}
	if o.Kind == "" {
		return Dir(o.Path, o.Overwrite, fill)
	}
	return Dir(o.Path, o.Overwrite, func(tmp string) error {
		if err := o.checkKind(filepath.Clean(o.Path)); err != nil { // the lock is held now
			return err
		}
		if err := fill(tmp); err != nil {
			return err
		}
		if said, err := readMark(tmp); err == nil && said.Kind == o.Kind {
			return nil
		}
		names, err := tree(tmp)
		if err != nil {
			return err
		}
		return WriteJSON(filepath.Join(tmp, Mark), mark{o.Kind, names, o.Note})
	})
}

// checkKind refuses a directory of another kind, and one that holds something else beside.
func (o Output) checkKind(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 || o.Kind == "" {
		return nil
	} else if err != nil {
		return err
	}
	said, err := readMark(path)
	switch {
	case err != nil:
		return err
	case said.Kind == "":
		return fmt.Errorf("%s: does not say that it is %s of lamina and is not overwritten: choose another directory, or remove it first", path, a(o.Kind))
	case said.Kind != o.Kind:
		return fmt.Errorf("%s: is %s, not %s, and is not overwritten: choose another directory", path, a(said.Kind), a(o.Kind))
	case said.Files == nil && !HasManifest(path): // an emulator of an earlier version
		return nil
	}
	have, err := tree(path)
	if err != nil {
		return err
	}
	for _, name := range have {
		if name != Mark && name != Manifest && !slices.Contains(said.Files, name) {
			return fmt.Errorf("%s: lamina did not write it, so its directory is not overwritten: move it, or choose another directory", filepath.Join(path, filepath.FromSlash(name)))
		}
	}
	return nil
}

// readMark returns what a directory says of itself, nothing if it does not.
func readMark(dir string) (mark, error) {
	for _, name := range markFiles {
		path := filepath.Join(dir, name)
		data, err := Read(path, Small)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return mark{}, err
		}
		var m mark
		if err := strictjson.Decode(data, strictjson.Rules{Depth: maxJSONDepth}, &m); err != nil {
			return mark{}, fmt.Errorf("%s: %w", path, err)
		}
		m.Kind = fmt.Sprintf("%.64s", m.Kind)
		if sums, err := readManifest(filepath.Join(dir, Manifest)); err == nil && name != Mark {
			m.Files = nil
			for _, f := range sums {
				m.Files = append(m.Files, f.Name)
			}
		}
		return m, nil
	}
	return mark{}, nil
}

// tree lists the files below a directory, with slashes; what is no directory counts as
// one.
func tree(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	return names, err
}

// a puts the article before a noun.
func a(noun string) string {
	if noun != "" && slices.Contains([]byte("aeiou"), noun[0]) {
		return "an " + noun
	}
	return "a " + noun
}
