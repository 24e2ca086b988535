package study_test

import (
	"slices"
	"strings"
	"testing"

	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/internal/units"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer/peft"
)

// TestOwnerAsksForWhatPEFTTrains: who leaves --peft out then is told before anything is
// trained, and who trains another kind is warned.
func TestOwnerAsksForWhatPEFTTrains(t *testing.T) {
	f := finetuning(t, "llama", "0* 1")
	f.Model.Manifest.Return = "ia3"
	if err := f.Load(); err == nil || !strings.Contains(err.Error(), "its owner asks for what --peft ia3 trains: add that flag") {
		t.Errorf("without --peft: %v", err)
	}
	f.Model.Manifest.Return = "lora"
	for kind, want := range map[string]bool{"lora": false, "ia3": true} {
		f.PEFT = &peft.Config{Kind: kind}
		warned := slices.ContainsFunc(f.Warnings(), func(line string) bool {
			return strings.HasSuffix(line, "its owner asks for lora, and --peft ia3 returns something else")
		})
		if warned != want {
			t.Errorf("--peft %s: %q", kind, f.Warnings())
		}
	}
}

// besides is a fine-tuning of a kind in the part of a plan.
func besides(t *testing.T, plan string, c peft.Config) *study.Finetuning {
	t.Helper()
	f := finetuning(t, "llama", plan)
	f.PEFT = &c
	if err := f.Attach(); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestMemoryOfWhatPEFTTrains: what trains counts 16 bytes a weight, and nothing else does;
// what values, gradients and moments take when they are there is within a tenth of it. The
// refusal of a run names the highest layer alone, with what it takes.
func TestMemoryOfWhatPEFTTrains(t *testing.T) {
	for _, k := range peft.Kinds {
		f := besides(t, "0* 1 2 3*", k.Defaults)
		m, err := f.Trainer.Memory()
		if err != nil {
			t.Fatal(err)
		}
		added, all := nn.Count(f.Trainer.Params), nn.Bytes(f.Part.Decoder.Params())
		if m.Trained != 16*added || m.Frozen+4*added != all {
			t.Errorf("%s: %d weights train of %d bytes: %+v", k.Name, added, all, m)
		}
		be := f.Model.Backend
		trained := tensor.Must(nn.Trainable(be, f.Trainer.Params))
		opt, err := optim.NewAdamW(be, trained, optim.Config{LR: 1})
		if err != nil {
			t.Fatal(err)
		}
		held := trained.Values.Bytes() + trained.Grads.Bytes()
		for _, moments := range opt.State() {
			held += moments.Bytes()
		}
		if 10*held < 9*m.Trained || 10*held > 11*m.Trained {
			t.Errorf("%s: values, gradients and moments take %d bytes, said were %d", k.Name, held, m.Trained)
		}
	}
	f := besides(t, "0* 1 2 3*", peft.Config{Kind: "lora", Rank: 2, Alpha: 2})
	one := besides(t, "0* 1 2 3*", peft.Config{Kind: "lora", Rank: 2, Alpha: 2, Layers: []int{3}})
	m, err := one.Trainer.Memory()
	if err != nil {
		t.Fatal(err)
	}
	want := "--layers 3 takes " + units.Bytes(m.Total()+f.Model.Config.ProcessMemory())
	if err := f.CheckMemory(1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestLayerRatesReachWhatPEFTTrains: what stands beside frozen weights has the rate of its
// place too.
func TestLayerRatesReachWhatPEFTTrains(t *testing.T) {
	for _, kind := range peft.Kinds {
		f := besides(t, "0 1* 2 3*", kind.Defaults)
		trained := tensor.Must(nn.Trainable(f.Model.Backend, f.Trainer.Params))
		left, times := map[string]bool{}, map[float64]int{}
		for w := range f.Trainer.Params {
			left[w.Name] = true
		}
		for _, r := range f.Trainer.Train.(*train.NextToken).LayerRates(0.5, left) {
			delete(left, r.Match)
			times[r.Times]++
		}
		if len(left) > 0 || len(times) != 2 || times[0.5] == 0 || times[0.5] != times[1.0/8] {
			t.Errorf("%s: without a rate %v, rates %v", kind.Name, left, times)
		}
		trained.Close()
	}
}

// TestWhatPEFTBeganWithIsGivenBack: while it trains, the memory of the values that it began
// with is free, and what the file has is asked for under names of the model alone.
func TestWhatPEFTBeganWithIsGivenBack(t *testing.T) {
	for _, k := range peft.Kinds {
		f := finetuning(t, "llama", "0* 1 2 3*")
		f.PEFT = &k.Defaults
		var told []string
		f.Trainer.Release = func(name string) { told = append(told, name) }
		if err := f.Attach(); err != nil {
			t.Fatal(err)
		}
		trained := tensor.Must(nn.Trainable(f.Model.Backend, f.Trainer.Params))
		for w := range f.Trainer.Params {
			f.Trainer.Release(w.Name)
		}
		values := slices.Clone(trained.Values.Float32s())
		if want := k.Replaces(); want != (len(told) > 0) {
			t.Errorf("%s: the model was told %q", k.Name, told)
		}
		for w := range f.Trainer.Params {
			f.Trainer.Release(w.Name) // twice changes nothing
		}
		if !slices.Equal(trained.Values.Float32s(), values) {
			t.Errorf("%s: what trains was given back", k.Name)
		}
	}
}
