package parcel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lamina/internal/files"
)

// The names of a package's directory.
const (
	manifestName    = "manifest.json"
	signatureSuffix = ".minisig"
	signatureName   = manifestName + signatureSuffix
	payloadName     = "payload"
)

// Bounds of a package's files: far above any model, and low enough that what is claimed
// can be added up.
const (
	maxFile  = 1 << 42 // bytes
	maxTotal = 1 << 43
)

// listing is what lies in a package, before any of it is opened.
type listing struct {
	signed bool
	files  []File // of payload/ by name, without digests
}

// list looks at the names, kinds and sizes of all that lies in a package.
func list(dir string) (l listing, err error) {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return l, fmt.Errorf("%s: missing or unreadable: want the directory of a package", dir)
	case !info.IsDir():
		return l, fmt.Errorf("%s: is no directory: want that of a package (a link is not followed)", dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, err
	}
	have := map[string]bool{}
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == manifestName }) {
		return l, fmt.Errorf("%s: missing: want the directory of a package, as lamina package writes it; what emulate or finetune wrote is packed first", filepath.Join(dir, manifestName))
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !slices.Contains([]string{manifestName, signatureName, payloadName}, e.Name()) {
			return l, fmt.Errorf("%s: no part of a package, which has %s, %s and %s/: take it away", shown(path), manifestName, signatureName, payloadName)
		}
		have[e.Name()] = true
		if e.Name() == payloadName {
			if !e.IsDir() {
				return l, fmt.Errorf("%s: is no directory: take a fresh copy of the package", path)
			}
			continue
		}
		if _, err := own(path, e); err != nil {
			return l, err
		}
	}
	if !have[payloadName] {
		return l, fmt.Errorf("%s: missing: want the directory of a package, as lamina package writes it", filepath.Join(dir, payloadName))
	}
	l.signed = have[signatureName]
	l.files, err = listPayload(filepath.Join(dir, payloadName))
	return l, err
}

// listPayload returns the files of a directory that holds files alone.
func listPayload(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if len(entries) > maxFiles {
		return nil, fmt.Errorf("%s: %d files, more than the %d that a package may have", dir, len(entries), maxFiles)
	}
	var all []File
	var names []string
	total := int64(0)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := own(path, e)
		if err != nil {
			return nil, err
		}
		if total += info.Size(); info.Size() > maxFile || total > maxTotal {
			return nil, fmt.Errorf("%s: %d bytes, more than a package may have", shown(path), info.Size())
		}
		all = append(all, File{Name: e.Name(), Size: info.Size()})
		names = append(names, e.Name())
	}
	if err := checkNames(names); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return all, nil
}

// own wants a regular file that lies here and nowhere else.
func own(path string, e fs.DirEntry) (fs.FileInfo, error) {
	info, err := e.Info()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: unreadable: %w", shown(path), errors.Unwrap(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is %s, want a regular file: take a fresh copy of the package", shown(path), kindOf(info.Mode()))
	case links(info) > 1:
		return nil, fmt.Errorf("%s: is linked %d times, so that what has another name writes it too: copy the package (cp -r), and take the copy", shown(path), links(info))
	}
	return info, nil
}

// kindOf names what is no regular file.
func kindOf(mode fs.FileMode) string {
	for _, k := range []struct {
		bit  fs.FileMode
		name string
	}{{fs.ModeDir, "a directory"}, {fs.ModeSymlink, "a link"}, {fs.ModeNamedPipe, "a pipe"}, {fs.ModeSocket, "a socket"}, {fs.ModeDevice, "a device"}} {
		if mode&k.bit != 0 {
			return k.name
		}
	}
	return "no file with content"
}

// shown returns a path as it can be printed on one line.
func shown(path string) string {
	if printable(path, len(path)) {
		return path
	}
	return fmt.Sprintf("%q", path)
}

// checkFiles holds the files of payload/ against those of the manifest: names and sizes,
// then every byte.
func (l listing) checkFiles(dir string, m Manifest) error {
	manifest := filepath.Join(dir, manifestName)
	have := map[string]int64{}
	for _, f := range l.files {
		have[f.Name] = f.Size
	}
	for _, f := range m.Files {
		path := filepath.Join(dir, payloadName, f.Name)
		size, there := have[f.Name]
		switch {
		case !there:
			return fmt.Errorf("%s: missing; %s lists it: take a fresh copy of the package", path, manifest)
		case size != f.Size:
			return fmt.Errorf("%s: %d bytes, %s says %d: it was changed or cut: take a fresh copy", path, size, manifestName, f.Size)
		}
		delete(have, f.Name)
	}
	for _, f := range l.files {
		if _, extra := have[f.Name]; extra {
			return fmt.Errorf("%s: %s does not list it: it was added; take it away", shown(filepath.Join(dir, payloadName, f.Name)), manifestName)
		}
	}
	for _, f := range m.Files {
		path := filepath.Join(dir, payloadName, f.Name)
		digest, _, err := files.SHA256(path)
		if err != nil {
			return err
		}
		if digest != f.SHA256 {
			return fmt.Errorf("%s: SHA-256 %.12s…, %s says %.12s…: it was changed: take a fresh copy", path, digest, manifestName, f.SHA256)
		}
	}
	return nil
}
