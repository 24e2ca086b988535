package machine

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// groupFiles are what a version of control groups calls the numbers of memory.
type groupFiles struct{ limit, holds, stat, droppable string }

var (
	version2 = groupFiles{"memory.max", "memory.current", "memory.stat", "inactive_file"}
	version1 = groupFiles{"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_inactive_file"}
)

// unlimited is what version 1 says of a group without a limit, about: pages in a word.
const unlimited = 1 << 62

// groupLimit returns the least limit of the groups that /proc/self/cgroup names and of
// those around them, and how much may be taken until one is reached; 0, 0 without any. A
// container sees its own group as the root.
func groupLimit(root, groups string) (limit, left int) {
	for line := range strings.Lines(groups) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		dir, names := root, version2
		switch {
		case part[0] == "0" && part[1] == "":
		case strings.Contains(","+part[1]+",", ",memory,"):
			dir, names = filepath.Join(root, "memory"), version1
		default:
			continue
		}
		for group := path.Join("/", part[2]); ; group = path.Dir(group) {
			if most, ok := number(filepath.Join(dir, group, names.limit)); ok && most < unlimited {
				rest := max(most-names.held(filepath.Join(dir, group)), 0)
				if limit == 0 {
					limit, left = most, rest
				}
				limit, left = min(limit, most), min(left, rest)
			}
			if group == "/" {
				break
			}
		}
	}
	return limit, left
}

// held returns what a group holds and cannot drop.
func (names groupFiles) held(dir string) int {
	holds, _ := number(filepath.Join(dir, names.holds))
	stat, _ := os.ReadFile(filepath.Join(dir, names.stat))
	for line := range strings.Lines(string(stat)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == names.droppable {
			n, _ := strconv.Atoi(value)
			holds -= n
		}
	}
	return max(holds, 0)
}

// number reads a file that holds one number; "max" is none.
func number(path string) (n int, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return n, err == nil
}
