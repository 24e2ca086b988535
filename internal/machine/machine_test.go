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
	}{{Memory{8, 5, 0}, 5}, {Memory{8, 5, 3}, 3}, {Memory{8, 5, 9}, 5}, {Memory{}, 0}} {
		if got := c.m.Usable(); got != c.want {
			t.Errorf("%+v: %d usable, want %d", c.m, got, c.want)
		}
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
