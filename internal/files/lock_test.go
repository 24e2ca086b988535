package files

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Set in a process that a test starts: the file to hold until standard input ends.
const (
	lockHolder    = "LAMINA_TEST_LOCK"    // by Lock
	tryLockHolder = "LAMINA_TEST_TRYLOCK" // by TryLock
)

// TestHolder is the other process of the tests below.
func TestHolder(t *testing.T) {
	switch path, open := os.Getenv(lockHolder), os.Getenv(tryLockHolder); {
	case path != "":
		release, _, err := Lock(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	case open != "":
		if err := TryLock(mustOpen(t, open)); err != nil {
			t.Fatal(err)
		}
	default:
		t.Skip("only as another process")
	}
	os.Stdout.WriteString("held\n")
	io.Copy(io.Discard, os.Stdin)
}

// hold starts a process that holds a lock until end is closed or it is killed.
func hold(t *testing.T, variable, path string) (other *exec.Cmd, end io.Closer) {
	t.Helper()
	other = exec.Command(os.Args[0], "-test.run=^TestHolder$")
	other.Env = append(os.Environ(), variable+"="+path)
	end, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Skipf("cannot start a second process: %v", err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the other process said %q (%v)", line, err)
	}
	return other, end
}

func mustOpen(t *testing.T, path string) *File {
	t.Helper()
	f, err := openFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// needLocks skips a test where the file system has none.
func needLocks(t *testing.T) {
	t.Helper()
	if _, supported := tryLock(mustOpen(t, filepath.Join(t.TempDir(), "probe")).f, firstByte); !supported {
		t.Skip("this file system has no locks")
	}
}

// A lock keeps out other processes and other holders in this one, waits end with
// their context, and a lock file that its holder removed is not mistaken for one.
func TestLockAcrossProcesses(t *testing.T) {
	needLocks(t)
	path := filepath.Join(t.TempDir(), ".locks", "models--a--b", "x.lock")
	other, end := hold(t, lockHolder, path)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, held, err := Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("while another process holds it: held %t, %v", held, err)
	}
	if runtime.GOOS != "windows" { // there a locked file cannot be removed
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	} else {
		end.Close()
	}
	release, held, err := Lock(t.Context(), path)
	if err != nil || !held {
		t.Fatalf("a new lock file: held %t, %v", held, err)
	}
	if got, supported := tryLock(mustOpen(t, path).f, firstByte); got || !supported {
		t.Errorf("held twice in one process: got %t, supported %t", got, supported)
	}
	release()
	if got, _ := tryLock(mustOpen(t, path).f, firstByte); !got {
		t.Error("not free after its release")
	}
	end.Close()
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
}

// A second holder is refused at once and told why, the file can be read and written
// meanwhile, and the lock of a process that was killed is free.
func TestTryLockAcrossProcesses(t *testing.T) {
	needLocks(t)
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	other, end := hold(t, tryLockHolder, path)
	defer end.Close()
	f := mustOpen(t, path)
	if err := TryLock(f); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Fatalf("while another process holds it: %v", err)
	}
	if _, err := f.Write([]byte("{}\n")); err != nil {
		t.Errorf("writing while it is locked: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "{}\n" {
		t.Errorf("reading while it is locked: %q, %v", text, err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err == nil {
		t.Error("the other process ended well, want killed")
	}
	if err := TryLock(f); err != nil {
		t.Errorf("after its holder was killed: %v", err)
	}
	if err := TryLock(mustOpen(t, path)); !errors.Is(err, ErrLocked) {
		t.Errorf("held twice in one process: %v", err)
	}
	f.Close()
	if err := TryLock(mustOpen(t, path)); err != nil {
		t.Errorf("after it was closed: %v", err)
	}
}
