package hub

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"lamina/hub/hubtest"
)

// lockHolder is set in a process that TestLockAcrossProcesses starts: the lock
// file to hold until standard input ends.
const lockHolder = "LAMINA_TEST_LOCK"

// A lock keeps out other processes and other holders in this one, waits end with
// their context, and a lock file that its holder removed is not mistaken for one.
func TestLockAcrossProcesses(t *testing.T) {
	if path := os.Getenv(lockHolder); path != "" {
		release, _, err := lock(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("held\n")
		io.Copy(io.Discard, os.Stdin)
		release()
		return
	}
	path := filepath.Join(t.TempDir(), ".locks", "models--a--b", "x.lock")
	cmd := exec.Command(os.Args[0], "-test.run=^TestLockAcrossProcesses$")
	cmd.Env = append(os.Environ(), lockHolder+"="+path)
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("cannot start a second process: %v", err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the other process said %q (%v)", line, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if release, held, err := lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		if err == nil {
			release()
			if !held {
				t.Skip("this file system has no locks")
			}
		}
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
		hold.Close()
	}
	release, held, err := lock(t.Context(), path)
	if err != nil || !held {
		t.Fatalf("a new lock file: held %t, %v", held, err)
	}
	got, supported := tryLock(mustOpen(t, path))
	if got || !supported {
		t.Errorf("held twice in one process: got %t, supported %t", got, supported)
	}
	release()
	if got, _ := tryLock(mustOpen(t, path)); !got {
		t.Error("not free after its release")
	}
	hold.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Who waits for a lock finds the blob there, once the other is done.
func TestWaiterFetchesNothing(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	first, repo := testClient(t, h), model(t, h)
	second := *first
	release, held, err := lock(t.Context(), first.store(repo).lockFile(h.Digest(shard1)))
	if err != nil {
		t.Fatal(err)
	}
	if !held {
		release()
		t.Skip("this file system has no locks")
	}
	done := make(chan error)
	go func() {
		_, err := second.Fetch(context.Background(), repo, "main", ModelFiles)
		done <- err
	}()
	blob := first.store(repo).blob(h.Digest(shard1))
	if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blob, []byte(files[shard1]), 0o644); err != nil {
		t.Fatal(err)
	}
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, line := range h.Log() {
		if line == "content "+shard1 {
			t.Errorf("fetched what was there: %q", h.Log())
		}
	}
}
