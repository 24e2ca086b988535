package main

import (
	"context"
	"fmt"
	"strings"
)

// absurd types what no one means: numbers beyond all bounds, names that are none, an
// --out that holds what is read.
func absurd(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Absurd flags"}
	inputs, err := l.readable(ctx)
	if err != nil {
		return nil, err
	}
	all := append(numbersOf(), overwrites()...)
	if l.short {
		all = some(all, 40)
	}
	if err := l.probes(ctx, r, inputs, all); err != nil {
		return nil, err
	}
	r.summary()
	return r, nil
}

// flags of a command, and values that none of them may have. What stands in fine is legal
// and has to work, or to be refused in one line.
var absurdities = []struct {
	then  string
	out   string
	flags []string
	fine  string // of FLAG VALUE, with spaces around
}{
	{tuning, "fit", []string{"--lr", "--steps", "--batch", "--micro-batch", "--warmup", "--clip", "--weight-decay", "--dropout", "--max-length",
		"--eval-every", "--save-every", "--train-limit", "--seed", "--threads"},
		" --warmup 0 --clip 0 --weight-decay 0 --dropout 0 --seed -1 --seed 0 --seed 9223372036854775807 --threads 0" +
			" --batch 9223372036854775807 --micro-batch 9223372036854775807 --save-every 9223372036854775807 --eval-every 9223372036854775807" +
			" --train-limit 9223372036854775807 --warmup 9223372036854775807 --max-length 9223372036854775807 --threads 9223372036854775807" +
			" --clip 9223372036854775807 --clip 1e400 --weight-decay 1e-400 --dropout 1e-400 --clip 1e-400 --batch 0 --micro-batch 0 --max-length 0" +
			" --save-every 0 --eval-every 0 --train-limit 0 --clip 9223372036854775808 --seed 9223372036854775808 "},
	{talking, "", []string{"--max-tokens", "--temperature", "--top-k", "--top-p", "--seed"},
		" --max-tokens 0 --temperature 0 --top-k 0 --top-p 0 --seed 0 --seed -1 --seed 9223372036854775807 --top-k 9223372036854775807 --max-tokens 9223372036854775807 --temperature 1e-400 --top-p 1e-400 --temperature 9223372036854775807" +
			" --temperature 9223372036854775808 --seed 9223372036854775808 "},
	{scoring, "", []string{"--limit", "--batch"}, " --limit 9223372036854775807 --batch 9223372036854775807 --limit 0 --batch 0 "},
	{"plan crash --layers 3 --keep 2 --trainable 1 --similarity similarity.json", "", []string{"--layers", "--keep", "--trainable"}, " --layers 0 "},
	{"info --model model", "", []string{"--batch", "--max-length", "--targets"}, " --batch 9223372036854775807 --max-length 9223372036854775807 --targets 0 --batch 0 --max-length 0 "},
	{comparing, "", []string{"--samples"}, ""},
	{"similarity --model model --data docs.jsonl", "", []string{"--samples", "--max-length"}, " --samples 9223372036854775807 --max-length 9223372036854775807 --max-length 0 --samples 0 "},
	{"similarity --model model --data docs.jsonl --metric cka-rbf", "", []string{"--bandwidth"}, ""},
	{"replacement --model model --data docs.jsonl", "", []string{"--samples", "--max-length"}, " --samples 9223372036854775807 --max-length 9223372036854775807 --max-length 0 --samples 0 "},
	{"importance --model model --data docs.jsonl", "", []string{"--samples"}, " --samples 9223372036854775807 "},
	{"features --model model --tasks docs.jsonl,support.jsonl", "", []string{"--components", "--samples"}, " --samples 9223372036854775807 "},
}

var absurdValues = []string{"-1", "0", "9223372036854775807", "9223372036854775808", "1e400", "1e-400", "nan", "inf", "-inf", "x", "", "0x10", "1_0"}

func numbersOf() []probe {
	var all []probe
	for _, a := range absurdities {
		for _, flag := range a.flags {
			for _, value := range absurdValues {
				p := probe{name: fmt.Sprintf("flags/%s %s %q", words(a.then)[0], flag, value), then: a.then, out: a.out}
				p.args = without(words(a.then), flag)
				p.args = append(p.args, flag+"="+value)
				if strings.Contains(a.fine, " "+flag+" "+value+" ") || value == "0x10" || value == "1_0" {
					p.may = "legal"
				}
				all = append(all, p)
			}
		}
	}
	for _, plan := range []string{"", " ", "*", "0**", "-1", "0* 9", "0*,1", "9223372036854775808", "0*\x1b[2J", "@", "@nowhere", strings.Repeat("0 ", 2000), strings.Repeat("9", 100000)} {
		all = append(all, probe{name: fmt.Sprintf("flags/emulate --plan %.20q", plan), then: "emulate --model model --plan 0* --out sent", out: "sent",
			args: []string{"emulate", "--model", "model", "--plan", plan, "--out", "sent"}})
	}
	for _, path := range []string{"", "/", "/proc/1/x", "docs.jsonl", "docs.jsonl/x", "model/..", ".", strings.Repeat("n", 300), strings.Repeat("d/", 3000) + "x", "/dev/null", "/dev/full"} {
		all = append(all, probe{name: fmt.Sprintf("flags/convert --out %.20q", path), then: "convert --model model --out converted", out: "converted",
			args: []string{"convert", "--model", "model", "--out", path}})
	}
	for _, path := range []string{"/", "/proc/1/x", "docs.jsonl", "model/config.json", "docs.jsonl/x", "model", "/dev/full"} {
		all = append(all, probe{name: fmt.Sprintf("flags/eval --json %q", path), then: scoring,
			args: []string{"eval", "--model", "model", "--data", "docs.jsonl", "--json", path}})
	}
	return all
}

// without takes a flag and its value away.
func without(args []string, flag string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		if args[i] == flag {
			i++
			continue
		}
		out = append(out, args[i])
	}
	return out
}

// overwrites name as the output what is read, or what is nobody's to replace.
func overwrites() []probe {
	var all []probe
	for _, command := range []string{
		"convert --model model --out model", "convert --model model --out .", "convert --model model --out emulator",
		"convert --model model --out run", "convert --model model --out letters",
		"plug --model model --adapter run/adapter --out run", "plug --model model --adapter run/adapter --out run/adapter",
		"plug --model model --adapter run/adapter --out model", "plug --model model --adapter run/adapter --out emulator",
		"plug --model model --adapter run/adapter --out letters",
		"emulate --model model --plan 0*.1 --out run", "emulate --model model --plan 0*.1 --out model", "emulate --model model --plan 0*.1 --out letters",
		"emulate --model model --plan 0*.1 --out .",
		"finetune --model emulator --lr 1e-2 --out emulator" + training, "finetune --model emulator --lr 1e-2 --out model" + training,
		"finetune --model emulator --lr 1e-2 --out letters" + training, "finetune --model emulator --lr 1e-2 --out ." + training,
		"finetune --model emulator --lr 1e-2 --out results-a" + training,
		"eval --model model --data docs.jsonl --out model", "eval --model model --data docs.jsonl --out run", "eval --model model --data docs.jsonl --out letters",
		strings.Replace(protocol, "--out table", "--out model --lr 1e-2", 1), strings.Replace(protocol, "--out table", "--out letters --lr 1e-2", 1),
		strings.Replace(protocol, "--out table", "--out run --lr 1e-2", 1), strings.Replace(protocol, "--out table", "--out emulator --lr 1e-2", 1),
	} {
		all = append(all, probe{name: "overwrite/" + command, then: scoring, args: append(words(command), "--overwrite"),
			edit: edits(put("letters/letter.txt", "dear"), put("letters/config.json", "{}"))})
	}
	return all
}
