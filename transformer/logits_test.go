package transformer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"lamina/autograd"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// What is written is what Logits computes, to the bit; a number that JSON cannot hold
// is an error that says where it is.
func TestWriteLogits(t *testing.T) {
	be := ref.New()
	d, _ := open(t, be, "opt-prenorm")
	rows := [][]int32{{1, 2, 3}, {4, 5}}
	var text bytes.Buffer
	written := 0
	if err := d.WriteLogits(t.Context(), be, rows, &text, func(done int) { written = done }); err != nil {
		t.Fatal(err)
	}
	var got [][][]float32
	if err := json.Unmarshal(text.Bytes(), &got); err != nil || len(got) != 2 || written != 2 {
		t.Fatalf("%d rows, %d written, %v", len(got), written, err)
	}
	for i, row := range rows {
		p := autograd.NewPass(be)
		want := d.Logits(p, d.Forward(p, transformer.NewBatch(row), nil)).T.Float32s()
		vocab := d.Config.Vocab
		if len(got[i]) != len(row) || len(want) != len(row)*vocab {
			t.Fatalf("row %d: %d tokens", i, len(got[i]))
		}
		for j, v := range want {
			if got[i][j/vocab][j%vocab] != v {
				t.Fatalf("row %d, element %d: %v, want %v", i, j, got[i][j/vocab][j%vocab], v)
			}
		}
		p.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.WriteLogits(ctx, be, rows, &text, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	broken := transformer.New(d.Config, nn.Init{Device: be, Seed: 1, Std: 0.02})
	for w := range broken.Params() {
		if strings.HasSuffix(w.Name, "final_layer_norm.bias") {
			values := w.Value.Floats()
			values[0] = math.NaN()
			w.Value.SetFloats(values)
		}
	}
	if err := broken.WriteLogits(t.Context(), be, rows, &text, nil); err == nil || !strings.Contains(err.Error(), "row 0: token 0: logit 0 is NaN") {
		t.Errorf("%v", err)
	}
}
