package study_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// TestDropoutOfPEFTResumesToTheSameBits: a run of LoRA, or of adapters, that drop, ended at
// each look at its context, goes on to the bits of one that was not; frozen weights keep
// theirs. Without dropout it comes to others.
func TestDropoutOfPEFTResumesToTheSameBits(t *testing.T) {
	for _, config := range []peft.Config{
		{Kind: "lora", Rank: 2, Alpha: 8, Dropout: 0.4},
		{Kind: "adapter", Width: 3, Dropout: 0.4},
	} {
		run := func(ctx context.Context, dir string, c peft.Config) ([]uint32, train.Outcome) {
			f := besides(t, "0* 1", c)
			tr := f.Trainer
			tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.Batch, tr.Settings.LR = 0, 4, 2, 0.05
			tr.Train = crashtest.NextToken(t, f.Part.Decoder, []task.Pair{{Context: []int32{1, 2}, Target: []int32{3, 4}}, {Context: []int32{5}, Target: []int32{6}}, {Context: []int32{7, 3}, Target: []int32{2}}})
			added := slices.Collect(tr.Params)
			frozen := func(yield func(*autograd.Parameter) bool) {
				for w := range f.Part.Decoder.Params() {
					if !slices.Contains(added, w) && !yield(w) {
						return
					}
				}
			}
			were := transformer.Fingerprint(frozen)
			store, err := train.OpenRunDir(dir, fmt.Sprint(config), false)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			tr.Store = store
			out, err := tr.Run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if transformer.Fingerprint(frozen) != were {
				t.Errorf("%s: a frozen weight changed", c.Kind)
			}
			return crashtest.Bits(tr.Params), out
		}
		want, _ := run(context.Background(), filepath.Join(t.TempDir(), "run"), config)
		still := config
		still.Dropout = 0
		if got, _ := run(context.Background(), filepath.Join(t.TempDir(), "run"), still); slices.Equal(got, want) {
			t.Errorf("%s: nothing is dropped", config.Kind)
		}
		stops := 0
		for n := 0; ; n++ {
			dir := filepath.Join(t.TempDir(), "run")
			if _, out := run(&crashtest.Countdown{Context: context.Background(), Left: n}, dir, config); !out.Stopped {
				break
			}
			stops++
			got, _ := run(context.Background(), dir, config)
			crashtest.Same(t, fmt.Sprintf("%s, stopped at the %d. look", config.Kind, n+1), got, want)
		}
		if stops < 4 {
			t.Errorf("%s: stopped %d times", config.Kind, stops)
		}
	}
}
