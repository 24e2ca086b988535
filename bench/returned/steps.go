package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lamina/internal/files"
)

// The three parts of the validation rows.
const (
	validRows = "valid.jsonl" // the data owner's
	alphaRows = "alpha.jsonl" // the owner's, for α
	shotRows  = "shots.jsonl" // the owner's, for gradients
)

const task = "arc_easy"

// settings of every training: one pass over the rows, the rate as given.
func settings(rate string) []string {
	return []string{"--task", task, "--lr", rate, "--epochs", "1", "--batch", "16"}
}

// The rates: of blocks what the table of emulators found best, of LoRA what is usual.
const (
	blockRate = "2e-4"
	loraRate  = "2e-3"
	loraRank  = "8"
)

// steps lists the calls for emulators of keep blocks; those of "" need none.
func (w *work) steps(keep string) []step {
	if keep == "" {
		return []step{w.score("", "zs", w.model)}
	}
	k := emulators{w, "keep-" + keep}
	return slices.Concat(k.built(keep), k.trained(), k.returned(), k.repaired(), k.leaks(), k.cached(keep))
}

// emulators is what is made at one depth.
type emulators struct {
	*work
	in string
}

func (k emulators) at(name string) string { return filepath.Join(k.out, k.in, name) }

func (k emulators) step(name string, args ...string) step {
	return step{in: k.in, name: name, args: args}
}

// score scores a model on the test rows.
func (w *work) score(in, name, model string, more ...string) step {
	args := append([]string{"eval", "--model", model, "--task", task, "--data", filepath.Join(w.data, "eval", "arc_easy.jsonl")}, more...)
	if w.limit > 0 {
		args = append(args, "--limit", fmt.Sprint(w.limit))
	}
	return step{in: in, name: "score-" + name, args: args}
}

func (k emulators) train() string  { return filepath.Join(k.data, "train", "arc_easy.jsonl") }
func (k emulators) public() string { return filepath.Join(k.data, "train", "openbook_qa.jsonl") }

// publicTask is the task of the rows that everybody has.
const publicTask = "openbookqa"

// built is the plan and its emulator.
func (k emulators) built(keep string) []step {
	chosen := k.step("plan", "plan", "crash", "--model", k.model, "--data", k.public(), "--task", publicTask, "--samples", "512", "--tokens", "rms",
		"--keep", keep, "--trainable", "4", "--repair", "ghost")
	chosen.then = k.ceiling
	return []step{chosen,
		k.step("emulator", "emulate", "--model", k.model, "--plan", "@"+k.at("plan.json"), "--support", k.public(), "--task", publicTask, "--samples", "512",
			"--out", k.at("emulator")),
	}
}

// layers is how many the model has.
const layers = 30

// ceiling writes the plan that leaves nothing out and trains the same blocks.
func (k emulators) ceiling() error {
	var chosen struct{ Trainable []int }
	if err := readJSON(k.at("plan.json"), &chosen); err != nil {
		return err
	}
	words := make([]string, layers)
	for i := range words {
		words[i] = fmt.Sprint(i)
		if slices.Contains(chosen.Trainable, i) {
			words[i] += "*"
		}
	}
	return files.WriteBytes(k.at("ceiling.txt"), []byte(strings.Join(words, " ")+"\n"))
}

func (k emulators) finetune(name, model, rate string, more ...string) step {
	args := slices.Concat([]string{"finetune", "--model", model, "--data", k.train(), "--valid", filepath.Join(k.out, validRows), "--out", k.at("run-" + name)}, settings(rate), more)
	return k.step("run-"+name, args...)
}

// trained are the runs of the data owner, and the ceiling: the same blocks trained in the
// full model.
func (k emulators) trained() []step {
	return []step{
		k.finetune("weights", k.at("emulator"), blockRate),
		k.finetune("ceiling", k.model, blockRate, "--plan", "@"+k.at("ceiling.txt")),
		k.finetune("lora", k.at("emulator"), loraRate, "--peft", "lora", "--rank", loraRank),
		k.again("delta", "--return", "delta"),
		k.again("extracted", "--return", "lora", "--rank", loraRank),
	}
}

// again sends the weights of the first run back in another form: it is done, and so is not
// trained again.
func (k emulators) again(name string, more ...string) step {
	s := k.finetune(name, k.at("emulator"), blockRate, more...)
	s.copied = [2]string{k.at("run-weights"), k.at("run-" + name)}
	return s
}

// plugged puts an adapter into the model and scores it.
func (k emulators) plugged(name, run string, more ...string) []step {
	args := append([]string{"plug", "--model", k.model, "--adapter", k.at("run-" + run), "--out", k.at("plug-" + name)}, more...)
	return []step{k.step("plug-"+name, args...), k.score(k.in, name, k.at("plug-"+name))}
}

// returned is every way of putting back what came of the plain emulator, with controls.
func (k emulators) returned() []step {
	choose := []string{"--valid", filepath.Join(k.out, alphaRows), "--task", task}
	fix := []string{"--gradfix", "--support", filepath.Join(k.out, shotRows), "--task", task, "--samples", "128"}
	return slices.Concat(
		k.plugged("weights", "weights"),
		k.plugged("delta", "delta")[:1],
		k.plugged("lora", "lora"),
		k.plugged("extracted", "extracted"),
		k.plugged("alpha", "weights", append([]string{"--alpha", "auto"}, choose...)...),
		k.plugged("alpha-blocks", "weights", append([]string{"--alpha", "auto-blocks"}, choose...)...),
		k.plugged("rank", "weights", "--delta-rank", loraRank),
		k.plugged("gradfix", "weights", fix...),
		k.plugged("gradfix-random", "weights", append([]string{"--gradfix-control", "random-change"}, fix...)...),
		[]step{
			k.step("run-shots", slices.Concat([]string{"finetune", "--model", k.model, "--plan", "@" + k.at("ceiling.txt"),
				"--data", filepath.Join(k.out, shotRows), "--out", k.at("run-shots"), "--train-limit", "128"}, settings(blockRate))...),
			k.score(k.in, "shots", k.model, "--adapter", k.at("run-shots"), "--receipt", "none"),
			k.score(k.in, "ceiling", k.model, "--adapter", k.at("run-ceiling"), "--receipt", "none"),
		})
}

// repaired is the delta of blocks that the owner trained on public rows before he sent
// them, and its controls: those blocks as they came back, and as they were sent.
func (k emulators) repaired() []step {
	return slices.Concat([]step{
		k.step("repair", "distill", "--model", k.model, "--plan", "@"+k.at("plan.json"), "--data", k.public(), "--task", publicTask, "--train", "trained",
			"--lr", "1e-4", "--steps", "200", "--batch", "16", "--out", k.at("repair"), "--emulator", k.at("emulator-repaired")),
		k.finetune("repaired", k.at("emulator-repaired"), blockRate, "--return", "delta"),
		k.finetune("repaired-weights", k.at("emulator-repaired"), blockRate, "--return", "weights"),
	},
		k.plugged("repaired", "repaired"),
		k.plugged("repaired-alpha", "repaired", "--alpha", "auto", "--valid", filepath.Join(k.out, alphaRows), "--task", task),
		k.plugged("repaired-weights", "repaired-weights"))
}

// leaks is what each side learns of the other's: the data owner of the model, from the
// emulator and rows that anybody has (of ARC-Challenge, whose form is the same), and the
// model's owner of the rows, from what came back.
func (k emulators) leaks() []step {
	before := k.step("leak-emulator", "leak", "--model", k.model, "--emulator", k.at("emulator"), "--data", filepath.Join(k.out, alphaRows),
		"--steps", "70", "--lr", blockRate, "--public", filepath.Join(k.data, "train", "arc_challenge.jsonl"), "--task", task)
	after := func(run string) step {
		return k.step("leak-"+run, "leak", "--model", k.model, "--adapter", k.at("run-"+run), "--receipt", k.at("emulator.receipt.json"),
			"--members", k.train(), "--others", filepath.Join(k.data, "eval", "arc_easy.jsonl"), "--limit", "500", "--task", task)
	}
	return []step{before, after("weights"), after("lora")}
}

// cached trains the last blocks, below which nothing changes, without and with the prefix
// kept.
func (k emulators) cached(keep string) []step {
	plan := k.step("plan-last", "plan", "crash", "--model", k.model, "--data", k.public(), "--task", publicTask, "--samples", "512", "--tokens", "rms",
		"--keep", keep, "--trainable", "4", "--train-at", "last")
	run := func(name, how string) step {
		return k.step("run-"+name, slices.Concat([]string{"finetune", "--model", k.model, "--plan", "@" + k.at("plan-last.json"), "--data", k.train(),
			"--out", k.at("run-" + name), "--train-limit", "512", "--task", task, "--lr", blockRate, "--epochs", "3", "--batch", "16", "--cache-prefix", how})...)
	}
	return []step{plan, run("prefix-off", "off"), run("prefix-on", "2GiB")}
}
