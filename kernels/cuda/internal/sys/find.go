package sys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// PathVariable names folders in which libraries are looked for before all others.
const PathVariable = "LAMINA_CUDA_LIBRARY_PATH"

// Finder looks for libraries. The functions are those of the system, or a test's.
type Finder struct {
	Getenv  func(name string) string
	Exists  func(path string) bool
	Glob    func(pattern string) []string
	Resolve func(path string) string // without symbolic links
	Open    func(path string) (Library, error)
}

// System looks for libraries on this machine.
func System() Finder {
	return Finder{
		Getenv: os.Getenv,
		Exists: func(path string) bool {
			_, err := os.Stat(path)
			return err == nil
		},
		Glob: func(pattern string) []string {
			paths, _ := filepath.Glob(pattern) // the patterns are good
			return paths
		},
		Resolve: func(path string) string {
			if real, err := filepath.EvalSymlinks(path); err == nil {
				return real
			}
			return path
		},
		Open: Open,
	}
}

// Attempt is one place where a library was looked for.
type Attempt struct {
	Path string // of a folder, or a library, or a name that the loader was given
	Why  string // why it is not the library; empty for the one that was loaded
}

// Want says which library is looked for.
type Want struct {
	// Names are file names, the best first.
	Names []string
	// Toolkit says that the library is of the CUDA toolkit: that Python environments and
	// toolkits hold it, beside the folders of the system.
	Toolkit bool
}

// NotFound is the error of a library that is nowhere, or does not load.
type NotFound struct {
	Names    []string
	Attempts []Attempt
	// Broken is the first that is there and does not load.
	Broken *Attempt
}

// Error says what was looked for and in how many places, or why what is there does not
// load.
func (e *NotFound) Error() string {
	if e.Broken != nil {
		return fmt.Sprintf("%s does not load: %s", e.Broken.Path, e.Broken.Why)
	}
	return fmt.Sprintf("%s not found", strings.Join(e.Names, ", "))
}

// Find loads the first library that is there and loads, and returns every place that it
// tried. An error is a [*NotFound].
//
// The order: the folders of LAMINA_CUDA_LIBRARY_PATH; the loader, by name; and, by their
// paths, the folders of [Finder.Places].
func (f Finder) Find(w Want) (Library, []Attempt, error) {
	s := search{Finder: f, want: w}
	for _, folder := range filepath.SplitList(f.Getenv(PathVariable)) {
		if folder != "" && s.folder(folder) {
			return s.found, s.tried, nil
		}
	}
	for _, name := range w.Names {
		if s.open(name) {
			return s.found, s.tried, nil
		}
	}
	for _, place := range f.Places(w) {
		if s.pattern(place) {
			return s.found, s.tried, nil
		}
	}
	return nil, s.tried, &NotFound{w.Names, s.tried, s.broken()}
}

// search is what Find has done so far.
type search struct {
	Finder
	want  Want
	tried []Attempt
	found Library
	there []int // those of tried that are there
}

const notThere = "not there"

// pattern tries the folders that a pattern stands for.
func (s *search) pattern(pattern string) bool {
	folders := []string{pattern}
	if strings.ContainsAny(pattern, "*?[") {
		folders = s.Glob(pattern)
		slices.Reverse(folders) // the newest version first
	}
	if len(folders) == 0 {
		s.tried = append(s.tried, Attempt{pattern, notThere})
	}
	return slices.ContainsFunc(folders, s.folder)
}

// folder tries the files of a folder.
func (s *search) folder(folder string) bool {
	if !s.Exists(folder) {
		s.tried = append(s.tried, Attempt{folder, notThere})
		return false
	}
	any := false
	for _, name := range s.want.Names {
		path := filepath.Join(folder, name)
		if !s.Exists(path) {
			continue
		}
		any = true
		s.there = append(s.there, len(s.tried))
		if s.open(path) {
			return true
		}
	}
	if !any {
		s.tried = append(s.tried, Attempt{folder, "holds no " + strings.Join(s.want.Names, ", ")})
	}
	return false
}

// open tries one library.
func (s *search) open(path string) bool {
	lib, err := s.Open(path)
	if err != nil {
		why := err.Error()
		for short := strings.TrimPrefix(why, path+": "); short != why; short = strings.TrimPrefix(why, path+": ") {
			why = short
		}
		if !filepath.IsAbs(path) && !strings.Contains(why, "No such file") {
			s.there = append(s.there, len(s.tried)) // the loader found one
		}
		s.tried = append(s.tried, Attempt{path, why})
		return false
	}
	s.found = lib
	s.tried = append(s.tried, Attempt{Path: path})
	return true
}

// broken returns the first that is there.
func (s *search) broken() *Attempt {
	if len(s.there) == 0 {
		return nil
	}
	return &s.tried[s.there[0]]
}

// ErrNotBuilt is the error of a program without the tag cuda, or for another system.
var ErrNotBuilt = errors.New("built without CUDA: build with -tags cuda")
