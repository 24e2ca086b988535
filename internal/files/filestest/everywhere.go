// Package filestest lets a test have the disk fail, and the power go, at every operation
// on files of what it tests:
//
//	filestest.Everywhere(t, filestest.Scenario{
//		Run: func(dir string, saved func(step int)) (from int, err error) { … },
//	})
//
// Run is executed once undisturbed. Then, for N = 1, 2, … until it ends without reaching N,
// the disk fails at operation N: once or from then on, with EIO or ENOSPC, at a write of
// which half is done, or at syncs alone. And the power goes after operation N, in all the
// ways of internal/powercut. Each time Run is executed again, undisturbed, and has to come
// to the same end. It is meant for what takes milliseconds.
package filestest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lamina/internal/cases"
	"lamina/internal/files"
	"lamina/internal/powercut"
)

// Scenario is what is disturbed.
type Scenario struct {
	// Before makes what is there at the beginning, below dir; nil: nothing.
	Before func(dir string) error
	// Run does the work below dir, or goes on with it. It calls saved for each step that it
	// relies on not to be lost, when it is told so, and returns the step that it went on
	// from, -1 where it began.
	Run func(dir string, saved func(step int)) (from int, err error)
	// Same takes out of a file what is another each time: what tells the time, or is drawn
	// anew; nil: nothing. All else below dir has to be the same to the bit in the end.
	Same func(name string, data []byte) []byte
	// Found looks at what a disturbance has left, before Run is executed again; nil: it
	// does not. What is half there, under a name that says it is whole, is an error.
	Found func(dir string) error
	// Step lets the disk fail at every so manyth operation alone, and with each failure at
	// others; 0: at every one. It is for what takes longer. Power goes after each. Where a few
	// cases do (internal/cases), both are at each fourth of these.
	Step int
	// Said looks at what Run said of a disturbance; nil: any error will do.
	Said func(err error) error
}

// Counts are the cases of a call of Everywhere.
type Counts struct {
	Operations int // of the undisturbed run
	Cuts       int // of power: operations times policies
	States     int // that differ, of those
	Failures   int // of the disk
}

func (c Counts) String() string {
	return fmt.Sprintf("%d operations: %d cuts of power (%d states that differ) and %d failures of the disk", c.Operations, c.Cuts, c.States, c.Failures)
}

// failures of a disk.
var failures = []struct {
	name string
	fault
}{
	{"EIO", fault{errno: syscall.EIO}},
	{"EIO from then on", fault{errno: syscall.EIO, persist: true}},
	{"ENOSPC", fault{errno: syscall.ENOSPC}},
	{"ENOSPC from then on", fault{errno: syscall.ENOSPC, persist: true}},
	{"a short write", fault{errno: syscall.ENOSPC, short: true}},
	{"short and full from then on", fault{errno: syscall.ENOSPC, short: true, persist: true}},
	{"syncs fail from then on", fault{errno: syscall.EIO, syncs: true, persist: true}},
}

// Everywhere executes a scenario as the package says, and reports each end that is another.
func Everywhere(t *testing.T, s Scenario) Counts {
	t.Helper()
	e := &everywhere{Scenario: s, t: t, scratch: scratch(t)}
	start := e.dir()
	if s.Before != nil {
		if err := s.Before(start); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if e.start, err = powercut.Read(start); err != nil {
		t.Fatal(err)
	}
	done := e.run(start, fault{})
	if done.err != nil {
		t.Fatal(done.err)
	}
	e.want = e.end(start)
	e.counts.Operations = len(done.log)
	e.checkModel(done, start)
	e.cuts(done)
	e.failures()
	return e.counts
}

type everywhere struct {
	Scenario
	t       *testing.T
	scratch string
	start   *powercut.State
	want    []string
	counts  Counts
}

// scratch is a directory, in memory where there is such a place: nothing here depends on a
// real disk, and files are made by the ten thousand.
func scratch(t *testing.T) string {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() || runtime.GOOS != "linux" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "filestest-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// dir makes an empty directory. All have one name, as what is written may hold it.
func (e *everywhere) dir() string {
	dir := filepath.Join(e.scratch, "case")
	if err := os.RemoveAll(dir); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		e.t.Fatal(err)
	}
	return dir
}

// done is how a run ended.
type done struct {
	*disk
	promises []promise
	from     int
	err      error
}

// promise is a step that was saved after so many operations.
type promise struct{ operations, step int }

// kept is the step that had been saved when so many operations were done, -1 if none.
func (r done) kept(operations int) int {
	step := -1
	for _, p := range r.promises {
		if p.operations <= operations {
			step = p.step
		}
	}
	return step
}

// run executes the scenario once, on a disk that may fail.
func (e *everywhere) run(dir string, f fault) done {
	r := done{disk: &disk{Disk: files.System(), root: dir, fault: f}}
	defer files.Through(r.disk)()
	r.from, r.err = e.Run(dir, func(step int) { r.promises = append(r.promises, promise{len(r.log), step}) })
	return r
}

// checkModel holds what the model says is there in the end against what is.
func (e *everywhere) checkModel(r done, dir string) {
	have, err := powercut.Read(dir)
	if err != nil {
		e.t.Fatal(err)
	}
	if e.start.After(r.log, powercut.Policies[0], 0).Digest() != have.Digest() {
		e.t.Fatal("something was changed, and not through files.Disk")
	}
}

// cuts lets the power go after each operation.
func (e *everywhere) cuts(r done) {
	seen := map[string]bool{}
	for n := 0; n <= len(r.log); n += cases.Each(4) {
		kept := r.kept(n)
		for _, p := range powercut.Policies {
			e.counts.Cuts++
			state := e.start.After(r.log[:n], p, uint64(n))
			key := fmt.Sprint(kept, state.Digest())
			if seen[key] {
				continue
			}
			seen[key] = true
			e.counts.States++
			what := fmt.Sprintf("power cut before operation %d, %s", n+1, p.Name)
			if n < len(r.log) {
				what += fmt.Sprintf(" (%s)", r.log[n])
			}
			dir := e.dir()
			if err := state.Write(dir); err != nil {
				e.t.Fatal(err)
			}
			e.again(what, dir, kept)
		}
	}
}

// failures lets the disk fail at each operation.
func (e *everywhere) failures() {
	step := max(1, e.Step) * cases.Each(4)
	for i, f := range failures {
		for f.at = 1 + i%step; ; f.at += step {
			dir := e.dir()
			if err := e.start.Write(dir); err != nil {
				e.t.Fatal(err)
			}
			r := e.run(dir, f.fault)
			if r.count < f.at {
				break
			}
			if r.hit == "" {
				continue // an operation of another kind
			}
			e.counts.Failures++
			what := fmt.Sprintf("%s at operation %d (%s)", f.name, f.at, r.hit)
			if r.err == nil { // but for names that the next run takes away
				e.same(what, dir, true)
			} else if e.Said != nil {
				if err := e.Said(r.err); err != nil {
					e.t.Errorf("%s: %v", what, err)
				}
			}
			e.again(what, dir, r.kept(len(r.log)))
		}
	}
}

// again looks at what a disturbance has left, and executes the scenario to its end.
func (e *everywhere) again(what, dir string, kept int) {
	if e.Found != nil {
		if err := e.Found(dir); err != nil {
			e.t.Errorf("%s: %v", what, err)
		}
	}
	r := e.run(dir, fault{})
	switch {
	case r.err != nil:
		e.t.Errorf("%s: again: %v", what, r.err)
	case r.from < kept:
		e.t.Errorf("%s: went on from %d, and %d was saved", what, r.from, kept)
	default:
		e.same(what, dir, false)
	}
}

// same compares what there is with what there was after an undisturbed run.
func (e *everywhere) same(what, dir string, hidden bool) {
	got, want := e.end(dir), e.want
	if hidden {
		got, want = visible(got), visible(want)
	}
	if !slices.Equal(got, want) {
		e.t.Errorf("%s: came to another end:%s", what, difference(got, want))
	}
}

// visible leaves out the lines of what has a dot before its name, or lies in such a place.
func visible(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.Contains(line[:strings.Index(line, " ")], "/.") })
}

// end describes all that lies below a directory, a line for each file.
func (e *everywhere) end(dir string) (lines []string) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(dir))
		if entry.IsDir() {
			lines = append(lines, name+"/ ")
			return nil
		}
		data, err := os.ReadFile(path)
		if e.Same != nil {
			data = e.Same(name, data)
		}
		lines = append(lines, fmt.Sprintf("%s %q", name, data))
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return lines
}

// difference shows the lines that are not on both sides.
func difference(have, wanted []string) string {
	var b strings.Builder
	for _, line := range have {
		if !slices.Contains(wanted, line) {
			fmt.Fprintf(&b, "\n+ %.200s", line)
		}
	}
	for _, line := range wanted {
		if !slices.Contains(have, line) {
			fmt.Fprintf(&b, "\n- %.200s", line)
		}
	}
	return b.String()
}
