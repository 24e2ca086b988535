package tfevents_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamina/internal/tfevents"
)

func all(tfevents.Event) bool { return true }

func read(t *testing.T, path string) map[string][][2]float64 {
	t.Helper()
	points := map[string][][2]float64{}
	err := tfevents.Read(path, func(e tfevents.Event) error {
		for _, s := range e.Scalars {
			points[s.Tag] = append(points[s.Tag], [2]float64{float64(e.Step), s.Value})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// TestReadsWhatTorchWrites: the file of torch's SummaryWriter reads as tensorboard reads it.
func TestReadsWhatTorchWrites(t *testing.T) {
	var want map[string][][2]float64
	data, err := os.ReadFile("testdata/torch.json")
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, "testdata/torch.tfevents")
	if len(got) != len(want) {
		t.Errorf("%d tags, want %d", len(got), len(want))
	}
	for tag, points := range want {
		for i, p := range points {
			if len(got[tag]) <= i || got[tag][i] != p {
				t.Fatalf("%s: %v, want %v", tag, got[tag], points)
			}
		}
	}
}

// TestWritesWhatTorchWrites: what is read of torch's file and written again reads the same.
func TestWritesWhatTorchWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tfevents")
	w, err := tfevents.Open(path, all)
	if err != nil {
		t.Fatal(err)
	}
	err = tfevents.Read("testdata/torch.tfevents", func(e tfevents.Event) error { return w.Add(e.Step, e.Time, e.Scalars) })
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	want, got := read(t, "testdata/torch.tfevents"), read(t, path)
	for tag := range want {
		if !slices.Equal(got[tag], want[tag]) {
			t.Errorf("%s: %v, want %v", tag, got[tag], want[tag])
		}
	}
}

// TestGoesOn: behind a record that was cut, wherever, and without events that are dropped.
func TestGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tfevents")
	add := func(from, to int64) {
		t.Helper()
		w, err := tfevents.Open(path, func(e tfevents.Event) bool { return e.Step < from })
		if err != nil {
			t.Fatal(err)
		}
		for step := from; step < to; step++ {
			if err := w.Add(step, time.Unix(step, 0), []tfevents.Scalar{{Tag: "train/loss", Value: 1 / float64(step)}, {Tag: "train/epoch", Value: 1}}); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
	}
	check := func(n int) {
		t.Helper()
		got := read(t, path)["train/loss"]
		if len(got) != n {
			t.Fatalf("%d events, want %d: %v", len(got), n, got)
		}
		for i, p := range got {
			if p[0] != float64(i+1) || p[1] != float64(float32(1/p[0])) {
				t.Errorf("%v", got)
			}
		}
	}
	add(1, 5)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:size], 0o644); err != nil {
			t.Fatal(err)
		}
		step := int64(len(read(t, path)["train/loss"])) + 1
		add(step, 6)
		check(5)
	}
	add(4, 8) // a checkpoint before the last events
	check(7)
}

// TestDamageIsNoNumber: each bit of a file that flips is an error or the end of what is read,
// and a file of another kind is not written to.
func TestDamageIsNoNumber(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tfevents")
	w, err := tfevents.Open(path, all)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(3, time.Unix(3, 0), []tfevents.Scalar{{Tag: "train/loss", Value: math.Pi}})
	w.Close()
	good, _ := os.ReadFile(path)
	for bit := range 8 * len(good) {
		bad := append([]byte(nil), good...)
		bad[bit/8] ^= 1 << (bit % 8)
		os.WriteFile(path, bad, 0o644)
		n := 0
		err := tfevents.Read(path, func(tfevents.Event) error { n++; return nil })
		if err == nil && n > 0 {
			t.Fatalf("bit %d: read", bit)
		}
	}
	other := filepath.Join(t.TempDir(), "notes.txt")
	os.WriteFile(other, []byte(strings.Repeat("notes of mine\n", 9)), 0o644)
	if _, err := tfevents.Open(other, all); err == nil || !strings.Contains(err.Error(), "no event file") {
		t.Errorf("another file: %v", err)
	}
}
