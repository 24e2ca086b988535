package train_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/train"
	"lamina/kernels/ref"
)

// privateRun trains in a directory, which keeps the key.
func privateRun(t *testing.T, ctx context.Context, dir string) (*emulate.Emulator, train.Outcome, error) {
	t.Helper()
	be := ref.New()
	tr, e := trainer(t, be, crashtest.Small(be, "opt"), "0* 1")
	tr.Settings.Steps, tr.Settings.EvalEvery = 5, 5
	privately(tr, 0.1, 0.9)
	store, err := train.OpenRunDir(dir, tr.Settings, false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if tr.Key, err = store.NoiseKey(); err != nil {
		return e, train.Outcome{}, err
	}
	tr.Store = store
	out, err := tr.Run(ctx)
	return e, out, err
}

// TestPrivateRunResumesToTheSameBits ends a run at every place that looks at its context
// and takes it up again, with the key that its directory keeps.
func TestPrivateRunResumesToTheSameBits(t *testing.T) {
	key := filepath.Join(t.TempDir(), "secret")
	first := filepath.Join(t.TempDir(), "run")
	want, wantOut, err := privateRun(t, context.Background(), first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(key, os.DirFS(filepath.Join(first, "secret"))); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		dir := filepath.Join(t.TempDir(), "run")
		privateRun(t, &crashtest.Countdown{Context: context.Background()}, dir) // makes the directory, and a key
		if err := errorsOf(os.RemoveAll(filepath.Join(dir, "secret")), os.CopyFS(filepath.Join(dir, "secret"), os.DirFS(key))); err != nil {
			t.Fatal(err)
		}
		_, out, err := privateRun(t, &crashtest.Countdown{Context: context.Background(), Left: n}, dir)
		if err != nil {
			t.Fatal(err)
		}
		if !out.Stopped {
			if n < 5 {
				t.Errorf("the run looked at its context %d times", n)
			}
			return
		}
		got, out, err := privateRun(t, context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		crashtest.Same(t, fmt.Sprintf("stopped at the %d. look", n+1), crashtest.Bits(got.Params()), crashtest.Bits(want.Params()))
		if out.Private != wantOut.Private || out.Private.Epsilon == 0 {
			t.Errorf("stopped at the %d. look: %+v, want %+v", n+1, out.Private, wantOut.Private)
		}
	}
}

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestKeyStaysWhereItIs: the key of a run stands in secret/ and nowhere else, is its own
// in each run, and a run that lost it, or has a damaged one, does not go on.
func TestKeyStaysWhereItIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, out, err := privateRun(t, &crashtest.Countdown{Context: context.Background(), Left: 3}, dir); err != nil || !out.Stopped {
		t.Fatal(out, err)
	}
	path := filepath.Join(dir, "secret", "noise.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), `"key": "`)
	key, _, ok := strings.Cut(rest, `"`)
	if !ok || len(key) != 64 {
		t.Fatalf("%s", data)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("secret/ has mode %v (%v)", info.Mode(), err)
	}
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || name == path {
			return err
		}
		content, err := os.ReadFile(name)
		if bytes.Contains(content, []byte(key[:16])) {
			t.Errorf("%s holds the key", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "run")
	privateRun(t, &crashtest.Countdown{Context: context.Background()}, other)
	if again, err := os.ReadFile(filepath.Join(other, "secret", "noise.json")); err != nil || bytes.Equal(again, data) {
		t.Errorf("two runs have one key (%v)", err)
	}
	for i := range data { // one bit at a time
		damaged := bytes.Clone(data)
		damaged[i] ^= 1 << (i % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := privateRun(t, context.Background(), dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Fatalf("bit %d of byte %d changed: %v", i%8, i, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := privateRun(t, context.Background(), dir); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("without the key: %v", err)
	}
}
