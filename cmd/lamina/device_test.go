package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/study"
	"lamina/kernels"
	"lamina/kernels/cpu"
)

// small is a device of so many bytes, which computes as the processor does.
type small struct {
	kernels.Backend
	free int64
}

func (d small) Memory() (free, total int64) { return d.free, 1 << 30 }
func (d small) Name() string                { return "cuda/simple" }

// pretended are GPUs that tests make.
type pretended struct {
	free int64  // 0: there is none
	note string // of the one there is
}

func (p pretended) open(number int, precision kernels.Precision) (*gpu, error) {
	if p.free == 0 || number > 0 {
		return nil, fmt.Errorf("no GPU %d here", number)
	}
	return &gpu{Backend: small{cpu.New(cpu.Options{}), p.free}, note: p.note, overhead: 1 << 20}, nil
}

func (p pretended) choose(precision kernels.Precision) (*gpu, string) {
	g, err := p.open(0, precision)
	if err != nil {
		return nil, "cuda: not used: " + err.Error()
	}
	return g, ""
}

func (pretended) describe() cudaDescription {
	return cudaDescription{Built: true, Report: map[string]string{"driver": "12.2"}, lines: [][2]string{{"CUDA", "driver 12.2"}, {"", "a path"}}}
}

// pretend lets the rest of a test have other GPUs.
func pretend(t *testing.T, p pretended) {
	was := cudaGraphics
	cudaGraphics = p
	t.Cleanup(func() { cudaGraphics = was })
}

// The first usable GPU is taken where nobody says otherwise; where there is none, one line
// says why, and what is printed is what it is without CUDA.
func TestAutoTakesTheGPU(t *testing.T) {
	model := tinyModel(t)
	args := []string{"generate", "--model", model, "--prompt", "a small cat", "--max-tokens", "3"}
	want := must(t, args...)
	pretend(t, pretended{})
	code, stdout, stderr := lamina(t, args...)
	if line := "lamina: cuda: not used: no GPU 0 here\n"; code != 0 || stdout != want || strings.Count(stderr, line) != 1 || strings.Count(stderr, "\n") != 2 {
		t.Errorf("without a GPU: exit %d, %q, %q; want what there is without CUDA, and a line", code, stdout, stderr)
	}
	if _, _, stderr := lamina(t, append(args, "--device", "cpu")...); strings.Contains(stderr, "cuda") {
		t.Errorf("--device cpu says %q", stderr)
	}
	if code, _, stderr := lamina(t, append(args, "--device", "cuda:1")...); code != exitError || !strings.Contains(stderr, "--device cuda:1: no GPU 1 here") {
		t.Errorf("--device cuda:1: exit %d, %q", code, stderr)
	}
	pretend(t, pretended{free: 512 << 20})
	if _, _, stderr := lamina(t, append(args, "--prepack", "1MiB")...); !strings.Contains(stderr, "--prepack 1MiB keeps nothing: it is for processors with AMX") {
		t.Errorf("memory for packed weights on a GPU: %q", stderr)
	}
	if code, _, stderr := lamina(t, append(args, "--prepack", "much")...); code != exitUsage || !strings.Contains(stderr, "--prepack") {
		t.Errorf("--prepack much on a GPU: exit %d, %q", code, stderr)
	}
	pretend(t, pretended{})
	if code, stdout, _ := lamina(t, "doctor", "--device", "cuda"); code != exitError || !strings.Contains(stdout, "a path") {
		t.Errorf("doctor of a GPU that is not there: exit %d, %q; want what was looked for", code, stdout)
	}
	pretend(t, pretended{free: 1 << 30, note: "cuda: products are slow here"})
	if code, stdout, stderr := lamina(t, args...); code != 0 || stdout != want || strings.Count(stderr, "lamina: cuda: products are slow here\n") != 1 {
		t.Errorf("with a GPU: exit %d, %q, %q", code, stdout, stderr)
	}
	if text := must(t, "doctor"); !strings.Contains(text, "cuda/simple") || !strings.Contains(text, "a path") {
		t.Errorf("doctor says %s", text)
	}
}

func TestTF32IsOfGPUs(t *testing.T) {
	if code, _, stderr := lamina(t, "doctor", "--precision", "tf32", "--device", "cpu"); code != exitUsage || !strings.Contains(stderr, "--precision tf32 is of NVIDIA GPUs") {
		t.Errorf("--device cpu: exit %d, %q", code, stderr)
	}
	pretend(t, pretended{})
	if code, _, stderr := lamina(t, "doctor", "--precision", "tf32"); code != exitError || !strings.Contains(stderr, "the CPU has f32, bf16, bf16x3, bf16x6, q8: cuda: not used: no GPU 0 here") {
		t.Errorf("with CUDA and no GPU: exit %d, %q", code, stderr)
	}
	pretend(t, pretended{free: 1 << 30})
	must(t, "doctor", "--precision", "tf32")
	must(t, "doctor", "--precision", "high", "--device", "cuda")
}

// TestDeviceNamesInstructions: a process computes with those that were asked for, whatever
// better ones the machine has, and one that it has not is an error that lists what it has.
func TestDeviceNamesInstructions(t *testing.T) {
	out := filepath.Join(t.TempDir(), "d.json")
	for _, set := range cpu.Instructions() {
		p := begin(t, "doctor", "--device", "cpu/"+set, "--json", out)
		if code, _ := p.end(); code != 0 {
			t.Fatalf("cpu/%s: exit %d, %s", set, code, &p.stderr)
		}
		if r := read[struct{ Backend string }](t, out); r.Backend != "cpu/"+set {
			t.Errorf("cpu/%s: %s", set, r.Backend)
		}
	}
	for _, device := range []string{"cpu/", "cpu/avx", "cuda/avx2", "cpu:1"} {
		if code, _, stderr := lamina(t, "doctor", "--device", device); code != exitUsage || !strings.Contains(stderr, "cpu/") {
			t.Errorf("%s: exit %d, %q", device, code, stderr)
		}
	}
}

func TestDoctorSaysWhetherCUDAIsThere(t *testing.T) {
	out := filepath.Join(t.TempDir(), "d.json")
	text := must(t, "doctor", "--device", "cpu", "--json", out)
	type described struct {
		Built  bool           `json:"built"`
		Report map[string]any `json:"report"`
	}
	type result struct {
		Backend string    `json:"backend"`
		CUDA    described `json:"cuda"`
	}
	remedy := "go build -tags cuda ./cmd/lamina"
	if r := read[result](t, out); r.CUDA.Built != cudaGraphics.describe().Built || !r.CUDA.Built != strings.Contains(text, remedy) {
		t.Errorf("%+v, printed %s", r, text)
	} else if code, _, stderr := lamina(t, "doctor", "--device", "cuda"); !r.CUDA.Built && (code != exitError || !strings.Contains(stderr, remedy)) {
		t.Errorf("exit %d, %q", code, stderr)
	}
	pretend(t, pretended{})
	must(t, "doctor", "--device", "cpu", "--json", out)
	if r := read[result](t, out); !r.CUDA.Built || r.CUDA.Report["driver"] != "12.2" || !strings.HasPrefix(r.Backend, "cpu/") {
		t.Errorf("%+v", r)
	}
}

// TestPackedWeightsAreNamed: what is refused for memory says what --prepack off would leave it,
// and nothing else does.
func TestPackedWeightsAreNamed(t *testing.T) {
	large, other := fmt.Errorf("row a: %w", &study.TooLarge{}), errors.New("no such row")
	none, packed := &session{device: &opened{}}, &session{device: &opened{prepack: 1 << 30}}
	if err := packed.remedied(large); !errors.Is(err, large) || !strings.HasSuffix(err.Error(), "; --prepack off leaves it 1.0 GiB more") {
		t.Errorf("a run beside packed weights is refused by %q", err)
	}
	if none.remedied(large) != large || packed.remedied(other) != other || (&session{}).remedied(large) != large {
		t.Error("packed weights are named where there are none, or where memory is not the matter")
	}
	if got, all := packed.besidePacked(3<<30), none.besidePacked(3<<30); got != 2<<30 || all != 3<<30 || packed.besidePacked(0) != 0 || packed.besidePacked(5) != 1 {
		t.Errorf("of 3 GiB there are %d beside packed weights, and %d beside none", got, all)
	}
}

// TestRoomIsTheDevices: what a training may take is what the device has, whatever the
// machine has.
func TestRoomIsTheDevices(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, out := write(t, dir, "d.jsonl", manyQuestions(30)), filepath.Join(dir, "i.json")
	train := []string{"finetune", "--model", model, "--data", data, "--lr", "1e-3", "--steps", "1", "--batch", "8", "--device", "cuda", "--overwrite", "--out", filepath.Join(dir, "run")}
	info := []string{"info", "--model", model, "--device", "cuda", "--batch", "64", "--max-length", "96", "--json", out}

	pretend(t, pretended{free: 512 << 20})
	must(t, train...)
	text := must(t, info...)
	need := read[infoResult](t, out)
	d := need.Device
	if d == nil || d.Name != "cuda/simple" || d.Scratch != 1<<20 || d.Inference != need.Memory.Inference-need.Memory.Process+1<<20 || d.MicroBatch != 0 || !strings.Contains(text, "which fits") {
		t.Errorf("%+v, printed %s", d, text)
	}
	pretend(t, pretended{free: int64(d.Training) / 2})
	text = must(t, info...)
	if less := read[infoResult](t, out).Device; less.MicroBatch < 1 || less.MicroBatch > 32 || less.MicroTraining > d.Training/2 || !strings.Contains(text, fmt.Sprintf("which does not fit; with --micro-batch %d", less.MicroBatch)) {
		t.Errorf("%+v, printed %s", less, text)
	}
	pretend(t, pretended{free: 2 << 20})
	if code, _, stderr := lamina(t, train...); code != exitError || !strings.Contains(stderr, "training takes about") || !strings.Contains(stderr, "1.0 MiB are available") {
		t.Errorf("2 MiB: exit %d, %q", code, stderr)
	}
	if text := must(t, info...); !strings.Contains(text, "nor does it with --micro-batch 1") {
		t.Errorf("2 MiB: %s", text)
	}
	pretend(t, pretended{})
	if code, _, _ := lamina(t, info...); code != exitError {
		t.Errorf("info of no GPU: exit %d", code)
	}
	must(t, "info", "--model", model, "--json", out)
	if read[infoResult](t, out).Device != nil {
		t.Error("info tells of a device that nobody asked for")
	}
}

// A job on GPUs asks the engine for one.
func TestEmittedJobsAskForAGPU(t *testing.T) {
	file := studyOf(t, t.TempDir(), tinyModel(t), "zs")
	for device, want := range map[string]string{"auto": "", "cpu": "--device cpu", "cuda:1": "--device cuda "} {
		text := must(t, "study", file, "--out", filepath.Join(t.TempDir(), "o"), "--emit", "slurm", "--device", device)
		if gpu := strings.Contains(text, "\n#SBATCH --gres=gpu:1\n"); !strings.Contains(text, want) || gpu != strings.HasPrefix(device, "cuda") {
			t.Errorf("%s: %s", device, text)
		}
		if device == "auto" && strings.Contains(text, "--device") {
			t.Errorf("%s: %s", device, text)
		}
	}
}

// TestNoGPUWithoutTheTag: without the tag the command has nothing of CUDA, and needs no
// loader for it.
func TestNoGPUWithoutTheTag(t *testing.T) {
	packages := func(tags string) string {
		list := exec.Command("go", "list", "-deps", "-tags", tags, ".")
		list.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := list.Output()
		if e := (&exec.ExitError{}); errors.As(err, &e) {
			t.Fatalf("%s", e.Stderr)
		} else if err != nil {
			t.Skipf("no go here: %v", err)
		}
		return string(out)
	}
	plain := packages("")
	for _, path := range []string{"github.com/ebitengine/purego", "lamina/kernels/cuda", "runtime/cgo"} {
		if strings.Contains(plain, path) {
			t.Errorf("without the tag the command imports %s", path)
		}
	}
}
