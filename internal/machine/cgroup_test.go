package machine

import (
	"os"
	"path/filepath"
	"testing"
)

// TestGroupLimit: of the groups around a process the one that leaves the least counts, of
// either version; what a group could drop is not held.
func TestGroupLimit(t *testing.T) {
	const v1, v2 = "9:name=systemd:/\n4:cpu,memory:/a/b\n", "0::/a/b\n"
	for name, c := range map[string]struct {
		groups      string
		files       map[string]string
		limit, left int
	}{
		"none":      {v2, nil, 0, 0},
		"no limit":  {v2, map[string]string{"a/b/memory.max": "max\n"}, 0, 0},
		"container": {"0::/\n", map[string]string{"memory.max": "1000\n", "memory.current": "300\n", "memory.stat": "anon 5\ninactive_file 100\n"}, 1000, 800},
		"around":    {v2, map[string]string{"a/memory.max": "1000\n", "a/memory.current": "900\n", "a/b/memory.max": "500\n", "a/b/memory.current": "50\n"}, 500, 100},
		"full":      {v2, map[string]string{"a/b/memory.max": "500\n", "a/b/memory.current": "501\n"}, 500, 0},
		"version 1": {v1, map[string]string{"memory/a/b/memory.limit_in_bytes": "1000\n", "memory/a/b/memory.usage_in_bytes": "700\n",
			"memory/a/b/memory.stat": "inactive_file 1\ntotal_inactive_file 200\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"}, 1000, 500},
		"both": {v1 + v2, map[string]string{"memory/a/b/memory.limit_in_bytes": "9223372036854771712\n"}, 0, 0},
	} {
		root := t.TempDir()
		for path, text := range c.files {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if limit, left := groupLimit(root, c.groups); limit != c.limit || left != c.left {
			t.Errorf("%s: limit %d, %d left; want %d, %d", name, limit, left, c.limit, c.left)
		}
	}
}
