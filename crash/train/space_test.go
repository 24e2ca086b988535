//go:build unix

package train_test

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/kernels/dry"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// fullDisk names, in the environment of a process of this test, the run directory that it
// is to go on in.
const fullDisk = "LAMINA_TEST_FULL_DISK"

// TestFullDisk: where a checkpoint cannot be written any more (here since a file may not
// grow so far), the run ends with an error that names step and directory, the checkpoint
// before stands, nothing half-written stays, and with room again the run goes on.
func TestFullDisk(t *testing.T) {
	r := &rescue{full: crashtest.Small(ref.New(), "opt")}
	if dir := os.Getenv(fullDisk); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)                     // the write fails then, as on a full disk
		full := syscall.Rlimit{Cur: 8 << 10, Max: 8 << 10} // lines fit, weights do not
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
			t.Fatal(err)
		}
		t.Fatal(r.run(t, dir, context.Background(), false))
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if err := r.run(t, whole, context.Background(), false); err != nil {
		t.Fatal(err)
	}
	want, dir := r.bits, r.stopped(t)
	list := func(pattern string) string {
		paths, err := filepath.Glob(filepath.Join(dir, "checkpoints", pattern))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(paths, " ")
	}
	before := list("step-*")
	child := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
	child.Env = append(os.Environ(), fullDisk+"="+dir)
	said, err := child.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "file too large") || !strings.Contains(string(said), "checkpoint after step") || !strings.Contains(string(said), dir) {
		t.Errorf("%v: %s", err, said)
	}
	if after, hidden := list("step-*"), list(".*"); after != before || hidden != "" {
		t.Errorf("checkpoints %s, before %s, half-written %s", after, before, hidden)
	}
	if err := r.run(t, dir, context.Background(), false); err != nil {
		t.Fatal(err)
	}
	crashtest.Same(t, "with room again", r.bits, want)
}

// TestRoomIsJudgedBeforeARun: checkpoints that no disk holds are refused with numbers, and
// what lies there already is room.
func TestRoomIsJudgedBeforeARun(t *testing.T) {
	dir := t.TempDir()
	store, err := train.OpenRunDir(dir, crashtest.Settings(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	room := func(values int) error {
		return store.Room(&nn.Trained{Values: tensor.Must(tensor.New(&dry.Backend{}, tensor.F32, values))}, &optim.AdamW{})
	}
	if err := room(1 << 10); err != nil {
		t.Error(err)
	}
	const huge = 1 << 50
	if err := room(huge); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "are free there") {
		t.Errorf("%v", err)
	}
	f, err := os.Create(filepath.Join(dir, "best-of-an-earlier-one"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 42); err == nil { // a file with holes takes nothing, and counts
		if err := room(1 << 35); err != nil {
			t.Error(err)
		}
	}
}
