//go:build unix

package files

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenDoesNotWaitForAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	if _, _, err := Open(path, Unlimited); err == nil || !strings.Contains(err.Error(), "is a pipe") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := OpenOwn(path, Unlimited); err == nil || !strings.Contains(err.Error(), "is a pipe") {
		t.Errorf("a pipe that is to be gone on with: %v", err)
	}
}
