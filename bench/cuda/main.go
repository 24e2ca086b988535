package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lamina/internal/files"
	"lamina/kernels"
)

// runner is one call of the program.
type runner struct {
	device    string // cpu, cuda or cuda:N
	precision string // of what is measured
	tiny      bool
	time      time.Duration // each work is measured at least so long
	out       string

	opened []kernels.Backend
}

func main() {
	r := &runner{}
	flag.StringVar(&r.device, "device", "cuda", "`DEVICE`: cuda, cuda:N, or cpu to rehearse")
	flag.StringVar(&r.precision, "precision", "bf16", "`TYPE` of products that are measured: f32, tf32 or bf16")
	flag.BoolVar(&r.tiny, "tiny", false, "tiny shapes, to rehearse")
	flag.DurationVar(&r.time, "time", 3*time.Second, "measure each work at least so long")
	flag.StringVar(&r.out, "out", "", "`DIR` of results")
	flag.Parse()
	if err := r.run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "cuda-bench:", err)
		os.Exit(1)
	}
}

// stages are what an argument may name.
var stages = map[string]func(r *runner, res *result) error{
	"roofs": (*runner).roofs, "parity": (*runner).parity, "train": (*runner).train, "finetune": (*runner).finetune, "infer": (*runner).infer,
}

// run carries out one stage.
func (r *runner) run(args []string) error {
	if len(args) != 1 || r.out == "" {
		return errors.New("want -out DIR and one of plan, roofs, parity, train, finetune, infer, table")
	}
	switch args[0] {
	case "plan":
		return writeJSON(filepath.Join(r.out, "plan.json"), planOf(r.tiny))
	case "table":
		return r.table()
	}
	stage, ok := stages[args[0]]
	if !ok {
		return fmt.Errorf("no stage called %q", args[0])
	}
	res := &result{Engine: "ours"}
	err := caught(func() error { return stage(r, res) })
	res.Notes = append(res.Notes, r.notes()...)
	if len(res.Rows)+len(res.Checks) > 0 { // also of a stage that failed on the way
		err = errors.Join(err, writeJSON(filepath.Join(r.out, args[0]+".json"), res))
	}
	return errors.Join(err, res.fault())
}

// caught runs a stage and makes an error of its panic, such as of memory that a device
// refused to a model that is being made.
func caught(stage func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	return stage()
}

// open opens the device with a precision of its products.
func (r *runner) open(precision string) (kernels.Backend, error) {
	be, err := openDevice(r.device, precision)
	if err != nil {
		return nil, fmt.Errorf("-device %s: %w", r.device, err)
	}
	r.opened = append(r.opened, be)
	return be, nil
}

// notes are what devices computed otherwise than they would: products that cuBLASLt refused.
func (r *runner) notes() (all []string) {
	for _, be := range r.opened {
		if d, ok := be.(interface{ ProductNotes() []string }); ok {
			all = append(all, d.ProductNotes()...)
		}
	}
	return all
}

// result is what one stage, or PyTorch, came to.
type result struct {
	Engine string   `json:"engine"` // ours, or torch's eager or compile
	Device string   `json:"device"`
	Rows   []row    `json:"rows"`
	Checks []check  `json:"checks,omitempty"`
	Notes  []string `json:"notes,omitempty"` // of us, products that cuBLASLt refused; of PyTorch, what failed
}

// row is a work that was measured.
type row struct {
	Work   string  `json:"work"`
	Shape  string  `json:"shape"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
	Rate   float64 `json:"rate,omitempty"`   // what is held against a roof: FLOP/s, or bytes/s
	Roof   string  `json:"roof,omitempty"`   // which: gemm or copy
	Memory int64   `json:"memory,omitempty"` // bytes of the device while it ran
}

// check is a number that has to be no larger than another.
type check struct {
	Name string  `json:"name"`
	Got  float64 `json:"got"`
	Bar  float64 `json:"bar"`
}

// holds is false for a number that is none.
func (c check) holds() bool { return c.Got <= c.Bar }

func (c check) String() string {
	word := "ok"
	if !c.holds() {
		word = "MISSED"
	}
	return fmt.Sprintf("%-6s %s: %.3g, bar %.3g", word, c.Name, c.Got, c.Bar)
}

// fault names the checks that do not hold.
func (res *result) fault() error {
	var missed []string
	for _, c := range res.Checks {
		if !c.holds() {
			missed = append(missed, c.Name)
		}
	}
	if len(missed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d checks missed: %s", len(missed), len(res.Checks), strings.Join(missed, "; "))
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return files.WriteBytes(path, append(data, '\n'))
}

// background is of stages that check.sh gives their time.
var background = context.Background()
