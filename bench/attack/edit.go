package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lamina/internal/files"
)

// Edits of files, for probes.

func edits(all ...func(dir string) error) func(string) error {
	return func(dir string) error {
		for _, edit := range all {
			if err := edit(dir); err != nil {
				return err
			}
		}
		return nil
	}
}

// put writes a file.
func put(name, text string) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(text), 0o644)
	}
}

// change replaces a text in a file, which must have it.
func change(name, old, new string) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.Contains(string(data), old) {
			return fmt.Errorf("%s has no %q", path, old)
		}
		return os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644)
	}
}

func remove(name string) func(string) error {
	return func(dir string) error { return os.RemoveAll(filepath.Join(dir, name)) }
}

func move(from, to string) func(string) error {
	return func(dir string) error { return os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)) }
}

func link(target, name string) func(string) error {
	return func(dir string) error {
		os.Remove(filepath.Join(dir, name))
		return os.Symlink(target, filepath.Join(dir, name))
	}
}

// seal writes the manifest of a directory anew, as a sender who changed it would.
func seal(name string) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		if err := os.Remove(filepath.Join(path, files.Manifest)); err != nil && !os.IsNotExist(err) {
			return err
		}
		return files.Seal(path)
	}
}

// forget takes a member out of a JSON object.
func forget(name, member string) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var object map[string]any
		if err := json.Unmarshal(text, &object); err != nil {
			return err
		}
		delete(object, member)
		if text, err = json.Marshal(object); err != nil {
			return err
		}
		return os.WriteFile(path, text, 0o644)
	}
}

// header edits the header of a safetensors file, and its data.
func header(name string, edit func(tensors map[string]any, data []byte) []byte) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := 8 + binary.LittleEndian.Uint64(file)
		var tensors map[string]any
		d := json.NewDecoder(bytes.NewReader(file[8:n]))
		d.UseNumber()
		if err := d.Decode(&tensors); err != nil {
			return err
		}
		data := edit(tensors, file[n:])
		text, err := json.Marshal(tensors)
		if err != nil {
			return err
		}
		out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
		return os.WriteFile(path, append(append(out, text...), data...), 0o644)
	}
}

// numbers writes one value over the first numbers of a safetensors file's data.
func numbers(name string, value []byte, count int) func(string) error {
	return header(name, func(_ map[string]any, data []byte) []byte {
		for i := range count {
			copy(data[i*len(value):], value)
		}
		return data
	})
}
