package emulate_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// TestEveryEmulatorComesBack: written, compact or not, and opened again an emulator of any
// plan is what it was in memory: logits, names, what is one object; and plugged into the
// full model before training it gives that model. It is a standard model to others where
// all places are layers as the family has them, and to nobody else where one is not.
func TestEveryEmulatorComesBack(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, family := range crashtest.Families {
		models := map[*transformer.Decoder][]uint32{} // logits
		for _, b := range crashtest.EveryPlan(t, be, family) {
			what := family + ", " + b.Plan
			full := models[b.Full]
			if full == nil {
				full = crashtest.Logits(be, b.Full)
				models[b.Full] = full
			}
			forms, err := b.Emulator.Decoder.Forms()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			want := crashtest.Logits(be, b.Emulator.Decoder)
			crashtest.Same(t, what+": plugged", crashtest.Logits(be, b.Emulator.Plug(b.Full)), full)
			quantised := strings.Contains(b.Plan, ":q")
			for _, compact := range []bool{false, true} {
				dir, m := exported(t, b, emulate.Options{Compact: compact})
				e, back := opened(t, be, dir)
				if quantised && !compact { // products of F32 copies are others
					if nearly := crashtest.Logits(be, e.Decoder); len(nearly) != len(want) {
						t.Errorf("%s: %d logits", what, len(nearly))
					}
				} else {
					crashtest.Same(t, fmt.Sprint(what, ", compact ", compact), crashtest.Logits(be, e.Decoder), want)
				}
				crashtest.Same(t, what+": opened and plugged", crashtest.Logits(be, e.Plug(b.Full)), full)
				if !reflect.DeepEqual(back, m) || m.HeldParams != e.HeldParams() || e.Plan.String() != b.Emulator.Plan.String() {
					t.Errorf("%s: manifest %+v, written %+v; %d weights held", what, back, m, e.HeldParams())
				}
				if a, b := named(e.Params()), named(b.Emulator.Params()); !slices.Equal(a, b) || len(a) == 0 {
					t.Errorf("%s: parameters %v, want %v", what, a, b)
				}
				if a, b := linears(e.Decoder), linears(b.Emulator.Decoder); !slices.Equal(a, b) {
					t.Errorf("%s: linear layers %v, want %v", what, a, b)
				}
				if got, want := oneObject(e.Decoder), oneObject(b.Emulator.Decoder); !slices.Equal(got, want) {
					t.Errorf("%s: places that are one object %v, want %v", what, got, want)
				}
				config := string(must(os.ReadFile(filepath.Join(dir, "config.json"))))
				if own := strings.Contains(config, "LaminaForCausalLM"); own != (forms != nil) || strings.Contains(config, "LaminaCompactForCausalLM") != compact {
					t.Errorf("%s: config.json of forms %v: %s", what, forms, config)
				}
			}
		}
	}
}

// exported writes an emulator.
func exported(t *testing.T, b crashtest.Built, opt emulate.Options) (string, emulate.Manifest) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "emulator")
	m, err := b.Emulator.Export(b.Checkpoint, b.Full, dir, opt)
	if err != nil {
		t.Fatalf("%s: %v", b.Plan, err)
	}
	return dir, m
}

// opened opens an emulator.
func opened(t *testing.T, be kernels.Backend, dir string) (*emulate.Emulator, emulate.Manifest) {
	t.Helper()
	ckpt, err := transformer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	e, m, err := emulate.Open(ckpt, be)
	if err != nil {
		t.Fatal(err)
	}
	return e, m
}

// oneObject returns, for each place, the first whose block is the same object, whatever
// scale stands around it.
func oneObject(d *transformer.Decoder) []int {
	block := func(i int) transformer.Block {
		if s, ok := d.Blocks[i].(*transformer.Scaled); ok {
			return s.Block
		}
		return d.Blocks[i]
	}
	first := make([]int, len(d.Blocks))
	for i := range d.Blocks {
		for first[i] < i && block(first[i]) != block(i) {
			first[i]++
		}
	}
	return first
}

// TestEmulatorsAreTheSameBytes for any number of threads, but for the exchange.
func TestEmulatorsAreTheSameBytes(t *testing.T) {
	var first map[string][]byte
	for _, threads := range []int{1, 3} {
		be := cpu.New(cpu.Options{Threads: threads})
		got := map[string][]byte{}
		for _, b := range crashtest.EveryPlan(t, be, "llama") {
			dir, _ := exported(t, b, emulate.Options{})
			for _, name := range []string{"model.safetensors", "config.json"} {
				got[b.Plan+", "+name] = must(os.ReadFile(filepath.Join(dir, name)))
			}
		}
		if first == nil {
			first = got
		}
		for what, data := range got {
			if !bytes.Equal(data, first[what]) {
				t.Errorf("%s: other bytes with %d threads than with one", what, threads)
			}
		}
		be.Close()
	}
	if len(first) == 0 {
		t.Error("nothing was written")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
