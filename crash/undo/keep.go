package undo

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/formats"
	"lamina/formats/gguf"
	"lamina/formats/safetensors"
	"lamina/internal/files"
)

// Base is the model that something is written from: a directory or a file.
type Base struct {
	Path    string
	Weights []string // the files that its weights are read from, wherever they lie
}

// mostBeside bounds a file beside the weights that is kept: beyond it are other weights.
const mostBeside = 256 << 20

// leastFound is the size from which a tensor is looked for in OUT.
const leastFound = 256

// ranged is a reader of one file that says where a tensor lies.
type ranged interface {
	formats.Reader
	Range(name string) (start, end int64, ok bool)
}

// Keep writes the record of a directory tmp that is to be out: what tmp lacks of the files
// of base. It returns the digest of tmp, by which [Settle] knows it. What lies below base in
// directories, or is large and none of its weights, is not kept, and listed.
func Keep(tmp, out string, base Base) (id string, err error) {
	if err := wantOwn(out); err != nil {
		return "", err
	}
	h, err := newHolding(tmp)
	if err != nil {
		return "", err
	}
	defer h.close()
	r := record{Format: recordFormat, Kind: recordKind, Of: h.id, Base: base.Path}
	sources, excluded, err := base.files()
	if err != nil {
		return "", err
	}
	r.Excluded = excluded
	for _, path := range sources {
		f, err := h.describe(path)
		if err != nil {
			return "", err
		}
		r.Files = append(r.Files, f)
		for _, p := range f.Pieces {
			if p.kept() {
				r.Kept.Size += p.Size
			}
		}
	}
	if err := files.CheckSpace(filepath.Dir(Dir(out)), r.Kept.Size); err != nil {
		return "", fmt.Errorf("%w; --no-undo keeps no way back", err)
	}
	return h.id, files.Dir(filepath.Join(Dir(out), h.id[:idDigits]), true, func(dir string) error { return r.write(dir, sources) })
}

// files lists the base's files, and what is not kept of what lies there.
func (b Base) files() (paths, excluded []string, err error) {
	info, err := os.Stat(b.Path)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		return slices.Clone(b.Weights), nil, nil
	}
	entries, err := os.ReadDir(b.Path)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		path := filepath.Join(b.Path, e.Name())
		info, err := os.Stat(path) // the hub's cache has links
		if err == nil && info.Mode().IsRegular() && (info.Size() <= mostBeside || slices.Contains(b.Weights, path)) {
			paths = append(paths, path)
		} else {
			excluded = append(excluded, e.Name())
		}
	}
	return paths, excluded, nil
}

// holding is what a directory holds, by its digests.
type holding struct {
	id      string
	files   map[string]string // SHA-256 → name
	tensors map[[sha256.Size]byte]string
	readers []*safetensors.File
}

func newHolding(dir string) (*holding, error) {
	h := &holding{files: map[string]string{}, tensors: map[[sha256.Size]byte]string{}}
	id, digests, err := idOf(dir)
	if err != nil {
		return nil, err
	}
	h.id = id
	for name, digest := range digests {
		if first, ok := h.files[digest]; !ok || name < first {
			h.files[digest] = name
		}
	}
	if h.readers, err = weightsIn(dir); err != nil {
		return nil, err
	}
	for _, r := range h.readers {
		for _, name := range r.Names() {
			data, err := r.Bytes(name)
			if err != nil {
				h.close()
				return nil, err
			}
			if sum := sha256.Sum256(data); h.tensors[sum] == "" {
				h.tensors[sum] = name
			}
			r.Release(name)
		}
	}
	return h, nil
}

func (h *holding) close() {
	for _, r := range h.readers {
		r.Close()
	}
}

// weightsIn opens the safetensors of a directory.
func weightsIn(dir string) (all []*safetensors.File, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".safetensors" {
			continue
		}
		f, err := safetensors.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			for _, f := range all {
				f.Close()
			}
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// describe says which pieces a file is made of.
func (h *holding) describe(path string) (f file, err error) {
	f.Name = filepath.Base(path)
	if f.SHA256, f.Size, err = files.SHA256(path); err != nil {
		return f, err
	}
	if name, ok := h.files[f.SHA256]; ok {
		f.Pieces = []piece{{Size: f.Size, File: name}}
		return f, nil
	}
	pos := int64(0)
	if r := openRanged(path); r != nil {
		defer r.Close()
		for _, at := range ranges(r) {
			data, err := r.Bytes(at.name)
			if err != nil { // of a type that nobody reads
				continue
			}
			if name := h.tensors[sha256.Sum256(data)]; name != "" && at.start >= pos {
				f.keep(at.start - pos)
				f.Pieces, pos = append(f.Pieces, piece{Size: at.end - at.start, Tensor: name}), at.end
			}
			r.Release(at.name)
		}
	}
	f.keep(f.Size - pos)
	return f, nil
}

// keep adds bytes of kept.bin.
func (f *file) keep(n int64) {
	if n > 0 {
		f.Pieces = append(f.Pieces, piece{Size: n})
	}
}

// openRanged opens a file of tensors; nil for what is none.
func openRanged(path string) ranged {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".safetensors":
		if f, err := safetensors.Open(path); err == nil {
			return f
		}
	case ".gguf":
		if f, err := gguf.Open(path); err == nil {
			if r, ok := f.Reader.(ranged); ok {
				return r
			}
			f.Close()
		}
	}
	return nil
}

// placed is a tensor and where it lies.
type placed struct {
	name       string
	start, end int64
}

// ranges lists the tensors worth looking for in the order of the file.
func ranges(r ranged) (all []placed) {
	for _, name := range r.Names() {
		if start, end, ok := r.Range(name); ok && end-start >= leastFound {
			all = append(all, placed{name, start, end})
		}
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Compare(a.start, b.start) })
	return all
}

// write writes kept.bin and then record.json, from the files that the record is of.
func (r *record) write(dir string, sources []string) error {
	sum := sha256.New()
	err := files.Write(filepath.Join(dir, keptFile), func(w io.Writer) error {
		for i, f := range r.Files {
			if err := f.writeKept(io.MultiWriter(w, sum), sources[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.Kept.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return files.WriteSealed(filepath.Join(dir, recordFile), r)
}

// writeKept writes those pieces of a file that are kept.
func (f file) writeKept(w io.Writer, path string) error {
	in, _, err := files.Open(path, files.Unlimited)
	if err != nil {
		return err
	}
	defer in.Close()
	pos := int64(0)
	for _, p := range f.Pieces {
		if p.kept() {
			if n, err := io.Copy(w, io.NewSectionReader(in, pos, p.Size)); err != nil || n != p.Size {
				return fmt.Errorf("%s: %d bytes are there at %d, and were %d: %w", path, n, pos, p.Size, cmp.Or(err, io.ErrUnexpectedEOF))
			}
		}
		pos += p.Size
	}
	return nil
}
