package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"lamina/internal/files"
)

func TestWriteSecretIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := files.WriteSecret(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v (%v)", info.Mode(), err)
	}
	if err := files.WriteSecret(path, []byte("two")); err == nil {
		t.Error("replaced")
	}
	if data, _ := os.ReadFile(path); string(data) != "one" {
		t.Errorf("%q", data)
	}
}
