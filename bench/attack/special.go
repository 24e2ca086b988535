package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"lamina/crash/demo"
)

// special puts what is no file with content, or one without an end, in the place of each
// file that a command reads.
func special(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Special files in place of each file that is read"}
	if runtime.GOOS != "linux" {
		r.note("skipped: the devices are those of Linux")
		return r, nil
	}
	inputs, err := l.readable(ctx)
	if err != nil {
		return nil, err
	}
	h, err := serve(nil)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	if err := l.commands(ctx, inputs, []string{"HF_HOME=home", "HF_HUB_CACHE=", "HF_ENDPOINT=" + h.home + "/honest"}, fetching); err != nil {
		return nil, err
	}
	if err := put("home/token", "secret")(inputs); err != nil {
		return nil, err
	}
	var all []probe
	for _, at := range places {
		for _, s := range standIns {
			p := probe{name: "special/" + at.file + " is " + s.name, then: at.then, out: at.out, say: filepath.Base(at.file)}
			if at.env != "" {
				p.env = strings.Fields("HF_HUB_CACHE= " + strings.ReplaceAll(at.env, "=HUB", "="+h.home+"/honest"))
			}
			if at.dir != "" {
				p.say = at.dir
			}
			if at.optional || s.missing && at.mayMiss {
				p.may, p.say = "the command goes on without it", ""
			}
			p.edit = func(dir string) error {
				path := filepath.Join(dir, at.file)
				if err := os.RemoveAll(path); err != nil {
					return err
				}
				return s.make(path)
			}
			all = append(all, p)
		}
	}
	if l.short {
		all = some(all, 45)
	}
	if err := l.probes(ctx, r, inputs, all); err != nil {
		return nil, err
	}
	r.note("%d places, %d kinds of files. Unreadable files are left out: who is root reads them.", len(places), len(standIns))
	r.summary()
	return r, nil
}

// place is a file that a command reads.
type place struct {
	file, then, out string
	dir             string // errors name the directory
	mayMiss         bool   // a link to nothing may count as no file
	optional        bool   // nothing of the result depends on it
	env             string // words of the environment; HUB is the address of an honest one
}

const (
	talking     = "generate --model talker --prompt hello --max-tokens 1 --chat"
	scoring     = "eval --model model --data docs.jsonl"
	resuming    = "finetune --model emulator --lr 1e-2 --out run" + training
	fetching    = "hub get " + repo
	resultsDate = "2026-01-02T03-04-05.678901"
	resultsFile = "results_" + resultsDate + ".json"
	comparing   = "compare results-a results-b --samples 10"
)

var places = []place{
	{file: "model/config.json", then: scoring, mayMiss: true},
	{file: "talker/generation_config.json", then: talking, mayMiss: true, optional: true},
	{file: "model/pytorch_model.bin.index.json", then: scoring, mayMiss: true},
	{file: "model/pytorch_model-00002-of-00004.bin", then: scoring},
	{file: "emulator/model.safetensors", then: tuning, out: "fit"},
	{file: "emulator/lamina.json", then: tuning, out: "fit"},
	{file: "emulator/config.json", then: tuning, out: "fit"},
	{file: "emulator/MANIFEST.json", then: tuning, out: "fit"},
	{file: "run/adapter/adapter.json", then: plugging, out: "tuned"},
	{file: "run/adapter/adapter.safetensors", then: plugging, out: "tuned"},
	{file: "run/adapter/MANIFEST.json", then: plugging, out: "tuned"},
	{file: "talker/tokenizer.json", then: talking, mayMiss: true},
	{file: "talker/tokenizer_config.json", then: talking, mayMiss: true},
	{file: "talker/chat_template.jinja", then: talking, mayMiss: true},
	{file: "talker/special_tokens_map.json", then: talking, mayMiss: true, optional: true},
	{file: "docs.jsonl", then: scoring},
	{file: "valid.jsonl", then: tuning, out: "fit"},
	{file: "tokens.json", then: "logits --model model --tokens tokens.json"},
	{file: "texts.json", then: "tokenize --model talker --texts texts.json"},
	{file: "plan_text", then: "info --model model --plan @plan_text --max-length 8"},
	{file: "similarity.json", then: "plan crash --layers 3 --keep 2 --trainable 1 --similarity similarity.json"},
	{file: "task.yaml", then: "eval --model talker --data talk.jsonl --task-file task.yaml"},
	{file: "mixed.gguf", then: "info --model mixed.gguf"},
	{file: "results-a/" + resultsFile, then: comparing, dir: "results-a"},
	{file: "results-a/samples_words_" + resultsDate + ".jsonl", then: comparing, dir: "results-a"},
	{file: "run/config.json", then: resuming, out: "run", mayMiss: true},
	{file: "run/metrics.jsonl", then: resuming, out: "run", mayMiss: true},
	{file: "run/checkpoints/LATEST", then: resuming, out: "run", mayMiss: true, optional: true},
	{file: "home/token", then: fetching, out: "home", env: "HF_HOME=home HF_ENDPOINT=HUB", mayMiss: true},
	{file: "home/hub/models--tiny--model/refs/main", then: fetching, out: "home", env: "HF_HOME=home HF_HUB_OFFLINE=1", dir: "tiny/model"},
	{file: "home/hub/models--tiny--model/trees/" + commit + ".json", then: fetching, out: "home", env: "HF_HOME=home HF_HUB_OFFLINE=1", optional: true},
	{file: "home/hub/models--tiny--model/blobs/" + digestOf("config.json"), then: "hub verify", env: "HF_HOME=home", dir: "files are wrong"},
	{file: "run/checkpoints/step-3/state.json", then: resuming, out: "run", dir: "step-3", mayMiss: true, optional: true},
}

// standIns are what is put in a file's place.
var standIns = []struct {
	name    string
	missing bool
	make    func(path string) error
}{
	{"a link to /dev/zero", false, func(path string) error { return os.Symlink("/dev/zero", path) }},
	{"a link to /dev/random", false, func(path string) error { return os.Symlink("/dev/random", path) }},
	{"a pipe", false, makePipe},
	{"a socket", false, makeSocket},
	{"a directory", false, func(path string) error { return os.Mkdir(path, 0o755) }},
	{"a sparse file of 1 TiB", false, func(path string) error {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := f.Truncate(1 << 40); err != nil {
			return err
		}
		return f.Close()
	}},
	{"a link to nothing", true, func(path string) error { return os.Symlink("nothing", path) }},
	{"a link to itself", true, func(path string) error { return os.Symlink(filepath.Base(path), path) }},
	{"a link to /proc/self/mem", false, func(path string) error { return os.Symlink("/proc/self/mem", path) }},
	{"a link to /proc/kpagecount", false, func(path string) error { return os.Symlink("/proc/kpagecount", path) }},
}

// readable makes inputs with a file of every kind that a command reads.
func (l *lab) readable(ctx context.Context) (string, error) {
	dir, err := l.inputs(ctx)
	if err != nil {
		return "", err
	}
	if err := demo.WriteModel(filepath.Join(dir, "talker")); err != nil {
		return "", err
	}
	gguf, err := os.ReadFile(l.testdata("transformer/testdata/gguf/mixed.gguf"))
	if err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"talker/chat_template.jinja":     "{{ messages[0].content }}",
		"talker/special_tokens_map.json": "{}",
		"talker/generation_config.json":  "{}",
		"talk.jsonl":                     `{"q":"is it","choices":["yes","no"],"gold":0}` + "\n",
		"tokens.json":                    "[[1,2,3]]",
		"texts.json":                     `["hello"]`,
		"plan_text":                      "0* 1 2",
		"task.yaml":                      "task: mine\noutput_type: multiple_choice\ndoc_to_text: \"{{q}}\"\ndoc_to_choice: \"{{choices}}\"\ndoc_to_target: \"{{gold}}\"\n",
		"mixed.gguf":                     string(gguf),
	} {
		if err := put(name, text)(dir); err != nil {
			return "", err
		}
	}
	for _, run := range []string{"a", "b"} {
		if err := copyTree(l.testdata("eval/results/testdata/runs/"+run), filepath.Join(dir, "results-"+run)); err != nil {
			return "", err
		}
	}
	return dir, l.commands(ctx, dir, nil, "similarity --model model --data docs.jsonl --json similarity.json")
}
