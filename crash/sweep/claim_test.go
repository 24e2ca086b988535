package sweep

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// age sets the time of a claim back.
func age(t *testing.T, c Cells, key string, by time.Duration) {
	t.Helper()
	past := time.Now().Add(-by)
	if err := os.Chtimes(filepath.Join(c.claims(), key), past, past); err != nil {
		t.Fatal(err)
	}
}

func TestClaims(t *testing.T) {
	c := Cells{t.TempDir()}
	if err := c.Make(); err != nil {
		t.Fatal(err)
	}
	key := strings.Repeat("a", 64)
	claim := func(host string, lease time.Duration) *Claim {
		t.Helper()
		got, err := c.Claim(key, host, lease)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	a := claim("a", time.Hour)
	if a == nil || claim("b", time.Hour) != nil {
		t.Fatal("a claim that is held was given again")
	}
	age(t, c, key, 30*time.Minute)
	if claim("b", time.Hour) != nil {
		t.Error("a claim was taken within its lease")
	}
	// Heard again, its time is new, whatever it was.
	age(t, c, key, 2*time.Hour)
	beat := &Claim{path: a.path, text: a.text, done: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	go beat.beat(ctx, time.Millisecond)
	for begin := time.Now(); ; {
		info, err := os.Stat(a.path)
		if err != nil {
			t.Fatal(err)
		}
		if info.ModTime().After(begin.Add(-time.Hour)) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	<-beat.done
	if claim("b", time.Hour) != nil {
		t.Error("a claim that was heard of was taken")
	}
	// Not heard for its lease, it is taken, and its owner neither renews nor releases it.
	age(t, c, key, 2*time.Hour)
	b := claim("b", time.Hour)
	if b == nil {
		t.Fatal("a dead claim was not taken")
	}
	if err := a.Release(); err != nil || claim("c", time.Hour) != nil {
		t.Errorf("the release of a lost claim: %v", err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	if d := claim("d", time.Hour); d == nil {
		t.Error("a released claim was not given")
	} else if err := d.Release(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(c.claims()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestManySeeADeadClaim: it is taken by one of them at least, and nothing is left.
func TestManySeeADeadClaim(t *testing.T) {
	c := Cells{t.TempDir()}
	if err := c.Make(); err != nil {
		t.Fatal(err)
	}
	key := strings.Repeat("b", 64)
	put(t, filepath.Join(c.claims(), key), `{"host":"gone","pid":1,"token":"x"}`)
	age(t, c, key, 2*time.Hour)
	got := make([]*Claim, 8)
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() {
			var err error
			if got[i], err = c.Claim(key, "h", time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	won := 0
	for _, claim := range got {
		if claim != nil {
			won++
			if err := claim.Release(); err != nil {
				t.Error(err)
			}
		}
	}
	if won == 0 {
		t.Error("nobody took it")
	}
	if left, err := os.ReadDir(c.claims()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestTwoComputeOneCell: where the claim of a worker that lives expires, two compute its cell;
// both write the same bytes, and neither is disturbed by the other.
func TestTwoComputeOneCell(t *testing.T) {
	file, cells, out := studyFile(t, "both", "crash", "seeds: [1]"), t.TempDir(), t.TempDir()
	slow, quick := worker(t, file, cells, out, "slow"), worker(t, file, cells, out, "quick")
	if err := slow.Plan(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if err := slow.Cells.Make(); err != nil {
		t.Fatal(err)
	}
	cell := slow.planned.Cells[0]
	held, err := slow.Cells.Claim(cell.Key, "slow", time.Hour)
	if err != nil || held == nil {
		t.Fatal(err)
	}
	age(t, slow.Cells, cell.Key, 2*time.Hour) // as if it had been stopped since
	computed(t, context.Background(), quick)
	first := get(t, slow.Cells.result(cell.Key))
	if err := slow.compute(context.Background(), cell); err != nil {
		t.Fatal(err)
	}
	if second := get(t, slow.Cells.result(cell.Key)); second != first {
		t.Errorf("another result:\n%s\nwas\n%s", second, first)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	slow.Close()
	// Both at once.
	other := t.TempDir()
	a, b := worker(t, file, other, out, "a"), worker(t, file, other, out, "b")
	var wait sync.WaitGroup
	for _, w := range []*Worker{a, b} {
		if err := w.Plan(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		if err := w.Cells.Make(); err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			defer w.Close()
			if err := w.compute(context.Background(), w.planned.Cells[0]); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := get(t, a.Cells.result(cell.Key)); got != first {
		t.Errorf("another result:\n%s\nwas\n%s", got, first)
	}
}

// TestMergeNamesWhatIsMissing, and what was changed since it was written.
func TestMergeNamesWhatIsMissing(t *testing.T) {
	file, out := studyFile(t, "less", "zs", "seeds: [1]"), t.TempDir()
	w := worker(t, file, t.TempDir(), out, "a")
	wants := func(what string) {
		t.Helper()
		if _, err := w.Merge(); err == nil || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, what)
		}
	}
	wants("no study was begun here")
	if err := w.Plan(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	wants("1 of 1 cells are not there, the first is small ids zs")
	if err := w.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	path := w.Cells.result(w.planned.Cells[0].Key)
	text := get(t, path)
	put(t, path, strings.Replace(text, `"chance": `, `"chance": 0`, 1))
	wants("it was changed: put back a copy")
	put(t, path, text)
	if _, err := w.Merge(); err != nil {
		t.Error(err)
	}
	// Another study in the directory, another study file, and a directory of something else.
	put(t, file, strings.Replace(get(t, file), "rows: [zs]", "rows: [zs, uniform]", 1))
	again := worker(t, file, w.Cells.Dir, out, "a")
	if err := again.Plan(context.Background(), false); err == nil || !strings.Contains(err.Error(), "another study is there: it has 1 cells, not 3") {
		t.Error(err)
	}
	if _, err := again.Merge(); err == nil || !strings.Contains(err.Error(), "was begun with another") {
		t.Error(err)
	}
	if err := again.Plan(context.Background(), true); err != nil {
		t.Error(err)
	}
	again.Close()
	busy := t.TempDir()
	put(t, filepath.Join(busy, "thesis.txt"), "mine")
	again = worker(t, file, w.Cells.Dir, busy, "a")
	if err := again.Plan(context.Background(), true); err == nil || !strings.Contains(err.Error(), "not empty and no study of lamina") {
		t.Error(err)
	}
	// Data that changed since the study was begun.
	put(t, filepath.Join(filepath.Dir(file), "train.jsonl"), `{"context_ids":[1],"target_ids":[2]}`+"\n")
	again = worker(t, file, w.Cells.Dir, out, "a")
	if err := again.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "its model, its data or the device") {
		t.Error(err)
	}
	if err := again.Plan(context.Background(), false); err == nil || !strings.Contains(err.Error(), "its model, data or settings changed") {
		t.Error(err)
	}
	again.Close()
	w.Close()
}
