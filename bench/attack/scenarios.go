package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// scenario is a command that writes, and what lies in its directory before. The model is
// in model/, documents in docs.jsonl, an emulator of it in emulator/, trained in run/.
type scenario struct {
	name   string
	before []string // commands that make the old state; none: --out is not there yet
	then   string   // the command that is disturbed
	out    string
	// whole: the directory is there in the old or the new state, nothing between.
	// Otherwise it fills step by step, each of its files and directories whole.
	whole bool
	long  bool // it makes hundreds of operations, in which errors are put at every third
	once  bool // when it has ended well, the same again is refused, or comes to another end
}

const (
	training = " --data docs.jsonl --valid valid.jsonl --steps 3 --save-every 1 --batch 2"
	protocol = "run --model model --train docs.jsonl --valid valid.jsonl --test test.jsonl --support support.jsonl" +
		" --keep 2 --trainable 1 --rows zs,crash --steps 2 --save-every 1 --batch 2 --out table"
)

// What trains little, and what trains before anything is sent.
const (
	lora       = "finetune --model emulator --lr 1e-2 --peft lora --rank 2 --out fit" + training
	added      = "finetune --model emulator --lr 1e-2 --return delta --out fit" + training
	distilling = "distill --model model --plan 0*.1 --lr 1e-3 --out cook" + training
)

// Packages: the owner's, what the other house makes of it and sends back, and its return.
const (
	packing   = "package --emulator emulator --out sent"
	unpacking = "accept sent --out mine"
	accepting = "accept back --model model --receipt emulator.receipt.json --out tuned"
)

var sentBack = []string{packing, unpacking, "finetune --model mine --lr 1e-2 --out theirs" + training, "package --adapter theirs --emulator mine --out back"}

// signedBack is the same, signed.
const trusting = " --trust house.pub"

var signedBack = []string{"package --new-key house --no-password", packing + " --key house.key", unpacking + trusting, sentBack[2], sentBack[3] + " --key house.key"}

var scenarios = []scenario{
	{name: "emulate", then: "emulate --model model --plan 0*.1 --share all --out sent", out: "sent", whole: true},
	{name: "emulate over", before: []string{"emulate --model model --plan 0*.2 --out sent"},
		then: "emulate --model model --plan 0*.1 --share all --out sent --overwrite", out: "sent", whole: true},
	{name: "finetune", then: "finetune --model emulator --lr 1e-2 --out fit" + training, out: "fit"},
	{name: "finetune over", before: []string{"finetune --model emulator --lr 1e-3 --out fit" + training},
		then: "finetune --model emulator --lr 1e-2 --out fit --overwrite" + training, out: "fit"},
	{name: "finetune told", then: "finetune --model emulator --lr 1e-2 --out fit --events jsonl:" + eventsFile + training, out: "fit"},
	{name: "plug", then: "plug --model model --adapter run/adapter --out tuned", out: "tuned", whole: true},
	{name: "plug over", before: []string{"convert --model model --out other", "plug --model model --adapter run/adapter --dtype bf16 --out tuned"},
		then: "plug --model model --adapter run/adapter --out tuned --overwrite", out: "tuned", whole: true},
	{name: "taken back", before: []string{plugging}, then: "plug --undo tuned", out: "tuned", whole: true, once: true},
	{name: "plug corrected", then: "plug --model model --adapter run/adapter --delta-rank 2 --alpha 0.5 --out tuned", out: "tuned", whole: true},
	{name: "finetune LoRA", then: lora, out: "fit"},
	{name: "plug LoRA", before: []string{lora}, then: "plug --model model --adapter fit --out tuned", out: "tuned", whole: true},
	{name: "distill", then: distilling, out: "cook", once: true},
	{name: "package", then: packing, out: "sent", whole: true, once: true},
	{name: "package over", before: []string{packing}, then: packing + " --overwrite", out: "sent", whole: true, once: true},
	{name: "unpack", before: []string{packing}, then: unpacking, out: "mine", whole: true, once: true},
	{name: "accept", before: sentBack, then: accepting, out: "tuned", whole: true, once: true},
	{name: "convert", then: "convert --model model --out converted", out: "converted", whole: true},
	{name: "convert over", before: []string{"convert --model model --dtype bf16 --out converted"},
		then: "convert --model model --out converted --overwrite", out: "converted", whole: true},
	{name: "run", then: protocol + " --lr 1e-2,1e-3", out: "table", long: true},
	{name: "run over", before: []string{protocol + " --lr 1e-3"},
		then: protocol + " --lr 1e-2 --overwrite", out: "table", long: true},
}

// words splits a command; a dot stands for the space in a plan.
func words(command string) []string {
	all := strings.Fields(command)
	for i, w := range all {
		if i > 0 && all[i-1] == "--plan" {
			all[i] = strings.ReplaceAll(w, ".", " ")
		}
	}
	return all
}

// documents are token rows, for the models of the tests have no tokenizer.
func documents(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"context_ids":[%d,%d,%d],"target_ids":[%d,%d]}`+"\n", 3+i%50, 5+i%40, 4+i%7, 8+i%9, 9+i%30)
	}
	return b.String()
}

// inputs makes what a scenario begins with.
func (l *lab) inputs(ctx context.Context) (string, error) {
	dir, err := l.dir()
	if err != nil {
		return "", err
	}
	if err := l.model("transformer/testdata/opt-prenorm", filepath.Join(dir, "model")); err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"docs.jsonl": documents(0, 4), "valid.jsonl": documents(20, 2), "test.jsonl": documents(30, 2), "support.jsonl": documents(40, 4),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return dir, l.commands(ctx, dir, nil,
		"emulate --model model --plan 0*.1 --share all --out emulator",
		"finetune --model emulator --lr 1e-2 --out run"+training)
}

// model copies a model of the tests, without what the tests hold against it.
func (l *lab) model(from, to string) error {
	if err := copyTree(l.testdata(from), to); err != nil {
		return err
	}
	for _, name := range []string{"golden.json", "golden.safetensors"} {
		if err := os.Remove(filepath.Join(to, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// commands runs commands that must succeed.
func (l *lab) commands(ctx context.Context, dir string, env []string, commands ...string) error {
	for _, c := range commands {
		o, err := l.call(ctx, dir, time.Minute, env, words(c)...)
		if err != nil {
			return err
		}
		if o.Exit != 0 {
			return fmt.Errorf("lamina %s: %s", c, last(o.Stderr))
		}
	}
	return nil
}
