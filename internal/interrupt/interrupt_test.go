//go:build unix

package interrupt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lamina/internal/files"
	"lamina/internal/interrupt"
)

// alone names, in the environment of a process of this test, the directory in which it
// tries what a process ends with.
const alone = "LAMINA_TEST_ALONE"

// inProcess runs a test in a process of its own and returns its status and what it said.
func inProcess(t *testing.T, dir string) (code int, said string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), alone+"="+dir)
	text, err := child.CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return child.ProcessState.ExitCode(), string(text)
}

// TestSignalsWhileWriting: of a command that writes, and looks at nothing else, what it
// had begun is gone.
func TestSignalsWhileWriting(t *testing.T) {
	if dir := os.Getenv(alone); dir != "" {
		signals := make(chan os.Signal, 2)
		os.Exit(interrupt.Heed("lamina", signals, os.Stderr, func(context.Context) int {
			err := files.Dir(filepath.Join(dir, "out"), false, func(tmp string) error {
				return files.Write(filepath.Join(tmp, "model"), func(w io.Writer) error {
					signals <- syscall.SIGTERM
					for {
						if _, err := w.Write(make([]byte, 1<<10)); err != nil {
							return err
						}
						time.Sleep(time.Millisecond)
					}
				})
			})
			fmt.Fprintln(os.Stderr, err) // there was no time to say it
			return 1
		}))
	}
	dir := t.TempDir()
	if code, said := inProcess(t, dir); code != 128+int(syscall.SIGTERM) || said != "lamina: interrupted by SIGTERM: nothing was saved\n" {
		t.Errorf("exit %d: %s", code, said)
	}
	left, err := os.ReadDir(dir)
	for _, e := range left {
		if info, wrong := e.Info(); err != nil || wrong != nil || info.Size() > 0 { // an empty lock may stay
			t.Errorf("%s is left (%v)", e.Name(), err)
		}
	}
}

// TestASecondSignalLeavesAtOnce, also where a command saves.
func TestASecondSignalLeavesAtOnce(t *testing.T) {
	if os.Getenv(alone) != "" {
		signals := make(chan os.Signal, 2)
		os.Exit(interrupt.Heed("lamina", signals, os.Stderr, func(ctx context.Context) int {
			defer interrupt.Saving("all of it is saved")()
			signals <- syscall.SIGHUP
			<-ctx.Done()
			signals <- syscall.SIGINT
			select {}
		}))
	}
	if code, said := inProcess(t, t.TempDir()); code != 128+int(syscall.SIGHUP) || said != "lamina: SIGHUP: all of it is saved; a second signal leaves at once\n" {
		t.Errorf("exit %d, %q", code, said)
	}
}

// TestAFunctionThatEnds gives its own status, with or without a signal.
func TestAFunctionThatEnds(t *testing.T) {
	signals := make(chan os.Signal, 2)
	if code := interrupt.Heed("lamina", signals, io.Discard, func(context.Context) int { return 7 }); code != 7 {
		t.Errorf("exit %d, want 7", code)
	}
	if os.Getenv(alone) != "" { // a signal leaves SIGPIPE ignored
		signals <- syscall.SIGTERM
		os.Exit(interrupt.Heed("lamina", signals, os.Stderr, func(ctx context.Context) int {
			<-ctx.Done()
			fmt.Fprintln(os.Stderr, interrupt.NothingSaved(ctx), errors.Is(context.Cause(ctx), context.Canceled))
			return interrupt.Status(ctx)
		}))
	}
	if code, said := inProcess(t, t.TempDir()); code != 143 || said != "interrupted by SIGTERM: nothing was saved true\n" {
		t.Errorf("exit %d, %q", code, said)
	}
}

// TestWithoutASignal: a context that something else ended counts as interrupted.
func TestWithoutASignal(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	if code, said := interrupt.Status(ctx), interrupt.NothingSaved(ctx); code != 130 || said != "interrupted: nothing was saved" {
		t.Errorf("exit %d, %q", code, said)
	}
}
