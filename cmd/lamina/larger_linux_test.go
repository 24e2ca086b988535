package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/cases"
	"lamina/internal/heaptest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// TestMeasuresModelsTwiceTheMemory: what goes through a model block by block is done in a
// process that may have half of the weights' bytes for data of its own (RLIMIT_DATA, which
// counts no mapped file), and at no time has more than half of them in memory, the mapped
// file included, which the kernel counts. Without --stream the same model lies in memory
// whole.
func TestMeasuresModelsTwiceTheMemory(t *testing.T) {
	if !heaptest.Counts {
		t.Skip("memory is counted without the race detector")
	}
	if cases.Few() {
		t.Skip("it writes 400 MB and reads them four times: with LAMINA_TESTS=whole")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skipf("nobody says what a process held at most: %v", err)
	}
	dir := t.TempDir()
	model, weights := repeated(t, dir)
	var rows strings.Builder
	for i := range 12 {
		fmt.Fprintf(&rows, `{"context_ids":[%d,%d,7],"target_ids":[8,%d]}`+"\n", 5+i, 40-i, 9*i)
	}
	data, out := write(t, dir, "d.jsonl", rows.String()), filepath.Join(dir, "r.json")
	other := write(t, dir, "other.jsonl", rows.String())
	for line, streamed := range map[string]bool{
		"similarity --stream --metric cka-debiased --data " + data + " --with " + model: true,
		"features --stream --tasks " + data + "," + other:                               true,
		"similarity --data " + data:                                                     false,
	} {
		args := append(strings.Fields(line), "--model", model, "--threads", "1", "--json", out)
		p := limited(t, weights/2, args...)
		peak := peakOf(p)
		if code := p.ProcessState.ExitCode(); code != 0 {
			t.Fatalf("%s: exit %d: %s", line, code, p.stderr.String())
		}
		t.Logf("%s: %d MiB at the peak, of weights of %d MiB", strings.ReplaceAll(line, dir+"/", ""), peak>>20, weights>>20)
		if peak == 0 || streamed != (peak < weights/2) {
			t.Errorf("%s: %d bytes at the peak, of weights of %d", line, peak, weights)
		}
	}
}

// repeated writes a model of eight blocks, all of the same weights, and returns its path and
// how many bytes its weights have.
func repeated(t *testing.T, dir string) (model string, bytes int) {
	t.Helper()
	const config, layers = `{"model_type": "llama", "vocab_size": 420, "hidden_size": 512, "intermediate_size": 7680, "num_hidden_layers": %d,
		"num_attention_heads": 8, "max_position_embeddings": 64, "tie_word_embeddings": true}`, 8
	c, err := transformer.ParseConfig(fmt.Appendf(nil, config, 1))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]tensor.Tensor{}
	var entries []formats.Entry
	for w := range transformer.New(c, nn.Init{Device: ref.New(), Seed: 1, Std: 0.02}).Params() {
		_, own, inBlock := c.SplitLayerName(w.Name)
		for layer := range layers {
			name := w.Name
			if inBlock {
				name = c.LayerName(layer) + "." + own
			} else if layer > 0 {
				break
			}
			values[name], bytes = w.Value, bytes+w.Value.Bytes()
			entries = append(entries, formats.Entry{Name: name, DType: tensor.F32, Shape: w.Value.Shape()})
		}
	}
	model = filepath.Join(dir, "model")
	if err := os.Mkdir(model, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, model, "config.json", fmt.Sprintf(config, layers))
	err = safetensors.Write(filepath.Join(model, "model.safetensors"), entries, nil, func(name string, w io.Writer) error {
		_, err := values[name].WriteTo(w)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return model, bytes
}

// limited begins a process that may have so many bytes of data. Stacks of threads are such
// bytes where the C library makes them (built with cgo), 8 MiB each unless the limit of
// stacks says less.
func limited(t *testing.T, bytes int, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("/bin/sh", append([]string{"-c", fmt.Sprintf(`ulimit -s 512 && ulimit -d %d && exec "$0" "$@"`, bytes>>10), os.Args[0]}, args...)...)}
	p.Env, p.Cmd.Stderr = append(os.Environ(), asLamina+"=1"), &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	return p
}
