package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCreateNewLetsOneWin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "claim")
	var won atomic.Int32
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			switch err := CreateNew(path, []byte("mine")); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got, err := os.ReadFile(path); won.Load() != 1 || string(got) != "mine" || err != nil {
		t.Errorf("%d made it: %q, %v", won.Load(), got, err)
	}
	if err := CreateNew(filepath.Join(t.TempDir(), "none", "claim"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestRewriteSetsTheTimeOfItsOwnFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "claim")
	if err := Rewrite(path, []byte("mine")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := CreateNew(path, []byte("mine")); err != nil {
		t.Fatal(err)
	}
	past := time.Unix(1e9, 0)
	age := func() time.Time {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	for _, other := range []string{"yours", "hers", "mine!"} {
		os.Chtimes(path, past, past)
		if err := Rewrite(path, []byte(other)); err == nil || !age().Equal(past) {
			t.Errorf("%s: %v", other, err)
		}
	}
	if err := Rewrite(path, []byte("mine")); err != nil || age().Equal(past) {
		t.Error(err)
	}
}
