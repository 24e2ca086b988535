package dataset

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"lamina/internal/files"
)

const (
	maxFiles = 1 << 20 // below one directory
	maxRef   = 4 << 10 // bytes of a file that names a commit
)

// folder is the directory of a data set. Files are opened below root only, which
// for a snapshot of the hub's cache is the repository's directory in it, because a
// snapshot holds links to ../../blobs.
type folder struct {
	shown string // as the user wrote it
	root  string // absolute, without links
	below string // the data's directory below root, with slashes
}

// listing is what a directory holds, as names below it with slashes, sorted.
type listing struct {
	data   []string
	labels map[string]bool
	card   bool // README.md is there
}

// openFolder resolves a directory: its links, a repository of the hub's cache to
// its snapshot.
func openFolder(shown string) (*folder, error) {
	real, err := filepath.EvalSymlinks(shown)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	f := &folder{shown: shown, root: real, below: "."}
	if isDir(filepath.Join(real, "snapshots")) && isDir(filepath.Join(real, "blobs")) {
		commit, err := snapshot(real)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shown, err)
		}
		f.below = path.Join("snapshots", commit)
		f.shown = filepath.Join(shown, "snapshots", commit)
		return f, nil
	}
	for at := real; ; at = filepath.Dir(at) {
		up := filepath.Dir(at)
		if up == at {
			return f, nil
		}
		if filepath.Base(up) == "snapshots" && isDir(filepath.Join(filepath.Dir(up), "blobs")) {
			f.root = filepath.Dir(up)
			rel, err := filepath.Rel(f.root, real)
			f.below = filepath.ToSlash(rel)
			return f, err
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// snapshot returns the commit of a repository in the hub's cache: that of main, or
// the only one there is.
func snapshot(repo string) (string, error) {
	ref, err := files.Read(filepath.Join(repo, "refs", "main"), maxRef)
	commit := string(bytes.TrimSpace(ref))
	if err == nil && commit != "" && !strings.ContainsAny(commit, `/\.`) && isDir(filepath.Join(repo, "snapshots", commit)) {
		return commit, nil
	}
	entries, err := os.ReadDir(filepath.Join(repo, "snapshots"))
	if err != nil {
		return "", err
	}
	var have []string
	for _, e := range entries {
		if e.IsDir() {
			have = append(have, e.Name())
		}
	}
	if len(have) != 1 {
		return "", fmt.Errorf("refs/main names no snapshot, and there are %d: name one of snapshots/%.300s", len(have), strings.Join(have, ", "))
	}
	return have[0], nil
}

func (f *folder) file(name string) File {
	return File{Path: filepath.Join(f.shown, filepath.FromSlash(name)), Name: name}
}

// open opens a regular file below the directory. A link that leaves it is an error.
func (f *folder) open(name string) (*os.File, error) {
	root, err := os.OpenRoot(f.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// What was a regular file when it was listed may be a pipe by now: opening must not wait.
	file, err := root.OpenFile(filepath.FromSlash(path.Join(f.below, name)), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.file(name).Path, err)
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, fmt.Errorf("%s: is no regular file", f.file(name).Path)
	}
	return file, nil
}

// names lists the files that may hold data. Hidden files and directories, and
// those with two underscores in front, are left out as the hub's own reader leaves
// them out.
func (f *folder) names() (listing, error) {
	out := listing{labels: map[string]bool{}}
	root, err := os.OpenRoot(f.root)
	if err != nil {
		return out, err
	}
	defer root.Close()
	seen := 0
	err = fs.WalkDir(root.FS(), f.below, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", f.shown, err)
		}
		if seen++; seen > maxFiles {
			return fmt.Errorf("%s: more than %d files", f.shown, maxFiles)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(at, f.below), "/")
		if f.below == "." {
			name = at
		}
		if base := d.Name(); at != f.below && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "__")) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		return out.add(f, root, at, name, d)
	})
	slices.Sort(out.data)
	return out, err
}

// add takes a file into the listing if its name says that it may be wanted.
func (l *listing) add(f *folder, root *os.Root, at, name string, d fs.DirEntry) error {
	base := path.Base(name)
	isLabels, isCard := strings.HasSuffix(base, "-labels.lst"), name == "README.md"
	if formOf(base) == unknown && !isLabels && !isCard || slices.Contains(notData, base) {
		return nil
	}
	mode := d.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := root.Stat(filepath.FromSlash(at))
		if err != nil {
			return fmt.Errorf("%s: a link that leads nowhere or out of the directory: %w", f.file(name).Path, err)
		}
		mode = info.Mode()
	}
	switch {
	case !mode.IsRegular():
		return fmt.Errorf("%s: not a regular file", f.file(name).Path)
	case isLabels:
		l.labels[name] = true
	case isCard:
		l.card = true
	default:
		l.data = append(l.data, name)
	}
	return nil
}

// notData are files beside data that have the form of data.
var notData = []string{"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}

// readCard returns the beginning of README.md.
func (f *folder) readCard() ([]byte, error) {
	r, err := f.open("README.md")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxCard))
}
