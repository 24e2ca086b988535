package emulate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/internal/files"
	"lamina/kernels/ref"
)

// TestEarlierFormatsOpen: an emulator that an earlier version wrote (testdata/format2, see
// gen_format2.sh) is what it was; the first format had neither MANIFEST.json nor exchange.
func TestEarlierFormatsOpen(t *testing.T) {
	be := ref.New()
	_, full := crashtest.OpenModel(t, filepath.Join(crashtest.Models, "llama-bf16"))
	own, err := emulate.New(full, crashtest.Plan(t, "0* 1 1"))
	if err != nil {
		t.Fatal(err)
	}
	second := "testdata/format2"
	first := copyOf(t, second, func(m map[string]any) { m["format"] = 1; delete(m, "exchange") })
	if err := os.Remove(filepath.Join(first, files.Manifest)); err != nil {
		t.Fatal(err)
	}
	for format, dir := range map[int]string{1: first, 2: second} {
		c, _ := crashtest.OpenModel(t, dir)
		e, m, err := emulate.Open(c, be)
		if err != nil {
			t.Errorf("format %d: %v", format, err)
			continue
		}
		if m.Format != format || e.Unsealed != (format == 1) || e.Decoder.Blocks[1] != e.Decoder.Blocks[2] {
			t.Errorf("format %d: opened as %+v, unsealed %t", format, m, e.Unsealed)
		}
		crashtest.Same(t, "an earlier format", crashtest.Logits(be, e.Decoder), crashtest.Logits(be, own.Decoder))
		crashtest.Same(t, "an earlier format, plugged", crashtest.Logits(be, e.Plug(full)), crashtest.Logits(be, full))
	}
}

// copyOf returns a copy of an emulator's directory with a changed lamina.json, sealed again
// as whoever changed it would.
func copyOf(t *testing.T, dir string, change func(m map[string]any)) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "emulator")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to, "lamina.json")
	var m map[string]any
	if err := json.Unmarshal(must(os.ReadFile(path)), &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	if err := files.WriteJSON(path, m); err != nil {
		t.Fatal(err)
	}
	if err := files.Seal(to); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestPlanAndFormsAgree: what lamina.json says of a place and what config.json says of it
// are held against each other, also where both fit the tensors.
func TestPlanAndFormsAgree(t *testing.T) {
	be := ref.New()
	c, full := crashtest.Made(t, be, "llama", 32)
	plain, _ := crashtest.Export(t, c, full, "0* 1 3 5*")
	e, _ := fitted(t, be, full, "0* ~ 3x0.5:svd0.5 5*", texts(40), emulate.FitOptions{})
	own := filepath.Join(t.TempDir(), "own")
	if _, err := e.Export(c, full, own, emulate.Options{}); err != nil {
		t.Fatal(err)
	}
	for text, w := range map[string]struct{ dir, want string }{
		"0* ~ 3 5*":             {plain, "place 1, ~: what stands there is a layer as it is, and the plan says a linear map"},
		"0* 1x0.5 3 5*":         {plain, "place 1, 1x0.5: what stands there is a layer as it is, and the plan says scaled by 0.5"},
		"0* 1 3:width0.5 5*":    {plain, "feed-forward 16"},
		"0* 1 3:heads0.5 5*":    {plain, "2 heads"},
		"0* 1 3xfit 5*":         {plain, "place 2, 3xfit: want the scale that was fitted"},
		"0* 1 2 5*":             {own, "place 1, 1: what stands there is a linear map, and the plan says a layer as it is"},
		"0* ~patch 3x0.5 5*":    {own, "diagonal map"},
		"0* ~ 3x0.25:svd0.5 5*": {own, "scaled by 0.25"},
		"0* ~ 3x0.5:svd0.75 5*": {own, "place 2, 3x0.5:svd0.75"},
		"0* ~ 3x0.5 5*":         {own, "7 layers of rank"},
		"0* ~ ~ 5*":             {own, "a map stands in this gap already"},
	} {
		for _, format := range []int{2, 3} {
			dir := copyOf(t, w.dir, func(m map[string]any) { m["plan"], m["format"] = text, format })
			ckpt, _ := crashtest.OpenModel(t, dir)
			_, _, err := emulate.Open(ckpt, be)
			want := w.want
			if format == 2 && !strings.Contains(want, "fitted") && text != "0* 1 2 5*" {
				want = "in format 2 each place is a layer as it is"
			}
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, format %d: %v, want %q", text, format, err, want)
			}
		}
	}
}
