package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"lamina/bench/workload"
	"lamina/crash/emulate"
	"lamina/crash/plan"

	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/kernels/cpu"
	"lamina/tensor"
	"lamina/transformer"
)

//go:embed workers
var workerFiles embed.FS

// The versions that are compared with.
const (
	torchVersion        = "2.15.0"
	transformersVersion = "4.51.3"
	harnessVersion      = "0.4.8"
	ggufVersion         = "0.19.0"
	llamaVersion        = "3.22.1"
)

// pythonPackages are installed into the environment of our own making.
var pythonPackages = []string{
	"torch==" + torchVersion, "transformers==" + transformersVersion, "lm-eval==" + harnessVersion, "accelerate", "numpy", "gguf==" + ggufVersion,
}

// How fine-tuning is measured.
const (
	batchSize    = 16
	learningRate = 1e-5
	keptBlocks   = 15
	trainedCount = 4
)

// place is where everything lies that is not measured itself.
type place struct {
	dir     string // work directory
	workers string
	log     io.Writer
}

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

// openPlace makes the work directory and writes the workers' scripts to it.
func openPlace(dir string, log io.Writer) (place, error) {
	p := place{dir: dir, workers: filepath.Join(dir, "workers"), log: log}
	for _, d := range []string{p.workers, p.path("logs")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return p, err
		}
	}
	return p, fs.WalkDir(workerFiles, "workers", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := workerFiles.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(p.workers, e.Name()), data, 0o644)
	})
}

// exists reports whether there is such a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// do runs a command of the preparation.
func (p place) do(dir, name string, args ...string) error {
	fmt.Fprintf(p.log, "%s %v\n", name, args)
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, p.log, p.log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w (its output is above)", name, err)
	}
	return nil
}

// python returns the interpreter that has the packages: the given one, else one of
// an environment that is made on first use.
func (p place) python(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	env := p.path("venv")
	python := filepath.Join(env, "bin", "python")
	if exists(filepath.Join(env, "complete")) {
		return python, nil
	}
	if err := p.do(p.dir, "python3", "-m", "venv", env); err != nil {
		return "", err
	}
	if err := p.do(p.dir, python, append([]string{"-m", "pip", "install", "--quiet"}, pythonPackages...)...); err != nil {
		return "", err
	}
	return python, os.WriteFile(filepath.Join(env, "complete"), nil, 0o644)
}

// node makes node-llama-cpp reachable from the workers' directory: that of the
// given directory, else one that is installed on first use.
func (p place) node(given string) error {
	modules := filepath.Join(p.workers, "node_modules")
	if given != "" {
		given, err := filepath.Abs(filepath.Join(given, "node_modules"))
		if err != nil {
			return err
		}
		if err := os.RemoveAll(modules); err != nil {
			return err
		}
		return os.Symlink(given, modules)
	}
	if exists(filepath.Join(modules, "node-llama-cpp")) {
		return nil
	}
	return p.do(p.workers, "npm", "install", "--no-audit", "--no-fund", "node-llama-cpp@"+llamaVersion)
}

// blas compiles the worker of OpenBLAS or oneDNN.
func (p place) blas(name string) (string, error) {
	binary := p.path(name)
	args := []string{"-O2", "-o", binary, filepath.Join(p.workers, "blas.cc")}
	if name == "onednn" {
		args = append(args, "-DONEDNN", "-ldnnl")
	}
	return binary, p.do(p.dir, "g++", append(args, "-ldl")...)
}

// gomlx builds the worker of GoMLX, a module of its own in this repository: what it
// requires is no business of ours.
func (p place) gomlx() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "lamina").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m lamina: %w: run compare from the repository", err)
	}
	binary := p.path("gomlx")
	return binary, p.do(filepath.Join(strings.TrimSpace(string(out)), "bench", "compare", "workers", "gomlx"), "go", "build", "-o", binary, ".")
}

// inputs are the files that all contenders share.
type inputs struct {
	gguf     string // SmolLM2 as it was given
	full     string // the same as a Hugging Face directory in F32
	emulator string // 15 of its 30 blocks, 4 to train
	plan     plan.Plan
	train    string // rows of ids
	zeroshot string // requests of text
	cka      string // texts
	q8, q4k  string // GGUF files: the same model, and a wide one of random weights

	tokens             int           // of an epoch
	partCost, fullCost workload.Cost // of an epoch, of the emulator and of the full model
}

// model writes what is derived from the model, once.
func (p place) model(gguf string) (f inputs, err error) {
	f = inputs{gguf: gguf, full: p.path("smollm2"), emulator: p.path("emulator"), q8: p.path("smollm2.Q8_0.gguf"), q4k: p.path("wide.Q4_K_M.gguf")}
	c, err := transformer.Open(gguf)
	if err != nil {
		return f, err
	}
	defer c.Close()
	chosen, err := plan.Uniform.Plan(plan.Request{Layers: c.Config.Layers, Keep: keptBlocks, Trainable: trainedCount})
	if err != nil {
		return f, err
	}
	f.plan = chosen.Plan
	if !exists(f.full) {
		d := c.Whole()
		d.DType = tensor.F32
		if err := c.WriteDir(f.full, d); err != nil {
			return f, err
		}
	}
	if exists(f.emulator) {
		return f, nil
	}
	be := cpu.New(cpu.Options{})
	defer be.Close()
	from, err := transformer.Open(f.full)
	if err != nil {
		return f, err
	}
	defer from.Close()
	d, err := from.Decoder(be)
	if err != nil {
		return f, err
	}
	_, err = emulate.Export(from, d, f.plan, f.emulator, emulate.Options{})
	return f, err
}

// countEpoch sums the costs of the steps of an epoch.
func (f *inputs) countEpoch(full transformer.Config, rows []row) {
	part := full
	part.Layers = len(f.plan)
	var trained []int
	for i, s := range f.plan {
		if s.Trainable {
			trained = append(trained, i)
		}
	}
	for batch := range slices.Chunk(rows, batchSize) {
		lengths, targets := make([]int, len(batch)), 0
		for i, r := range batch {
			lengths[i] = len(r.Context) + len(r.Target) - 1
			targets += len(r.Target)
			f.tokens += lengths[i]
		}
		for total, one := range map[*workload.Cost]workload.Cost{
			&f.partCost: workload.FinetuneCost(part, trained, lengths, targets), &f.fullCost: workload.FinetuneCost(full, nil, lengths, targets),
		} {
			total.FLOP += one.FLOP
			total.Moved += one.Moved
		}
	}
}

// data writes the tokens and texts of the tasks from ARC-Easy's files.
func (p place) data(f *inputs, train, test string, questions, samples int) error {
	f.train, f.zeroshot, f.cka = p.path("train.json"), p.path(fmt.Sprintf("zeroshot-%d.json", questions)), p.path(fmt.Sprintf("cka-%d.json", samples))
	c, err := transformer.Open(f.full)
	if err != nil {
		return err
	}
	defer c.Close()
	encoder, err := c.Tokenizer()
	if err != nil {
		return err
	}
	arc, err := task.Named("arc_easy")
	if err != nil {
		return err
	}
	read := func(path string, n int) ([]task.Document, error) {
		docs, err := arc.ReadFile(path)
		return docs[:min(n, len(docs))], err
	}
	docs, err := read(train, 1<<30)
	if err != nil {
		return err
	}
	var rows []row
	var texts []string
	for i, d := range docs {
		pairs, err := arc.Examples(d, encoder, task.FormatScoring, c.Config.MaxPositions)
		if err != nil {
			return err
		}
		rows = append(rows, row{pairs[0].Context, pairs[0].Target})
		if i < samples {
			item, err := arc.Item(d, task.Rules04)
			if err != nil {
				return err
			}
			texts = append(texts, item.Requests[d.Gold].Context+item.Requests[d.Gold].Continuation)
		}
	}
	f.countEpoch(c.Config, rows)
	if docs, err = read(test, questions); err != nil {
		return err
	}
	var documents [][][2]string
	for _, d := range docs {
		item, err := arc.Item(d, task.Rules04)
		if err != nil {
			return err
		}
		var requests [][2]string
		for _, r := range item.Requests {
			requests = append(requests, [2]string{r.Context, r.Continuation})
		}
		documents = append(documents, requests)
	}
	for path, v := range map[string]any{f.train: rows, f.zeroshot: documents, f.cka: texts} {
		err := files.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
		if err != nil {
			return err
		}
	}
	return nil
}
