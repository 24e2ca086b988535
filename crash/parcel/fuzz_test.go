package parcel_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/parcel"
	"lamina/internal/files"
)

// FuzzManifest: any bytes are an error in a line, or a manifest that is written as it was
// read.
func FuzzManifest(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join("testdata", "manifests", "*.json"))
	if err != nil || len(seeds) < 2 {
		f.Fatalf("%d seeds: %v", len(seeds), err)
	}
	for _, path := range seeds {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := parcel.ParseManifest(data); err != nil {
			f.Fatalf("%s: %v", path, err)
		}
		f.Add(data)
		f.Add(bytes.Replace(data, []byte(`"schema": 1`), []byte(`"schema": 1.0`), 1))
		f.Add(bytes.Replace(data, []byte(`"size"`), []byte(`"Size"`), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parcel.ParseManifest(data)
		if err != nil {
			if text := err.Error(); strings.ContainsAny(text, "\n\x1b\x00") || len(text) > 2000 {
				t.Errorf("%q", text)
			}
			return
		}
		for _, file := range m.Files {
			if filepath.Base(file.Name) != file.Name || !filepath.IsLocal(file.Name) {
				t.Errorf("a file is called %q", file.Name)
			}
		}
		again, err := files.JSON(m)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("written again: %v\n%s", err, again)
		}
	})
}
