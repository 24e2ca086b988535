package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/klauspost/cpuid/v2"
)

// options are the flags.
type options struct {
	lamina, only         string
	short, keep, verbose bool
	seed                 uint64
	jobs                 int
}

// lab is where the attack takes place: a binary, this source tree, scratch space.
type lab struct {
	options
	source  string // the module's directory
	scratch string // in memory where there is such a place
	numbers sync.Mutex
	made    int
	tried   []*trial // see trials
}

func newLab(ctx context.Context, o options) (*lab, error) {
	source, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("run it inside the module: %w", err)
	}
	l := &lab{options: o, source: strings.TrimSpace(string(source))}
	below := "/dev/shm"
	if info, err := os.Stat(below); err != nil || !info.IsDir() || runtime.GOOS != "linux" {
		below = ""
	}
	if l.scratch, err = os.MkdirTemp(below, "attack-"); err != nil {
		return nil, err
	}
	if l.lamina == "" {
		l.lamina = filepath.Join(l.scratch, "lamina")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", l.lamina, "./cmd/lamina")
		build.Dir, build.Env = l.source, append(os.Environ(), "CGO_ENABLED=0")
		if said, err := build.CombinedOutput(); err != nil {
			l.close()
			return nil, fmt.Errorf("build: %w: %s", err, said)
		}
	}
	l.lamina, err = filepath.Abs(l.lamina)
	return l, err
}

func (l *lab) close() {
	if !l.keep {
		os.RemoveAll(l.scratch)
	}
}

// describe says what was attacked, and where.
func (l *lab) describe(ctx context.Context) string {
	commit := "unknown"
	if out, err := exec.CommandContext(ctx, "git", "-C", l.source, "describe", "--always", "--dirty").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	form := "full"
	if l.short {
		form = "short"
	}
	info, _ := debug.ReadBuildInfo()
	return fmt.Sprintf("%s, %d processors, %s/%s, %s. Commit %s, the %s form, seed %d.",
		cpuid.CPU.BrandName, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, info.GoVersion, commit, form, l.seed)
}

// testdata is a file or directory of the tests.
func (l *lab) testdata(path string) string { return filepath.Join(l.source, filepath.FromSlash(path)) }

// dir makes an empty directory.
func (l *lab) dir() (string, error) {
	l.numbers.Lock()
	l.made++
	dir := filepath.Join(l.scratch, fmt.Sprintf("case-%d", l.made))
	l.numbers.Unlock()
	return dir, os.Mkdir(dir, 0o755)
}

// done takes a case's directory away, unless the case had a fault and is to be kept.
func (l *lab) done(dir string, faulty bool) {
	if faulty && l.keep {
		fmt.Fprintln(os.Stderr, "kept:", dir)
		return
	}
	os.RemoveAll(dir)
}

// wanted reports whether -only takes a case, and says it with -v.
func (l *lab) wanted(name string) bool {
	ok := strings.Contains(name, l.only)
	if ok && l.verbose {
		fmt.Fprintln(os.Stderr, name)
	}
	return ok
}

// random returns numbers that depend on the seed and the name alone.
func (l *lab) random(name string) *rand.Rand {
	hash := uint64(14695981039346656037)
	for _, b := range []byte(name) {
		hash = (hash ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(l.seed, hash))
}

// each calls do for 0 … n-1, as many at once as -jobs says.
func (l *lab) each(ctx context.Context, n int, do func(i int) error) error {
	next := make(chan int)
	failed := make([]error, l.jobs)
	var group sync.WaitGroup
	for j := range l.jobs {
		group.Go(func() {
			for i := range next {
				if failed[j] == nil {
					failed[j] = do(i)
				}
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	group.Wait()
	return errors.Join(append(failed, ctx.Err())...)
}

// panicked reports whether what a program said is Go's account of its death.
func panicked(stderr string) bool {
	return strings.Contains(stderr, "\ngoroutine ") || strings.HasPrefix(stderr, "panic: ") ||
		strings.Contains(stderr, "\npanic: ") || strings.Contains(stderr, "fatal error: ")
}

// last is the last line of what a program said.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// copyTree copies regular files, directories and links.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case e.IsDir():
			return os.MkdirAll(target, 0o755)
		case e.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
}
