package undo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"lamina/internal/files"
)

// Names in OUT.undo, and of the files of a record.
const (
	suffix     = ".undo"
	recordFile = "record.json"
	keptFile   = "kept.bin"

	recordKind   = "undo"
	recordFormat = 1
)

// idDigits is how much of the digest of an OUT names its record.
const idDigits = 16

// recordName is what the directories in OUT.undo are called.
var recordName = regexp.MustCompile(`^[0-9a-f]{16}$`)

// Dir returns the directory that is kept beside out.
func Dir(out string) string { return Named(out) + suffix }

// Named gives a path a last element that a name beside it can be made of. It is called
// before what is there is replaced: a process that stands in it has no name of it after.
func Named(out string) string {
	out = filepath.Clean(out)
	if base := filepath.Base(out); base == "." || base == ".." {
		if abs, err := filepath.Abs(out); err == nil {
			return abs
		}
	}
	return out
}

// Lock keeps others from what is kept beside out: who replaces out holds it from before
// [Keep] until after [Settle], or else the record of one would go with another's old ones.
func Lock(out string) (release func(), err error) {
	if err := files.Recover(Dir(out)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return files.LockBeside(Dir(out))
}

// record is record.json.
type record struct {
	Format   int      `json:"format"` // 1
	Kind     string   `json:"kind"`   // "undo"
	Of       string   `json:"of"`     // digest of the OUT that it is of
	Base     string   `json:"base"`   // the old model, as it was named
	Files    []file   `json:"files"`
	Kept     kept     `json:"kept"`
	Excluded []string `json:"excluded,omitempty"` // what lay there and is not kept
}

// kept describes kept.bin: the pieces that OUT has not, one after the other.
type kept struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// file is one of the old model's.
type file struct {
	Name   string  `json:"name"`
	Size   int64   `json:"size"`
	SHA256 string  `json:"sha256"`
	Pieces []piece `json:"pieces"` // that it is made of, one after the other
}

// piece is the bytes of a tensor of OUT or of a file of OUT, or else the next of kept.bin.
type piece struct {
	Size   int64  `json:"size"`
	Tensor string `json:"tensor,omitempty"`
	File   string `json:"file,omitempty"`
}

func (p piece) kept() bool { return p.Tensor == "" && p.File == "" }

// idOf is the digest of what a directory holds, but for its mark: the names, sizes and
// digests of its files. digests has those of the files.
func idOf(dir string) (id string, digests map[string]string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, err
	}
	h, digests := sha256.New(), map[string]string{}
	for _, e := range entries { // sorted by name
		if e.Name() == files.Mark || e.IsDir() {
			continue
		}
		digest, size, err := files.SHA256(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", nil, err
		}
		digests[e.Name()] = digest
		fmt.Fprintf(h, "%q %d %s\n", e.Name(), size, digest)
	}
	return hex.EncodeToString(h.Sum(nil)), digests, nil
}

// recordsBeside lists the directories of records beside out.
func recordsBeside(out string) (names []string, err error) {
	entries, err := os.ReadDir(Dir(out))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if recordName.MatchString(e.Name()) && e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// wantOwn returns an error where OUT.undo is there and not of this package's making.
func wantOwn(out string) error {
	dir := Dir(out)
	if err := files.Recover(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%s: is where the way back is kept: %w: move it", dir, err)
	}
	if err := files.Sweep(dir, false); err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := os.Lstat(filepath.Join(dir, e.Name())); err == nil && !(recordName.MatchString(e.Name()) && e.IsDir()) {
			return fmt.Errorf("%s: lamina did not write it, and in %s it keeps the way back: move it", filepath.Join(dir, e.Name()), dir)
		}
	}
	return nil
}

// Settle removes beside out, which has its name now, the records of what had that name
// before: all but that of id, "" if none is kept.
func Settle(out, id string) error {
	names, err := recordsBeside(out)
	if err != nil {
		return err
	}
	own := id[:min(idDigits, len(id))]
	for _, name := range names {
		if name != own {
			if err := files.Remove(filepath.Join(Dir(out), name)); err != nil {
				return err
			}
		}
	}
	if left, err := os.ReadDir(Dir(out)); err == nil && len(left) == 0 {
		return files.Remove(Dir(out))
	}
	return nil
}

// readRecord reads the record of an id, or of its beginning, beside out; nil where there is
// none.
func readRecord(out, id string) (*record, string, error) {
	dir := filepath.Join(Dir(out), id[:idDigits])
	r := &record{}
	switch err := files.ReadSealed(filepath.Join(dir, recordFile), files.Small, r); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", nil
	case err != nil:
		return nil, "", err
	}
	return r, dir, r.check(filepath.Join(dir, recordFile), id)
}

// check returns an error for what Keep would not have written.
func (r *record) check(path, id string) error {
	if r.Kind != recordKind || r.Format != recordFormat {
		return fmt.Errorf("%s: is %.32q of format %d, want %q of format %d", path, r.Kind, r.Format, recordKind, recordFormat)
	}
	if len(r.Of) != 2*sha256.Size || !strings.HasPrefix(r.Of, id) {
		return fmt.Errorf("%s: is of another directory: %.16q…, and its name says %.16s…: it was changed", path, r.Of, id)
	}
	seen := map[string]bool{}
	for _, f := range r.Files {
		if f.Name != filepath.Base(f.Name) || !filepath.IsLocal(f.Name) || f.Name == "." || seen[f.Name] {
			return fmt.Errorf("%s: %.64q is no name of a file, or comes twice: it was changed", path, f.Name)
		}
		seen[f.Name] = true
		size := int64(0)
		for _, p := range f.Pieces {
			if p.Size < 0 || p.Size > f.Size {
				return fmt.Errorf("%s: file %q has a piece of %d bytes: it was changed", path, f.Name, p.Size)
			}
			if p.File != "" && (p.File != filepath.Base(p.File) || !filepath.IsLocal(p.File)) {
				return fmt.Errorf("%s: file %q has a piece of %.64q, which is no name of a file: it was changed", path, f.Name, p.File)
			}
			size += p.Size
		}
		if size != f.Size {
			return fmt.Errorf("%s: file %q has %d bytes and pieces of %d: it was changed", path, f.Name, f.Size, size)
		}
	}
	if len(r.Files) == 0 {
		return fmt.Errorf("%s: lists no file: it was changed", path)
	}
	return nil
}
