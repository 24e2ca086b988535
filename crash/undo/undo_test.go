package undo_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/undo"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/internal/files/filestest"
	"lamina/tensor"
)

const kind = "plugged model"

// weights writes some tensors of 80 F32, each of one number, in one file or in several.
func weights(dir string, most int64, values map[string]float32) error {
	var entries []formats.Entry
	for name := range values {
		entries = append(entries, formats.Entry{Name: name, DType: tensor.F32, Shape: []int{80}})
	}
	return safetensors.WriteSharded(dir, entries, most, func(name string, w io.Writer) error {
		_, err := w.Write(tensor.Bytes(bytes32(values[name])))
		return err
	})
}

func bytes32(v float32) []float32 {
	all := make([]float32, 80)
	for i := range all {
		all[i] = v
	}
	return all
}

// base makes a model of three tensors with what lies beside it.
func base(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"config.json": `{"a":1}`, "README.md": "", "tokenizer.json": "{}", files.Mark: `{"kind":"converted model"}`} {
		if err := files.WriteBytes(filepath.Join(dir, name), []byte(text)); err != nil {
			return err
		}
	}
	return weights(dir, 700, map[string]float32{"a": 1, "b": 2, "c": 3})
}

// plug writes a model in which tensor b has another value.
func plug(dir string, b float32) error {
	out, from := filepath.Join(dir, "out"), filepath.Join(dir, "base")
	id, release := "", func() {}
	defer func() { release() }()
	err := files.Output{Path: out, Kind: kind, Overwrite: true}.Write(func(tmp string) (err error) {
		unlock, err := undo.Lock(out)
		if err != nil {
			return err
		}
		release = unlock
		if err := weights(tmp, 0, map[string]float32{"a": 1, "b": b, "c": 3}); err != nil {
			return err
		}
		if err := files.WriteBytes(filepath.Join(tmp, "config.json"), []byte(`{ "a": 1 }`)); err != nil {
			return err
		}
		if err := files.WriteBytes(filepath.Join(tmp, "tokenizer.json"), []byte("{}")); err != nil {
			return err
		}
		id, err = undo.Keep(tmp, out, undo.Base{Path: from})
		return err
	})
	if err != nil {
		return err
	}
	return undo.Settle(out, id)
}

// tree reads all files below a directory.
func tree(dir string) (map[string]string, error) {
	all := map[string]string{}
	return all, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(data)
		return err
	})
}

// wantBase holds out against the base.
func wantBase(dir string) error {
	want, err := tree(filepath.Join(dir, "base"))
	if err != nil {
		return err
	}
	have, err := tree(filepath.Join(dir, "out"))
	if err != nil {
		return err
	}
	if fmt.Sprint(have) != fmt.Sprint(want) {
		return fmt.Errorf("out is %d files that are not the base's %d", len(have), len(want))
	}
	return nil
}

// TestBack gives every byte of every file back, and keeps of the weights only those that
// are others.
func TestBack(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	must(t, base(filepath.Join(dir, "base")))
	must(t, os.Mkdir(filepath.Join(dir, "base", "onnx"), 0o755))
	for range 2 {
		must(t, plug(dir, 5))
		must(t, plug(dir, 7)) // over that
		kept, err := tree(undo.Dir(out))
		must(t, err)
		if len(kept) != 2 {
			t.Fatalf("%d files are kept: %v", len(kept), kept)
		}
		for name, data := range kept {
			if strings.HasSuffix(name, "kept.bin") && (bytes.Contains([]byte(data), tensor.Bytes(bytes32(3))) || !bytes.Contains([]byte(data), tensor.Bytes(bytes32(2)))) {
				t.Errorf("%s has what out has, or not what it has not", name)
			}
		}
		u, err := undo.Back(out, kind)
		must(t, err)
		must(t, os.Remove(filepath.Join(dir, "base", "onnx")))
		must(t, wantBase(dir))
		if _, err := os.Lstat(undo.Dir(out)); err == nil || len(u.Excluded) != 1 || !strings.Contains(u.Text(), "onnx of it was not kept") || len(u.Files) != 7 {
			t.Errorf("%v: %s", err, u.Text())
		}
		must(t, os.RemoveAll(out)) // it is of another kind now
		must(t, os.Mkdir(filepath.Join(dir, "base", "onnx"), 0o755))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatCannotBeTakenBack is refused, and stays as it is.
func TestWhatCannotBeTakenBack(t *testing.T) {
	for want, spoil := range map[string]func(dir string) error{
		"is not as it was written": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "out", "config.json"), []byte("{}"), 0o644)
		},
		"lamina did not write it":        func(dir string) error { return os.WriteFile(filepath.Join(dir, "out.undo", "notes"), nil, 0o644) },
		"nothing is kept of what it was": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "out.undo")) },
		"kept.bin: not as it was written": func(dir string) error {
			return edit(dir, "kept.bin", func(data []byte) []byte { data[len(data)/2] ^= 1; return data })
		},
		"record.json: not as it was written": func(dir string) error {
			return edit(dir, "record.json", func(data []byte) []byte { return bytes.Replace(data, []byte(`"size"`), []byte(`"sizE"`), 1) })
		},
		"is a converted model": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "out", files.Mark), []byte(`{"kind":"converted model"}`), 0o644)
		},
	} {
		dir := t.TempDir()
		must(t, base(filepath.Join(dir, "base")))
		must(t, plug(dir, 5))
		must(t, spoil(dir))
		before, err := tree(dir)
		must(t, err)
		_, err = undo.Back(filepath.Join(dir, "out"), kind)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", want, err)
		}
		if after, err := tree(dir); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%s: something changed (%v)", want, err)
		}
	}
}

// TestBackOfWhatIsNoModel says what to name.
func TestBackOfWhatIsNoModel(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	must(t, base(filepath.Join(dir, "base")))
	must(t, plug(dir, 5))
	for want, path := range map[string]string{
		"nothing: is not there: name the directory that plug or accept wrote": filepath.Join(dir, "nothing"),
		"is where the way back of " + out + " is kept: name that":             out + ".undo",
		"config.json: is no directory":                                        filepath.Join(out, "config.json"),
	} {
		if _, err := undo.Back(path, kind); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	must(t, os.Rename(out, filepath.Join(dir, "moved")))
	if _, err := undo.Back(out, kind); err == nil || !strings.Contains(err.Error(), "put "+out+" back") {
		t.Errorf("%v", err)
	}
	must(t, os.Rename(filepath.Join(dir, "moved"), out))
	t.Chdir(out)
	if undo.Dir(".") != undo.Dir(out) {
		t.Errorf("of . it is %s", undo.Dir("."))
	}
	if _, err := undo.Back(".", kind); err != nil {
		t.Error(err)
	}
	t.Chdir(dir)
	if _, err := os.Lstat(undo.Dir(out)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was kept of . is still there: %v", err)
	}
	must(t, wantBase(dir))
}

// TestOneAtATime: while somebody replaces out, nobody else touches what is kept beside it.
func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	must(t, base(filepath.Join(dir, "base")))
	must(t, plug(dir, 5))
	before, err := tree(dir)
	must(t, err)
	release, err := undo.Lock(out)
	must(t, err)
	if _, err := undo.Lock(out); !errors.Is(err, files.ErrLocked) {
		t.Errorf("a second lock: %v", err)
	}
	if _, err := undo.Back(out, kind); err == nil || !strings.Contains(err.Error(), "is being written") {
		t.Errorf("taken back while it is locked: %v", err)
	}
	release()
	if after, err := tree(dir); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("something changed (%v)", err)
	}
}

// edit changes a file of the only record.
func edit(dir, name string, change func([]byte) []byte) error {
	paths, err := filepath.Glob(filepath.Join(dir, "out.undo", "*", name))
	if err != nil || len(paths) != 1 {
		return fmt.Errorf("%d records: %v", len(paths), err)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		return err
	}
	return os.WriteFile(paths[0], change(data), 0o644)
}

// whole wants of an out that is there that it can be taken back, or was.
func whole(dir string) error {
	out := filepath.Join(dir, "out")
	if _, err := os.Lstat(out); err != nil {
		return nil
	}
	if wantBase(dir) == nil {
		return nil
	}
	if _, err := undo.Back(out, kind); err != nil {
		return err
	}
	return wantBase(dir)
}

// TestPluggingAnywhereCut: the disk fails, or the power goes, at every operation of a plug
// over what was plugged before. Out is one of the two, and can be taken back.
func TestPluggingAnywhereCut(t *testing.T) {
	t.Log(filestest.Everywhere(t, filestest.Scenario{
		Before: func(dir string) error {
			if err := base(filepath.Join(dir, "base")); err != nil {
				return err
			}
			return plug(dir, 5)
		},
		Run: func(dir string, _ func(int)) (int, error) { return -1, plug(dir, 7) },
		Found: func(dir string) error {
			copied, err := os.MkdirTemp("", "undo-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(copied)
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				return err
			}
			return whole(copied)
		},
	}))
}

// TestTakingBackAnywhereCut: the same of Back, which is called again and does what is left.
func TestTakingBackAnywhereCut(t *testing.T) {
	t.Log(filestest.Everywhere(t, filestest.Scenario{
		Before: func(dir string) error {
			if err := base(filepath.Join(dir, "base")); err != nil {
				return err
			}
			return plug(dir, 5)
		},
		Run: func(dir string, _ func(int)) (int, error) {
			out := filepath.Join(dir, "out")
			_, kept := os.Lstat(undo.Dir(out))
			_, err := undo.Back(out, kind)
			if err != nil && kept != nil && wantBase(dir) == nil {
				err = nil // all was done
			}
			if err != nil {
				return -1, err
			}
			return -1, files.Sweep(dir, false) // the lock of who is dead, which the next writer takes away
		},
	}))
}
