package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"lamina/bench/workload"
	"lamina/crash/measure"

	"lamina/eval/task"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
	"lamina/transformer"
)

// ours is the worker of our own side: the same protocol in the same kind of
// process as the others.
type ours struct {
	be      *cpu.Backend
	threads int

	key  string // of what is kept ready
	work workload.Work
	gate *gate
	file *transformer.Checkpoint
}

// openOurs opens our backend with products of a precision.
func openOurs(threads int, precision string) (*cpu.Backend, error) {
	p, err := kernels.ParsePrecision(precision)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(cpu.Precisions(), p) {
		return nil, fmt.Errorf("no products in %v", p)
	}
	return cpu.New(cpu.Options{Threads: threads, Precision: p, Prepack: prepackBytes}), nil
}

// prepackBytes holds all weights of the models that are read from files, packed for AMX as
// `lamina` keeps them on a machine of 16 GiB.
const prepackBytes = 2 << 30

// serve answers requests with our backend until standard input ends.
func serve(threads int, precision string) error {
	be, err := openOurs(threads, precision)
	if err != nil {
		return err
	}
	defer be.Close()
	o := &ours{be: be, threads: threads}
	return reply("lamina "+be.Name(), o.answer)
}

// reply answers requests, one a line, until standard input ends.
func reply(version string, to func(fields []string) (answer, error)) error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		a, err := to(strings.Split(in.Text(), "\t"))
		if err != nil {
			a.Error = err.Error()
		}
		a.Version, a.Peak = version, peakBytes()
		text, err := json.Marshal(a)
		if err != nil {
			text = fmt.Appendf(nil, `{"error": %q}`, err)
		}
		fmt.Printf("%s%s\n", mark, text)
	}
	return in.Err()
}

// verbs says how many fields each request has behind its name.
var verbs = map[string]int{
	"hello": 0, "machine": 0, "gemm": 8, "op": 3, "train": 2, "forward": 2, "decode": 4, "prefill": 3, "decode-file": 3, "prefill-file": 2,
	"epoch": 4, "zeroshot": 2, "cka": 2, "load": 1,
}

func (o *ours) answer(f []string) (answer, error) {
	if n, ok := verbs[f[0]]; !ok || len(f) != n+1 {
		return answer{}, fmt.Errorf("%.100q is no request", strings.Join(f, " "))
	}
	switch f[0] {
	case "hello":
		return answer{}, nil
	case "machine":
		m := limits(workload.Measure(o.threads))
		return answer{Limits: &m}, nil
	case "epoch":
		return o.epoch(f[1:])
	case "zeroshot":
		return zeroshot(o.be, f[1], f[2])
	case "cka":
		return similarity(o.be, f[1], f[2])
	case "load":
		return load(o.be, f[1])
	}
	if key := strings.Join(f[:len(f)-1], "\t"); key != o.key {
		o.forget()
		w, err := o.prepare(f)
		if err != nil {
			return answer{}, err
		}
		o.work, o.key = w, key
	}
	last, err := strconv.ParseFloat(f[len(f)-1], 64)
	if err != nil {
		return answer{}, err
	}
	a := answer{Cost: &o.work.Cost}
	switch f[0] {
	case "gemm", "op":
		a.Seconds = medianWithin(last, o.work.Run)
	case "train", "forward":
		a.Seconds = medianOf(int(last), o.work.Run)
	default:
		a.Seconds = medianOf(1, o.work.Run)
	}
	return a, nil
}

// forget drops what was ready, and gives its pages back.
func (o *ours) forget() {
	if o.gate != nil {
		o.gate.stop()
	}
	if o.file != nil {
		o.file.Close()
	}
	if o.work.Done != nil {
		o.work.Done()
	}
	o.key, o.work, o.gate, o.file = "", workload.Work{}, nil, nil
	tensor.Trim()
}

// prepare makes what a request measures, warm.
func (o *ours) prepare(f []string) (workload.Work, error) {
	var w workload.Work
	warm := 2
	switch f[0] {
	case "gemm":
		p, err := parseProduct(f[1:])
		d, ok := tensor.ParseDType(strings.ToUpper(f[7]))
		if err != nil || !ok {
			return w, cmp.Or(err, fmt.Errorf("gemm: no type %q", f[7]))
		}
		return p.Work(o.be, d, o.threads), nil
	case "op":
		for _, op := range workload.Operators() {
			if op.Name == f[1]+" "+f[2] {
				return op.Make(o.be), nil
			}
		}
		return w, fmt.Errorf("no operator %s %s", f[1], f[2])
	case "train", "forward":
		s, err := shapeNamed(f[1])
		if err != nil {
			return w, err
		}
		m := workload.NewModel(o.be, s, tensor.F32)
		if w = m.Forward(); f[0] == "train" {
			w = m.Train()
		}
	case "decode", "prefill":
		s, err := shapeNamed(f[1])
		if err != nil {
			return w, err
		}
		d, ok := tensor.ParseDType(f[2])
		if !ok {
			return w, fmt.Errorf("%s: no type %q", f[0], f[2])
		}
		if w, err = oneSequence(workload.NewModel(o.be, s, d), f); err != nil {
			return w, err
		}
		warm = 1
	case "decode-file", "prefill-file":
		c, err := transformer.Open(f[1])
		if err != nil {
			return w, err
		}
		o.file = c
		d, err := c.Decoder(o.be)
		if err != nil {
			return w, err
		}
		if f[0] == "decode-file" { // as generate does where 128 tokens may come
			if err := c.CopyMapped(d); err != nil {
				return w, err
			}
		}
		if w, err = oneSequence(workload.OfDecoder(o.be, f[1], d), f); err != nil {
			return w, err
		}
		warm = 1
	}
	for range warm {
		w.Run()
		tensor.Trim() // a first pass learns how much memory it needs, a second one has it
	}
	return w, nil
}

func shapeNamed(name string) (workload.Shape, error) {
	for _, s := range workload.Shapes() {
		if s.Name == name {
			return s, nil
		}
	}
	return workload.Shape{}, fmt.Errorf("no shape %q", name)
}

// oneSequence is decoding or reading a prompt, as a request says: its last two fields are
// the prompt's length and how many tokens come after it, its last one alone a prompt's length.
func oneSequence(m *workload.Model, f []string) (w workload.Work, err error) {
	n, err := strconv.Atoi(f[len(f)-1])
	if err != nil {
		return w, err
	}
	if strings.HasPrefix(f[0], "prefill") {
		return m.Prefill(n), nil
	}
	prompt, err := strconv.Atoi(f[len(f)-2])
	if err != nil {
		return w, err
	}
	return m.Decode(prompt, n), nil
}

func parseProduct(f []string) (p workload.Product, err error) {
	for i, to := range []*int{&p.M, &p.N, &p.K, &p.Batch} {
		if *to, err = strconv.Atoi(f[i]); err != nil || *to < 1 {
			return p, fmt.Errorf("gemm: size %q", f[i])
		}
	}
	p.TransA, p.TransB = f[4] == "t", f[5] == "t"
	return p, nil
}

// medianWithin returns the median time of a call within about so many seconds,
// after a warm-up: as the other workers measure.
func medianWithin(seconds float64, call func()) float64 {
	begin := time.Now()
	call()
	one := time.Since(begin).Seconds()
	for begin := time.Now(); one < seconds && time.Since(begin).Seconds() < seconds/4; {
		call()
	}
	var times []float64
	for begin := time.Now(); len(times) == 0 || time.Since(begin).Seconds() < seconds; {
		t := time.Now()
		call()
		times = append(times, time.Since(t).Seconds())
	}
	return median(times)
}

// medianOf returns the median time of n calls.
func medianOf(n int, call func()) float64 {
	times := make([]float64, max(1, n))
	for i := range times {
		begin := time.Now()
		call()
		times[i] = time.Since(begin).Seconds()
	}
	return median(times)
}

// zeroshot scores documents of requests, [context, continuation] each, tokenizing
// included, as lm-evaluation-harness does it on the same file.
func zeroshot(be *cpu.Backend, dir, data string) (answer, error) {
	c, d, err := openModel(be, dir)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	t, err := c.Tokenizer()
	if err != nil {
		return answer{}, err
	}
	documents, err := readFile[[][][2]string](data)
	if err != nil {
		return answer{}, err
	}
	begin := time.Now()
	var pairs []transformer.Continuation
	for _, requests := range documents {
		item := task.Item{Shape: task.Choice}
		for _, r := range requests {
			item.Requests = append(item.Requests, task.Request{Context: r[0], Continuation: r[1]})
		}
		encoded, err := task.Encode(item, t, task.Rules04, d.Config.MaxPositions)
		if err != nil {
			return answer{}, err
		}
		for _, p := range encoded {
			pairs = append(pairs, transformer.Continuation{Context: p.Context, Target: p.Target})
		}
	}
	if _, err := d.Score(context.Background(), be, pairs, transformer.ScoreOptions{}); err != nil {
		return answer{}, err
	}
	return answer{Seconds: time.Since(begin).Seconds()}, nil
}

// similarity measures CKA of all states on texts.
func similarity(be *cpu.Backend, dir, data string) (answer, error) {
	c, d, err := openModel(be, dir)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	t, err := c.Tokenizer()
	if err != nil {
		return answer{}, err
	}
	texts, err := readFile[[]string](data)
	if err != nil {
		return answer{}, err
	}
	begin := time.Now()
	rows := make([][]int32, len(texts))
	for i, text := range texts {
		rows[i] = t.Encode(text, true)
	}
	if _, err := measure.LayerSimilarity(context.Background(), be, d, rows, measure.Vectors{Pooling: measure.PoolMeanWeighted}, func(int, int) {}); err != nil {
		return answer{}, err
	}
	return answer{Seconds: time.Since(begin).Seconds()}, nil
}

// load goes from a file to the logits of one token.
func load(be *cpu.Backend, path string) (answer, error) {
	begin := time.Now()
	c, d, err := openModel(be, path)
	if err != nil {
		return answer{}, err
	}
	defer c.Close()
	w := workload.OfDecoder(be, path, d).Prefill(1)
	w.Run()
	return answer{Seconds: time.Since(begin).Seconds()}, nil
}

func openModel(be *cpu.Backend, path string) (*transformer.Checkpoint, *transformer.Decoder, error) {
	c, err := transformer.Open(path)
	if err != nil {
		return nil, nil, err
	}
	d, err := c.Decoder(be)
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return c, d, nil
}

// readFile decodes a JSON file of our own making.
func readFile[T any](path string) (v T, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}

// median returns the middle of the values, the mean of two where they are even.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}
