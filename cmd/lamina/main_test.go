package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"lamina/internal/machine"
)

// exitInterrupt is the status after an interrupt: 128 and the number of SIGINT.
const exitInterrupt = 130

// contract is what scripts depend on: commands and their flags.
var contract = map[string]string{
	"doctor":     "",
	"info":       "--model --plan",
	"tokenize":   "--model --texts --special",
	"logits":     "--model --tokens",
	"generate":   "--model --prompt --max-tokens --temperature --top-k --top-p --chat --profile",
	"eval":       "--model --adapter --data --task --rules --limit --profile",
	"compare":    "--samples --metric",
	"similarity": "--model --with --data --task --tasks --samples --pool --tokens --metric --bandwidth --stream --plot",
	"importance": "--model --adapter --data --task --rewind --samples --plot", "replacement": "--model --data --task --samples --pool --metric --plot",
	"weights": "--model --tensors --plot", "features": "--model --tasks --samples --components --stream --plot",
	"plan":    "--layers --keep --trainable --similarity --anchor-ends",
	"emulate": "--model --plan --share --dtype --compact --check --out --overwrite",
	"distill": "--model --plan --share --repair --compress --data --valid --task --train --lm --kd --ppd --sigma --lr --epochs --steps --batch --max-length " +
		"--emulator --receipt --out --overwrite",
	"finetune": "--model --data --valid --plan --share --lr --epochs --steps --batch --schedule --warmup --clip --weight-decay --dropout " +
		"--max-length --eval-every --save-every --train-limit --no-shuffle --out --overwrite --task --format --profile " +
		"--weight-decay-on --lr-of --layer-lr-decay --ema --ema-at-once --patience --min-delta --proximal --label-smoothing --drop-span --gap-noise " +
		"--max-grad-skip --also --dp-sgd --dp-clip --dp-noise --dp-epsilon --dp-delta --dp-claim --dp-seed",
	"leak": "--model --emulator --adapter --receipt --data --members --others --public --limit --steps --lr --batch --shadows --lira --complete " +
		"--complete-tokens --out --overwrite --task --format --overlong --max-length",
	"plug": "--model --adapter --dtype --out --overwrite",
	"lens": "",

	"convert": "--model --out --dtype --overwrite",
	"bench":   "--filter --model --time",

	"licenses": "",
}

func TestHelpShowsTheContract(t *testing.T) {
	top := must(t, "help")
	for command, flags := range contract {
		if !strings.Contains(top, "\n  "+command+" ") {
			t.Errorf("lamina help does not list %s", command)
		}
		text := must(t, "help", command)
		for _, flag := range strings.Fields(flags + " --device --precision --threads --seed --json") {
			if !strings.Contains(text, flag+"=") && !strings.Contains(text, flag+" ") {
				t.Errorf("lamina help %s does not show %s", command, flag)
			}
		}
		if again := must(t, command, "--help"); again != text {
			t.Errorf("lamina %s --help differs from lamina help %s", command, command)
		}
	}
	text := must(t, "help", "finetune")
	for _, group := range []string{"Rows:", "Validation:", "Steps:", "Options of a training:", "Privacy:", "Memory:", "Trained beside the weights:"} {
		if strings.Count(text, "\n"+group+"\n") != 1 {
			t.Errorf("lamina help finetune has no %s", group)
		}
	}
	if bare := must(t); bare != top {
		t.Error("lamina alone does not show the help")
	}
}

// TestParserOfOneCommand: whatever a line begins with, the parser that knows one command
// alone says what that of all says.
func TestParserOfOneCommand(t *testing.T) {
	var all []string
	for _, n := range offered.parser(new(commands)).Model.Children {
		all = append(all, n.Name)
	}
	printed := []string{"completion", "man"} // which print all
	var out bytes.Buffer
	said := func(k *kong.Kong, args []string) string {
		out.Reset()
		_, err := k.Parse(args)
		return fmt.Sprintf("%s%v", &out, err)
	}
	options := []kong.Option{kong.Writers(&out, &out), kong.Exit(func(int) {})}
	whole := offered.parser(new(commands), options...)
	for _, name := range append(all, "no-command", "commonflags", "measures", "--threads=2") {
		for _, more := range [][]string{{"--help"}, {"--no-flag"}, {"--threads=x"}, {"one", "two", "three", "four"}} {
			args := append([]string{name}, more...)
			one := offered.parserOf(new(commands), name, options...)
			if got, want := said(one, args), said(whole, args); got != want {
				t.Errorf("%q: %q, of all commands %q", args, got, want)
			}
			want := len(whole.Model.Children)
			if slices.Contains(all, name) && !slices.Contains(printed, name) {
				want = 1
			}
			if got := len(one.Model.Children); got != want {
				t.Errorf("%q: a parser of %d commands, want %d", args, got, want)
			}
		}
	}
}

func TestLicenses(t *testing.T) {
	text := must(t, "licenses")
	for _, want := range []string{"Apache License", "SIL OPEN FONT LICENSE", "The FreeType Project", "github.com/klauspost/compress v", "The Go Authors"} {
		if !strings.Contains(text, want) {
			t.Errorf("lamina licenses does not show %q", want)
		}
	}
}

func TestDoctor(t *testing.T) {
	out := filepath.Join(t.TempDir(), "d.json")
	text := must(t, "doctor", "--threads", "1", "--json", out)
	r := read[machine.Description](t, out)
	if !strings.HasPrefix(r.Backend, "cpu/") || r.Threads != 1 || r.GPU == "" || !strings.Contains(text, r.Backend) {
		t.Errorf("%+v, printed %q", r, text)
	}
}

// Each wrong input gives one line that names what is wrong, the right status, no
// result, and leaves nothing behind.
func TestWrongInput(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	file := func(name, text string) string { return write(t, dir, name, text) }
	docs := file("docs.jsonl", questions)
	empty, gold := file("empty.jsonl", ""), file("gold.jsonl", `{"query": "a", "choices": ["b", "c"], "gold": 2}`+"\n")
	ids := file("ids.jsonl", `{"context_ids": [5, 420], "target_ids": [7]}`+"\n")
	mixed := file("mixed.jsonl", questions+`{"text": "a"}`+"\n")
	tokens, sim := file("tokens.json", "[[1, 2], [3, 420]]"), file("sim.json", `{"matrix": [[1, 0.5], [0.5]]}`)
	strange := filepath.Join(dir, "strange")
	if err := os.Mkdir(strange, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, strange, "config.json", `{"model_type": "bert"}`)
	truncated := filepath.Join(dir, "truncated")
	if err := os.CopyFS(truncated, os.DirFS(model)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(truncated, "model.safetensors"), 30000); err != nil {
		t.Fatal(err)
	}
	emulator := filepath.Join(dir, "emulator")
	must(t, "emulate", "--model", model, "--plan", "0* 5*", "--out", emulator)
	out := filepath.Join(dir, "out")
	finetune := func(args ...string) []string {
		return append([]string{"finetune", "--lr", "1e-3", "--steps", "1", "--out", out}, args...)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in the line
	}{
		{"no such command", []string{"frobnicate"}, exitUsage, "frobnicate"},
		{"no such flag", []string{"doctor", "--colour"}, exitUsage, "--colour"},
		{"a flag is missing", []string{"logits", "--model", model}, exitUsage, "--tokens"},
		{"threads", []string{"doctor", "--threads", "-2"}, exitUsage, "-2"},
		{"device", []string{"doctor", "--device", "tpu"}, exitUsage, "tpu"},
		{"cuda", []string{"doctor", "--device", "cuda:1"}, exitError, "CUDA"},
		{"precision", []string{"doctor", "--precision", "f16"}, exitUsage, "f16"},
		{"prepack", []string{"doctor", "--prepack", "much"}, exitUsage, "--prepack"},
		{"prepack nothing", []string{"doctor", "--prepack", "0"}, exitUsage, "--prepack 0: want off"},
		{"json in no directory", []string{"doctor", "--json", filepath.Join(dir, "none", "x.json")}, exitError, "none"},
		{"missing model", []string{"info", "--model", filepath.Join(dir, "none")}, exitError, "none"},
		{"hub id", []string{"info", "--model", "facebook/opt-125m"}, exitError, "hub"},
		{"hub id of a tokenizer", []string{"tokenize", "--model", "facebook/opt-125m", "--texts", file("x.json", "[]")}, exitError, "hub"},
		{"unknown architecture", []string{"info", "--model", strange}, exitError, "bert"},
		{"truncated weights", []string{"info", "--model", truncated}, exitError, "model.safetensors"},
		{"no tokenizer", []string{"eval", "--model", golden("opt-prenorm"), "--data", docs}, exitError, "tokenizer"},
		{"missing data", []string{"eval", "--model", model, "--data", filepath.Join(dir, "none.jsonl")}, exitError, "none.jsonl"},
		{"empty data", []string{"eval", "--model", model, "--data", empty}, exitError, "empty.jsonl"},
		{"gold out of range", []string{"eval", "--model", model, "--data", gold}, exitError, "gold.jsonl:1"},
		{"two shapes", []string{"eval", "--model", model, "--data", mixed}, exitError, "mixed.jsonl:5"},
		{"unknown task", []string{"eval", "--model", model, "--data", docs, "--task", "mmlu"}, exitUsage, "mmlu"},
		{"negative limit", []string{"eval", "--model", model, "--data", docs, "--limit", "-1"}, exitUsage, "-1"},
		{"no documents", []string{"eval", "--model", model, "--data", docs, "--limit", "0"}, exitUsage, "--limit 0"},
		{"no tokens", []string{"info", "--model", model, "--max-length=0"}, exitUsage, "--max-length 0"},
		{"no training documents", finetune("--model", emulator, "--data", docs, "--train-limit", "0"), exitUsage, "--train-limit 0"},
		{"too long", []string{"eval", "--model", model, "--data", docs, "--max-length", "97"}, exitError, "96"},
		{"id in a document", []string{"eval", "--model", model, "--data", ids}, exitError, "420"},
		{"missing adapter", []string{"eval", "--model", model, "--data", docs, "--adapter", filepath.Join(dir, "none")}, exitError, "none"},
		{"id in tokens", []string{"logits", "--model", model, "--tokens", tokens, "--json", filepath.Join(out, "..", "l.json")}, exitError, "row 1, token 1"},
		{"tokens of another form", []string{"logits", "--model", model, "--tokens", file("t.json", `{"a": 1}`)}, exitError, "t.json"},
		{"prompt too long", []string{"generate", "--model", model, "--prompt", strings.Repeat("cat ", 200)}, exitError, "96"},
		{"keep more than there are", []string{"plan", "uniform", "--layers", "4", "--keep", "5", "--trainable", "1"}, exitError, "keep 5 of 4"},
		{"train more than kept", []string{"plan", "uniform", "--layers", "4", "--keep", "2", "--trainable", "3"}, exitError, "3 of 2"},
		{"crash without similarity", []string{"plan", "crash", "--layers", "4", "--keep", "2", "--trainable", "1"}, exitUsage, "--similarity"},
		{"ragged similarity", []string{"plan", "crash", "--similarity", sim, "--keep", "1", "--trainable", "1"}, exitError, "row 1"},
		{"unknown kind", []string{"plan", "best", "--layers", "4", "--keep", "2", "--trainable", "1"}, exitUsage, "best"},
		{"layer out of range", []string{"emulate", "--model", model, "--plan", "0* 6*", "--out", out}, exitError, "layer 6"},
		{"no layer", []string{"emulate", "--model", model, "--plan", "0* x", "--out", out}, exitError, `"x"`},
		{"shared twice", []string{"emulate", "--model", model, "--plan", "0* 1 1", "--share", "all", "--out", out}, exitError, "repeats"},
		{"emulator of an emulator", []string{"emulate", "--model", emulator, "--plan", "0*", "--out", out}, exitError, "emulator"},
		{"existing directory", []string{"convert", "--model", model, "--out", emulator}, exitError, "--overwrite"},
		{"storage type", []string{"convert", "--model", model, "--out", out, "--dtype", "q4_0"}, exitUsage, "q4_0"},
		{"no learning rate", []string{"finetune", "--model", model, "--data", docs, "--steps", "1", "--out", out}, exitUsage, "--lr"},
		{"no length of training", []string{"finetune", "--model", model, "--data", docs, "--lr", "1", "--out", out}, exitUsage, "--epochs"},
		{"both lengths", finetune("--model", model, "--data", docs, "--epochs", "1"), exitUsage, "--epochs"},
		{"dropout", finetune("--model", model, "--data", docs, "--dropout", "1"), exitUsage, "dropout"},
		{"nothing starred", finetune("--model", model, "--data", docs, "--plan", "0 1"), exitError, "star"},
		{"a plan for an emulator", finetune("--model", emulator, "--data", docs, "--plan", "0*"), exitError, "--plan"},
		{"empty training data", finetune("--model", model, "--data", empty), exitError, "empty.jsonl"},
		{"gold in training data", finetune("--model", model, "--data", gold), exitError, "gold.jsonl:1"},
		{"id in training data", finetune("--model", model, "--data", ids), exitError, "420"},
	} {
		code, stdout, stderr := lamina(t, c.args...)
		stderr = unwarned(stderr)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, want %d; stdout %q; %q should name %q", c.name, code, c.code, stdout, stderr, c.want)
		}
		if !strings.HasPrefix(stderr, "lamina: ") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: not one line: %q", c.name, stderr)
		}
		for _, path := range []string{out, filepath.Join(dir, "l.json")} {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s: left %s", c.name, path)
			}
		}
		if rest, _ := filepath.Glob(filepath.Join(dir, ".*")); len(rest) > 0 {
			t.Errorf("%s: left %v", c.name, rest)
		}
	}
}
