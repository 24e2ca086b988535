package machine

import (
	"runtime"
	"slices"
	"testing"
)

func TestMachine(t *testing.T) {
	m := ReadMemory()
	if runtime.GOOS == "linux" && !(m.Total > 0 && m.Available > 0 && m.Available <= m.Total) {
		t.Errorf("%+v", m)
	}
	for _, c := range []struct {
		m    Memory
		want int
	}{{Memory{8, 5, 0, 0, 1}, 5}, {Memory{8, 5, 4, 3, 1}, 3}, {Memory{8, 5, 4, 0, 1}, 0}, {Memory{8, 5, 9, 7, 1}, 5}, {Memory{}, 0}} {
		if got := c.m.Usable(); got != c.want {
			t.Errorf("%+v: %d usable, want %d", c.m, got, c.want)
		}
		if got := c.m.Whole(); c.m.Total > 0 && got != c.want+1 || c.m.Total == 0 && got != 0 {
			t.Errorf("%+v: %d in all", c.m, got)
		}
	}
	if runtime.GOOS == "linux" && m.Own == 0 {
		t.Errorf("%+v: the process holds nothing", m)
	}
	// With -tags noasm the library asks the processor nothing.
	asked := Processor() != ""
	if f := Features(); f == nil || asked && runtime.GOARCH == "amd64" && !slices.Contains(f, "SSE42") {
		t.Errorf("%q", f)
	}
	if Version() == "" || GPU() == "" {
		t.Errorf("version %q, GPU %q", Version(), GPU())
	}
}

// TestDescription: each line has something to say, and a limit has one where there is one.
func TestDescription(t *testing.T) {
	d := Describe("a backend", 3, false)
	if d.Threads != 3 || d.Backend != "a backend" || Describe("", 0, true).Threads != runtime.GOMAXPROCS(0) {
		t.Errorf("%+v", d)
	}
	for _, limit := range []int{0, 1 << 30} {
		d.MemoryLimit = limit
		lines := d.Lines()
		for _, line := range lines {
			if line[1] == "" {
				t.Errorf("%s: nothing", line[0])
			}
		}
		if limited := slices.Contains(lines, [2]string{"", "limited to 1.0 GiB by the control group"}); limited != (limit > 0) {
			t.Errorf("limit %d: %q", limit, lines)
		}
	}
}
