package emulate_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
	"lamina/transformer"
)

// TestEmulatorsOfOtherForms: a model with places that are no layers as its family has them,
// such as an emulator that was saved as a plain model, has no emulators with these layers;
// its other layers have.
func TestEmulatorsOfOtherForms(t *testing.T) {
	be := ref.New()
	_, full := crashtest.Made(t, be, "llama", 32)
	for word, is := range map[string]string{"1:heads0.5": "2 heads (1 key/value)", "1:width0.5": "feed-forward 16", "1:svd0.6": "rank", "1x0.5": "scaled by 0.5", "~": "a linear map"} {
		first, _ := fitted(t, be, full, "0* "+word+" 4 5*", texts(40), emulate.FitOptions{})
		dir := filepath.Join(t.TempDir(), "model")
		if err := first.Decoder.Save(dir); err != nil {
			t.Fatal(err)
		}
		c := must(transformer.Open(dir))
		defer c.Close()
		model := must(c.Decoder(be))
		for _, text := range []string{"0* 1:heads0.5 3*", "0* 1:width0.5 3*", "0* 1:svd0.6 3*", "0* 1:prune0.5 3*", "0* 1x0.5 3*", "0* 1xfit 1xfit 3*"} {
			p := crashtest.Plan(t, text)
			want := "plan: place 1, " + strings.Fields(text)[1] + ": layer 1 of the model is no layer as llama has it ("
			_, _, err := emulate.Fit(context.Background(), be, model, p, texts(40), emulate.FitOptions{})
			_, outlined := emulate.OutlineOf(model, p)
			for _, err := range []error{err, outlined, emulate.WantLayers(c.Config, p)} {
				if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), is) {
					t.Errorf("%s of %s: %v, want %q", text, word, err, want)
				}
			}
		}
		if _, err := emulate.Export(c, model, crashtest.Plan(t, "0* 1 3*"), filepath.Join(t.TempDir(), "e"), emulate.Options{}); err == nil || !strings.Contains(err.Error(), "place 1, 1: layer 1 of the model is no layer as llama has it (") {
			t.Errorf("an emulator of %s is written: %v", word, err)
		}
		if _, err := emulate.Export(c, model, crashtest.Plan(t, "0* 2 3*"), filepath.Join(t.TempDir(), "e"), emulate.Options{}); err != nil {
			t.Error(err)
		}
	}
}
