package files

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// TestSpaceIsJudged of a directory that is there, and of one that is not yet.
func TestSpaceIsJudged(t *testing.T) {
	root := t.TempDir()
	if free, known := Free(root); !known || free == 0 {
		t.Skip("this system does not say how much is free")
	}
	for _, dir := range []string{root, filepath.Join(root, "a", "b")} {
		if err := CheckSpace(dir, 1); err != nil {
			t.Error(err)
		}
		err := CheckSpace(dir, math.MaxInt64)
		if err == nil || !strings.HasPrefix(err.Error(), dir+": needs 8388608.0 TiB, and ") || !strings.HasSuffix(err.Error(), "another disk") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
