package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Manifest is the file in a directory that lists all others with size and SHA-256, so
// that who opens the directory knows that it is the one that was written: whole, with
// nothing changed and nothing added.
const Manifest = "MANIFEST.json"

// fileSum is one line of a manifest.
type fileSum struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Seal writes the manifest of a directory, which holds files only. It is called last.
func Seal(dir string) error {
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	sums := make([]fileSum, len(names))
	for i, name := range names {
		if sums[i], err = sumOf(dir, name); err != nil {
			return err
		}
	}
	return WriteJSON(filepath.Join(dir, Manifest), sums)
}

// published is what a hub and git put beside the files of a directory that is published
// there. Nothing here reads it.
var published = []string{".cache", ".git", ".gitattributes", "README.md"}

// Verify checks a directory against its manifest and names the first file that is
// missing, changed, cut or not listed; what a hub adds of its own is passed over. Without
// a manifest the error is fs.ErrNotExist.
func Verify(dir string) error {
	return VerifyPart(dir, func(names []string) ([]string, error) { return names, nil })
}

// VerifyPart is [Verify] for a directory that came in part, as those of the hub's cache
// do: of the files that the manifest lists, only those that choose wants must be there.
// What is there is checked all the same.
func VerifyPart(dir string, choose func(names []string) ([]string, error)) error {
	listed, err := readManifest(filepath.Join(dir, Manifest))
	if err != nil {
		return err
	}
	have, err := namesIn(dir)
	if err != nil {
		return err
	}
	want := map[string]fileSum{}
	for _, f := range listed {
		if _, twice := want[f.Name]; twice {
			return fmt.Errorf("%s: %.64q comes twice: take a fresh copy of the directory", filepath.Join(dir, Manifest), f.Name)
		}
		want[f.Name] = f
	}
	have = slices.DeleteFunc(have, func(name string) bool {
		_, listed := want[name]
		return !listed && slices.Contains(published, name)
	})
	for _, name := range have {
		if _, ok := want[name]; !ok {
			return fmt.Errorf("%s: %s does not list it: it was added; take it away", filepath.Join(dir, name), Manifest)
		}
	}
	wanted, err := choose(slices.Sorted(maps.Keys(want)))
	if err != nil {
		return fmt.Errorf("%s: by its %s %w", dir, Manifest, err)
	}
	for _, name := range wanted {
		if !slices.Contains(have, name) {
			return fmt.Errorf("%s: missing; %s lists it: take a fresh copy of the directory", filepath.Join(dir, name), Manifest)
		}
	}
	for _, name := range have {
		if err := want[name].check(dir); err != nil {
			return err
		}
	}
	return nil
}

// check holds a file against its line, the size first: hashing a huge one takes long.
func (f fileSum) check(dir string) error {
	path := filepath.Join(dir, f.Name)
	if err := checkInside(path); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() != f.Size {
		return fmt.Errorf("%s: %d bytes, %s says %d: it was changed or cut: take a fresh copy", path, info.Size(), Manifest, f.Size)
	}
	digest, _, err := SHA256(path)
	if err == nil && digest != f.SHA256 {
		return fmt.Errorf("%s: SHA-256 %.12s…, %s says %.12q…: it was changed: take a fresh copy", path, digest, Manifest, f.SHA256)
	}
	return err
}

// readManifest reads a manifest to the letter: what WriteJSON would not have written
// was changed since.
func readManifest(path string) ([]fileSum, error) {
	if err := checkInside(path); err != nil {
		return nil, err
	}
	var sums []fileSum
	if err := ReadJSON(path, &sums); err != nil {
		return nil, err
	}
	have, err := Read(path, Small)
	if err != nil {
		return nil, err
	}
	if want, err := JSON(sums); err != nil || !bytes.Equal(have, want) {
		return nil, fmt.Errorf("%s: not as it was written: it was changed: take a fresh copy", path)
	}
	return sums, nil
}

// HasManifest reports whether a directory has a manifest.
func HasManifest(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, Manifest))
	return !errors.Is(err, fs.ErrNotExist)
}

// ReadSent reads the JSON file name of a directory that somebody sent into v, after every
// file there was held against the manifest. digest is the manifest's SHA-256, "" where
// there is none, as in directories of the first format: see [CheckFormat].
func ReadSent(dir, name string, v any) (digest string, err error) {
	return readSent(dir, name, v, Verify)
}

// ReadSentAlone is [ReadSent] for who wants that file alone: others may be missing.
func ReadSentAlone(dir, name string, v any) (digest string, err error) {
	return readSent(dir, name, v, func(dir string) error {
		return VerifyPart(dir, func([]string) ([]string, error) { return []string{name}, nil })
	})
}

func readSent(dir, name string, v any, verify func(dir string) error) (digest string, err error) {
	if HasManifest(dir) {
		if err := verify(dir); err != nil {
			return "", err
		}
		if digest, err = ManifestSum(dir); err != nil {
			return "", err
		}
	}
	return digest, ReadJSON(filepath.Join(dir, name), v)
}

// CheckFormat returns an error unless the file name of a directory says that it is of the
// kind that is wanted and of a format from 1 to newest. From 2 on there is a manifest, of
// which digest is the SHA-256.
func CheckFormat(dir, name, want string, newest int, kind string, format int, digest string) error {
	switch {
	case kind != want || format < 1 || format > newest:
		return fmt.Errorf("%s: kind %.32q format %d: this version reads %ss of formats 1 to %d", filepath.Join(dir, name), kind, format, want, newest)
	case format > 1 && digest == "":
		return fmt.Errorf("%s: missing; %s of format %d has one: take a fresh copy of the directory", filepath.Join(dir, Manifest), a(want), format)
	}
	return nil
}

// ManifestSum returns the SHA-256 of a directory's manifest, and so of all that is in it.
func ManifestSum(dir string) (digest string, err error) {
	digest, _, err = SHA256(filepath.Join(dir, Manifest))
	return digest, err
}

// UnsealedWarning says in a line that a directory has no manifest.
func UnsealedWarning(dir string) string {
	return fmt.Sprintf("%s: has no %s, as an earlier version of lamina wrote it: a change of its files since then is not seen", dir, Manifest)
}

// Size counts the files of a directory and their bytes.
func Size(dir string) (count int, bytes int64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return count, bytes, err
		}
		count, bytes = count+1, bytes+info.Size()
	}
	return count, bytes, err
}

// namesIn lists what a directory holds beside its manifest and mark, sorted.
func namesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Name() != Manifest && e.Name() != Mark {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// sumOf hashes a file that lies in dir itself: what a link leads to is not sent with the
// directory, and may be another file when it is read.
func sumOf(dir, name string) (fileSum, error) {
	path := filepath.Join(dir, name)
	if err := checkInside(path); err != nil {
		return fileSum{}, err
	}
	digest, size, err := SHA256(path)
	return fileSum{name, size, digest}, err
}

// cachedBlob is where a link in a snapshot of the hub's cache leads: to a file whose name
// is the digest of its content.
var cachedBlob = regexp.MustCompile(`^\.\./\.\./blobs/([0-9a-f]{40}|[0-9a-f]{64})$`)

// checkInside refuses what is no regular file, but for the links of the hub's cache.
func checkInside(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, bare(err))
	case info.Mode().IsRegular():
		return nil
	case info.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("%s: is %s, want a regular file: take a fresh copy of the directory", path, kindOf(info.Mode()))
	}
	if to, err := os.Readlink(path); err == nil && cachedBlob.MatchString(filepath.ToSlash(to)) {
		return nil
	}
	return fmt.Errorf("%s: is a link, want the file itself: take a fresh copy of the directory", path)
}
