package powercut

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// list shows a state in a line.
func list(s *State) string {
	var all []string
	s.each(func(name string, c content) error {
		if c.dir {
			name += "/"
		} else {
			name += "=" + string(c.data)
		}
		all = append(all, name)
		return nil
	})
	return strings.Join(all, " ")
}

// TestWhatIsLeft of a file that is written beside its place, synced and renamed over it.
func TestWhatIsLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	start, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	log := []Op{
		{Kind: Create, Path: "b"},
		{Kind: Write, Path: "b", Data: []byte("ne")},
		{Kind: Write, Path: "b", Data: []byte("wx"), Offset: 2},
		{Kind: Sync, Path: "b"},
		{Kind: Rename, Path: "b", To: "a"},
		{Kind: SyncDir, Path: "."},
		{Kind: Truncate, Path: "a", Offset: 3},
		{Kind: Mkdir, Path: "d"},
		{Kind: Rename, Path: "a", To: "d/a"},
		{Kind: SyncDir, Path: "."},
		{Kind: SyncDir, Path: "d"},
	}
	for _, c := range []struct {
		after  int
		policy string
		want   string
	}{
		{0, "kept", "a=old"},
		{3, "kept", "a=old b=newx"},
		{3, "dropped", "a=old"},
		{3, "names without data", "a=old b="},
		{3, "data cut", "a=old b=n\x00w"},
		{3, "data garbled", "a=old b=n\xc0w\xdd"},
		{3, "data without names", "a=old"},
		{4, "names without data", "a=old b=newx"},
		{4, "dropped", "a=old"}, // to sync a file says nothing of its name
		{5, "kept", "a=newx"},
		{5, "dropped", "a=old"},
		{6, "dropped", "a=newx"},
		{7, "dropped", "a=newx"},
		{7, "kept", "a=new"},
		{9, "kept", "d/ d/a=new"},
		{10, "dropped", "a=newx d/"}, // of two directories one is synced
		{11, "dropped", "d/ d/a=newx"},
	} {
		for _, p := range Policies {
			if p.Name != c.policy {
				continue
			}
			if got := list(start.After(log[:c.after], p, 1)); got != c.want {
				t.Errorf("after %d operations, %s: %q, want %q", c.after, c.policy, got, c.want)
			}
		}
	}
}

// TestWritten: a state that is written and read is the same.
func TestWritten(t *testing.T) {
	start := &State{}
	start.add(true)
	log := []Op{{Kind: Mkdir, Path: "d"}, {Kind: Create, Path: "d/f"}, {Kind: Write, Path: "d/f", Data: []byte("x")}, {Kind: Create, Path: "g"}, {Kind: Exchange, Path: "d", To: "g"}, {Kind: Remove, Path: "d"}}
	want := start.After(log, Policies[0], 0)
	dir := filepath.Join(t.TempDir(), "new")
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil || got.Digest() != want.Digest() || list(got) != "g/ g/f=x" {
		t.Errorf("%q, %v, want %q", list(got), err, list(want))
	}
}
