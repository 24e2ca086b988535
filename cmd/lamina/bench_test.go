package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"lamina/bench/workload"
	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/kernels/cpu"
)

// Rows of each unit, on one or two threads: names, JSON and finite shares. No
// rate is asserted.
func TestBenchOfEachUnit(t *testing.T) {
	for i, c := range []struct {
		filter, threads, unit string
		rows                  int // of one number of threads
		work, shape           string
	}{
		{"64x64x64 ABt", "1", "GFLOP/s", 1, "gemm", "64x64x64 ABt"},
		{"25x25x64 AB", "1,2", "GFLOP/s", 2, "gemm", "144 of 25x25x64 AB"},
		{"op layer_norm 512", "2", "GB/s", 2, "op", "layer_norm 512x768"},
		{"tiny", "2", "tokens/s", 2, "forward", "tiny 8x64"},
		{"multiply-add", "1", "GFLOP/s", 1, "peak", "multiply-add"},
		{"attention 512 backward", "1", "GFLOP/s", 1, "attention", "512 tokens, 12x64 backward"},
	} {
		if (i+1)%cases.Each(2) != 0 {
			continue
		}
		out := filepath.Join(t.TempDir(), "b.json")
		text := must(t, "bench", "--filter", c.filter, "--threads", c.threads, "--time", "1ms", "--json", out)
		rows := read[[]workload.Measurement](t, out)
		counts := strings.Split(c.threads, ",")
		if len(rows) != len(counts)*c.rows {
			t.Fatalf("%s: %d rows, want %d for each of threads %s", c.filter, len(rows), c.rows, c.threads)
		}
		for i, threads := range counts {
			if r := rows[i*c.rows]; r.Work != c.work || r.Shape != c.shape || fmt.Sprint(r.Threads) != threads {
				t.Errorf("%s: %+v", c.filter, rows)
			}
		}
		for _, r := range rows {
			if !(r.Value > 0) || !(r.Limit > 0) || math.IsInf(r.Value+r.Limit, 0) || r.Share != r.Value/r.Limit || r.Unit != c.unit {
				t.Errorf("%s: %+v", c.filter, r)
			}
			if !strings.Contains(text, r.Shape) {
				t.Errorf("%s: %q is not printed", c.filter, r.Shape)
			}
		}
	}
}

func TestBenchOfAModel(t *testing.T) {
	out := filepath.Join(t.TempDir(), "b.json")
	must(t, "bench", "--filter", "llama-gqa-tied", "--model", golden("llama-gqa-tied"), "--threads", "1", "--time", "1ms", "--json", out)
	rows := read[[]workload.Measurement](t, out)
	if len(rows) != 2 || rows[0].Work != "decode" || rows[1].Work != "prefill" {
		t.Errorf("%+v", rows)
	}
}

// What the processor has an instruction for has rows of its own, whole models on the most
// threads alone; with another precision all rows are of it.
func TestBenchOfPrecisions(t *testing.T) {
	run := func(args ...string) []workload.Measurement {
		out := filepath.Join(t.TempDir(), "b.json")
		must(t, append([]string{"bench", "--threads", "1,2", "--time", "1ms", "--json", out}, args...)...)
		return read[[]workload.Measurement](t, out)
	}
	count := func(rows []workload.Measurement, precision string, threads int) (n int) {
		for _, r := range rows {
			if r.Precision == precision && r.Threads == threads {
				n++
			}
		}
		return n
	}
	rows, want := run("--filter", "512x512x512 ABt"), 0
	if cpu.HasBF16() {
		want = 1
	}
	for threads := 1; threads <= 2; threads++ {
		if count(rows, "f32", threads) != 1 || count(rows, "bf16", threads) != want {
			t.Errorf("%+v", rows)
		}
	}
	if rows := run("--filter", "512x512x512 ABt", "--precision", "bf16"); len(rows) != 2 || count(rows, "bf16", 2) != 1 {
		t.Errorf("%+v", rows)
	}
	whole := workload.Case{Unit: workload.Tokens, Precision: kernels.PrecisionBF16}
	if !roundedModel(whole) || roundedModel(workload.Case{Unit: workload.Tokens}) || roundedModel(workload.Case{Unit: workload.FLOPS, Precision: kernels.PrecisionBF16}) {
		t.Error("other cases are whole models in a precision of their own")
	}
}

func TestBenchWrongUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--filter gemm#", exitUsage, "gemm, matvec, rows, attention, op, forward, train, decode, prefill"},
		{"--threads 1,0", exitUsage, "--threads 0"},
		{"--threads 1,x", exitUsage, "--threads"},
		{"--time 0s", exitUsage, "--time"},
		{"--time 1h", exitUsage, "--time"},
		{"--device cuda", exitError, "cuda"},
		{"--model none --filter none", exitError, "none"},
	} {
		code, stdout, stderr := lamina(t, append([]string{"bench"}, strings.Fields(c.args)...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("bench %s: exit %d, want %d; stdout %q; %q should name %q", c.args, code, c.code, stdout, stderr, c.want)
		}
	}
	if code, _, stderr := lamina(t, "doctor", "--threads", "1,2"); code != exitUsage || !strings.Contains(stderr, "--threads") {
		t.Errorf("doctor with two numbers of threads: exit %d, %q", code, stderr)
	}
}
