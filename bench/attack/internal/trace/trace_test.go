package trace

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamina/internal/powercut"
)

// The test's own binary is the program: it writes, syncs and renames a file, and says
// what year it is.
func TestMain(m *testing.M) {
	if os.Getenv("TRACED") == "" {
		os.Exit(m.Run())
	}
	if err := traced(); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Stderr.WriteString(time.Now().UTC().Format("2006"))
}

func traced() error {
	f, err := os.Create("a")
	if err != nil {
		return err
	}
	if _, err := f.WriteString("x"); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename("a", "b")
}

var operations = []string{"openat a", "write ", "fsync ", "renameat b"}

func program(t *testing.T) Program {
	if !Available {
		t.Skip("the tracer works on linux/amd64 only")
	}
	return Program{Path: os.Args[0], Dir: t.TempDir(), Env: append(os.Environ(), "TRACED=1")}
}

func TestUndisturbed(t *testing.T) {
	p := program(t)
	done, err := Run(t.Context(), p, Fault{})
	if err != nil || done.Exit != 0 || done.Operations != len(operations) {
		t.Errorf("%+v, %v: want status 0 after %d operations", done, err, len(operations))
	}
	if _, err := os.Stat(filepath.Join(p.Dir, "b")); err != nil {
		t.Error(err)
	}
}

func TestKilledAtEach(t *testing.T) {
	for i, want := range operations {
		p := program(t)
		done, err := Run(t.Context(), p, Fault{At: i + 1, Kill: true})
		if err != nil || done.Exit != -1 || !strings.HasPrefix(done.Hit, want) {
			t.Errorf("operation %d: %+v, %v: want a kill at %q", i+1, done, err, want)
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "a")); (err == nil) != (i > 0) {
			t.Errorf("killed at %q: the file is there: %t", want, err == nil)
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "b")); err == nil {
			t.Errorf("killed at %q, it was renamed", want)
		}
	}
}

func TestFailedAtEach(t *testing.T) {
	for i, want := range operations {
		for _, persist := range []bool{false, true} {
			done, err := Run(t.Context(), program(t), Fault{At: i + 1, Errno: syscall.ENOSPC, Persist: persist})
			if err != nil || done.Exit != 1 || !strings.Contains(done.Stderr, "no space left") {
				t.Errorf("%q: %+v, %v: want the error of the call", want, done, err)
			}
		}
	}
}

func TestClock(t *testing.T) {
	done, err := Run(t.Context(), program(t), Fault{Clock: func(int, int64) int64 { return 0 }})
	if err != nil || done.Stderr != "1970" || done.Looks == 0 {
		t.Errorf("%+v, %v: want 1970", done, err)
	}
}

// TestNoted: what the program did to files is noted with its bytes, in order.
func TestNoted(t *testing.T) {
	p := program(t)
	var err error
	if p.Note, err = filepath.EvalSymlinks(p.Dir); err != nil {
		t.Fatal(err)
	}
	done, err := Run(t.Context(), p, Fault{})
	want := []powercut.Op{
		{Kind: powercut.Create, Path: "a"}, {Kind: powercut.Write, Path: "a", Data: []byte("x")},
		{Kind: powercut.Sync, Path: "a"}, {Kind: powercut.Rename, Path: "a", To: "b"},
	}
	if err != nil || !reflect.DeepEqual(done.Log, want) {
		t.Errorf("%v, %v, want %v", done.Log, err, want)
	}
	p = program(t)
	if done, err := Run(t.Context(), p, Fault{}); err != nil || done.Log != nil {
		t.Errorf("unasked: %v, %v", done.Log, err)
	}
}
