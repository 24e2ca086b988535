package undo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/internal/units"
)

// Undone is what [Back] did.
type Undone struct {
	Out      string   `json:"out"`
	Base     string   `json:"base"` // as the old model was named
	Files    []string `json:"files"`
	Bytes    int64    `json:"bytes"`
	Excluded []string `json:"excluded,omitempty"` // what lay with it and was not kept
}

// Text tells it, in lines.
func (u Undone) Text() string {
	text := fmt.Sprintf("%s has the bytes of %s again: %d files, %s; %s is gone\n", u.Out, u.Base, len(u.Files), units.Bytes(int(u.Bytes)), Dir(u.Out))
	for _, name := range u.Excluded {
		text += fmt.Sprintf("%s of it was not kept\n", name)
	}
	return text
}

// Back gives out the files of the model that it was written from, and removes what was kept
// beside it. An out of another kind, one that holds a file that lamina did not write, or one
// that is not as it was written is an error, and stays as it is. Where an earlier Back was
// cut short, it does what is left.
func Back(out, kind string) (Undone, error) {
	out = Named(out)
	if err := files.Recover(out); err != nil {
		return Undone{}, err
	}
	if err := wantThere(out); err != nil {
		return Undone{}, err
	}
	release, err := Lock(out)
	if err != nil {
		return Undone{}, err
	}
	defer release()
	if err := wantOwn(out); err != nil {
		return Undone{}, err
	}
	id, _, err := idOf(out)
	if err != nil {
		return Undone{}, err
	}
	r, dir, err := readRecord(out, id)
	if err != nil {
		return Undone{}, err
	}
	if r == nil {
		return finished(out)
	}
	if err := (files.Output{Path: out, Kind: kind, Overwrite: true}).Check(); err != nil {
		return Undone{}, err
	}
	if err := r.restore(out, dir); err != nil {
		return Undone{}, err
	}
	return r.undone(out), files.Remove(Dir(out))
}

// wantThere returns an error that says what to name instead of what is no model's directory.
func wantThere(out string) error {
	info, err := os.Stat(out)
	kept, _ := recordsBeside(out)
	model := strings.TrimSuffix(out, suffix)
	switch {
	case err == nil && info.IsDir():
		if names, err := recordsBeside(model); err == nil && model != out && len(names) > 0 {
			return fmt.Errorf("%s: is where the way back of %s is kept: name that", out, model)
		}
		return nil
	case err == nil:
		return fmt.Errorf("%s: is no directory: name the one that plug or accept wrote", out)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case len(kept) > 0:
		return fmt.Errorf("%s: is not there, and %s keeps only what it lacks of the old model's bytes: put %s back, from where it was moved or from a copy", out, Dir(out), out)
	}
	return fmt.Errorf("%s: is not there: name the directory that plug or accept wrote (--out)", out)
}

func (r *record) undone(out string) Undone {
	u := Undone{Out: out, Base: r.Base, Excluded: r.Excluded}
	for _, f := range r.Files {
		u.Files, u.Bytes = append(u.Files, f.Name), u.Bytes+f.Size
	}
	return u
}

// Size returns how many bytes are kept beside out.
func Size(out string) (bytes int64, err error) {
	names, err := recordsBeside(out)
	for _, name := range names {
		_, n, err := files.Size(filepath.Join(Dir(out), name))
		if err != nil {
			return 0, err
		}
		bytes += n
	}
	return bytes, err
}

// finished does what is left where out has no record: it is the old model already, or none
// is known.
func finished(out string) (Undone, error) {
	names, err := recordsBeside(out)
	if err != nil {
		return Undone{}, err
	}
	_, have, err := idOf(out)
	if err != nil {
		return Undone{}, err
	}
	for _, name := range names {
		r, _, err := readRecord(out, name)
		if err != nil {
			return Undone{}, err
		}
		if r != nil && r.is(have) {
			return r.undone(out), files.Remove(Dir(out))
		}
	}
	if len(names) > 0 {
		return Undone{}, fmt.Errorf("%s: is not as it was written: %s, which says what it was made from, is of other bytes: put back a copy", out, Dir(out))
	}
	return Undone{}, fmt.Errorf("%s: nothing is kept of what it was made from: no %s, as plug writes it beside what it writes (but with --no-undo)", out, Dir(out))
}

// is reports whether a directory has the old model's files. Its mark is not looked at.
func (r *record) is(digests map[string]string) bool {
	n := 0
	for _, f := range r.Files {
		if f.Name == files.Mark {
			continue
		}
		if n++; digests[f.Name] != f.SHA256 {
			return false
		}
	}
	return n == len(digests)
}

// restore puts the old model's files in the place of out.
func (r *record) restore(out, dir string) error {
	keptPath := filepath.Join(dir, keptFile)
	digest, size, err := files.SHA256(keptPath)
	if err != nil {
		return err
	}
	if size != r.Kept.Size || digest != r.Kept.SHA256 {
		return fmt.Errorf("%s: not as it was written: it was changed: put back a copy", keptPath)
	}
	in, _, err := files.Open(keptPath, files.Unlimited)
	if err != nil {
		return err
	}
	defer in.Close()
	s := &source{out: out, kept: in, tensors: map[string]*safetensors.File{}}
	all, err := weightsIn(out)
	if err != nil {
		return err
	}
	closed := false
	closeAll := func() {
		for _, f := range all {
			if !closed {
				f.Close()
			}
		}
		closed = true
	}
	defer closeAll()
	for _, f := range all {
		for _, name := range f.Names() {
			s.tensors[name] = f
		}
	}
	return files.Dir(out, true, func(tmp string) error {
		for _, f := range r.Files {
			if err := s.write(tmp, f); err != nil {
				return err
			}
		}
		closeAll() // some systems do not rename what is mapped
		return nil
	})
}

// source is where the pieces of files are.
type source struct {
	out     string
	kept    io.Reader
	tensors map[string]*safetensors.File
}

// write writes a file, if it comes to what it was.
func (s *source) write(dir string, f file) error {
	return files.Write(filepath.Join(dir, f.Name), func(w io.Writer) error {
		sum := sha256.New()
		to := io.MultiWriter(w, sum)
		for _, p := range f.Pieces {
			if n, err := s.copy(to, p); err != nil || n != p.Size {
				return errors.Join(err, fmt.Errorf("file %q: a piece has %d bytes of %d", f.Name, n, p.Size))
			}
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
			return fmt.Errorf("file %q: SHA-256 %.12s…, and was %.12s…: %s stays as it is", f.Name, got, f.SHA256, s.out)
		}
		return nil
	})
}

func (s *source) copy(w io.Writer, p piece) (int64, error) {
	switch {
	case p.Tensor != "":
		f := s.tensors[p.Tensor]
		if f == nil {
			return 0, fmt.Errorf("tensor %q is missing", p.Tensor)
		}
		data, err := f.Bytes(p.Tensor)
		if err != nil {
			return 0, err
		}
		n, err := w.Write(data)
		f.Release(p.Tensor)
		return int64(n), err
	case p.File != "":
		in, _, err := files.Open(filepath.Join(s.out, p.File), files.Unlimited)
		if err != nil {
			return 0, err
		}
		defer in.Close()
		return io.Copy(w, in)
	}
	return io.CopyN(w, s.kept, p.Size)
}
