package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// packages hands over what a hostile house sends: emulators to a data owner, adapters to
// a model owner, each with a manifest that fits, where one could make it fit.
func packages(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Hostile packages"}
	inputs, err := l.inputs(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.others(ctx, inputs); err != nil {
		return nil, err
	}
	var all []probe
	for _, p := range slices.Concat(emulators(), adapters(), weights()) {
		q := p // the same, looked at before it is used
		q.name, q.out = p.name+", scored", ""
		if q.then = "eval --model emulator --data docs.jsonl"; p.out == "tuned" {
			q.then = "eval --model model --adapter run/adapter --data docs.jsonl"
		}
		all = append(all, p, q)
	}
	for i := range all {
		if name := all[i].name; slices.Contains(harmless, name) || slices.Contains(harmless, strings.TrimSuffix(name, ", scored")) {
			all[i].may = "lamina.json decides, nothing is rounded, and what is not read does no harm"
		}
	}
	if l.short {
		all = some(all, 20)
	}
	if err := l.probes(ctx, r, inputs, all); err != nil {
		return nil, err
	}
	r.summary()
	return r, nil
}

// some takes n of a list, evenly.
func some[T any](all []T, n int) []T {
	var out []T
	for i := range min(n, len(all)) {
		out = append(out, all[i*len(all)/n])
	}
	return out
}

// others adds packages of the same model that are right in themselves: in others/ an
// emulator and an adapter that train another layer, in older/ an adapter of an emulator
// of the same trained layer that was made otherwise. They are made in another house.
func (l *lab) others(ctx context.Context, inputs string) error {
	house, err := l.copyOf(inputs)
	if err != nil {
		return err
	}
	err = l.commands(ctx, house, nil,
		"emulate --model model --plan 0.1* --share all --out others",
		"finetune --model others --lr 1e-2 --out others-run"+training,
		"emulate --model model --plan 0*.2 --out older",
		"finetune --model older --lr 1e-2 --out older-run"+training,
		"finetune --model model --lr 1e-2 --out whole-run"+training)
	for _, name := range []string{"others", "others-run", "older", "older-run", "whole-run"} {
		if err == nil {
			err = copyTree(filepath.Join(house, name), filepath.Join(inputs, name))
		}
	}
	l.done(house, false)
	return err
}

const (
	tuning   = "finetune --model emulator --lr 1e-2 --out fit" + training
	plugging = "plug --model model --adapter run/adapter --out tuned"
)

// harmless are packages that may be taken.
var harmless = []string{"emulator/config says it is none", "emulator/a pickle beside", "emulator/a name with an escape",
	"emulator/shadowed by an index", "emulator/lamina.json many layers",
	"adapter/infinite once it is rounded, scored"}

// emulators are probes of the data owner, who fine-tunes what came.
func emulators() []probe {
	resealed := seal("emulator")
	sent := func(name, say string, edit ...func(string) error) probe {
		return probe{name: "emulator/" + name, edit: edits(edit...), then: tuning, out: "fit", say: say}
	}
	plan := func(name, old, new string) probe {
		return sent("lamina.json "+name, "emulator", change("emulator/lamina.json", old, new), resealed)
	}
	config := func(name, old, new string) probe {
		return sent("config "+name, "emulator", change("emulator/config.json", old, new), resealed)
	}
	forms := func(name, forms string) probe {
		return sent("forms "+name, "emulator", change("emulator/config.json", `"kind": "emulator"`, `"kind": "emulator", "model_type": "opt", "forms": `+forms),
			change("emulator/config.json", `"model_type": "opt",`+"\n  ", `"model_type": "lamina", `), resealed)
	}
	return slices.Concat(manifests(sent), []probe{
		sent("no lamina.json", "lamina.json", remove("emulator/lamina.json")),
		sent("no lamina.json, sealed", "lamina.json", remove("emulator/lamina.json"), resealed),
		plan("layer beyond", `"0* 1 1"`, `"0* 1 7"`),
		plan("negative layer", `"0* 1 1"`, `"0* -1 1"`),
		plan("fewer places", `"0* 1 1"`, `"0* 1"`),
		plan("a layer starred twice", `"0* 1 1"`, `"0* 1 0*"`),
		plan("nothing starred", `"0* 1 1"`, `"0 1 1"`),
		plan("another layer starred", `"0* 1 1"`, `"0 1* 1"`),
		plan("a map where a layer stands", `"0* 1 1"`, `"0* ~ 2"`),
		plan("a scale that is in no form", `"0* 1 1"`, `"0* 1x0.5 1"`),
		plan("factors that are in no form", `"0* 1 1"`, `"0* 1:svd0.5 1"`),
		plan("no layers", `"layers": 3`, `"layers": 0`),
		plan("many layers", `"layers": 3`, `"layers": 9223372036854775807`),
		plan("a number of a thousand digits", `"layers": 3`, `"layers": `+strings.Repeat("3", 1000)),
		plan("two keys", `"plan": `, `"Plan": "0 1 1*", "plan": `),
		plan("the same key twice", `"plan": `, `"plan": "0 1 1*", "plan": `),
		plan("another base", `"base": "sha256:`, `"base": "sha256:0`),
		plan("no base", `"base": "sha256:`, `"basis": "sha256:`),
		plan("the future's format", `"format": 3`, `"format": 99`),
		plan("an escape for the terminal", `"kind": "emulator"`, `"kind": "\u001b[2Jemulator"`),
		sent("lamina.json of many places", "lamina.json",
			put("emulator/lamina.json", `{"format":2,"kind":"emulator","plan":"`+strings.Repeat("0 ", 4<<20)+`","layers":3,"base":""}`), resealed),
		config("million layers", `"num_hidden_layers": 3`, `"num_hidden_layers": 1000000`),
		config("wide", `"hidden_size": 24`, `"hidden_size": 16777216`),
		config("no heads", `"num_attention_heads": 4`, `"num_attention_heads": 0`),
		config("huge vocabulary", `"vocab_size": 67`, `"vocab_size": 2147483647`),
		config("negative positions", `"max_position_embeddings": 40`, `"max_position_embeddings": -40`),
		config("says it is none", `"kind": "emulator"`, `"kind": "model"`),
		forms("without tensors", `[{}, {"map": "linear"}, {}]`),
		forms("of a rank without end", `[{}, {"ranks": {"fc1": 9223372036854775807}}, {}]`),
		forms("of a scale that is none", `[{}, {"scale": NaN}, {}]`),
		forms("of channels without end", `[{}, {"feed_forward": 16777216}, {}]`),
		forms("of the future", `[{}, {"experts": 8}, {}]`),
		forms("of too many places", "["+strings.Repeat(`{"map": "diagonal"},`, 100000)+"{}]"),
		sent("infinite weights", "emulator", numbers("emulator/model.safetensors", float(math.Inf(1)), 9000), resealed),
		sent("weights not numbers", "emulator", numbers("emulator/model.safetensors", float(math.NaN()), 9000), resealed),
		sent("shadowed by an index", "", put("emulator/model.safetensors.index.json", `{"weight_map":{"lm_head.weight":"../../model/pytorch_model-00001-of-00004.bin"}}`), resealed),
		sent("a pickle beside", "", put("emulator/pytorch_model.bin", "cposix\nsystem\n(S'id'\ntR."), resealed),
		sent("a name with an escape", "", put("emulator/\x1b[2J", "x"), resealed),
	})
}

// manifests are emulators whose list of files does not fit them.
func manifests(sent func(name, say string, edit ...func(string) error) probe) []probe {
	manifest := func(name, old, new string) probe {
		return sent("manifest "+name, "MANIFEST.json", change("emulator/MANIFEST.json", old, new))
	}
	return []probe{
		sent("no manifest", "MANIFEST.json", remove("emulator/MANIFEST.json")),
		sent("empty manifest", "MANIFEST.json", put("emulator/MANIFEST.json", "")),
		sent("manifest of nothing", "emulator", put("emulator/MANIFEST.json", "[]\n")),
		sent("manifest of brackets", "MANIFEST.json", put("emulator/MANIFEST.json", strings.Repeat("[", 1<<20))),
		manifest("leads out", `"config.json"`, `"../model/config.json"`),
		manifest("absolute", `"config.json"`, `"/etc/passwd"`),
		manifest("another digest", `"sha256": "`, `"sha256": "0`),
		manifest("another size", `"size": `, `"size": 1`),
		manifest("negative size", `"size": `, `"size": -`),
		manifest("twice the key", `"size": `, `"Size": 1, "size": `),
		sent("added file", "more", put("emulator/more", "x")),
		sent("added hidden file", ".more", put("emulator/.more", "x")),
		sent("added directory", "adapter", put("emulator/adapter/adapter.json", "{}")),
		sent("weights are a link", "model.safetensors", move("emulator/model.safetensors", "w"), link("../w", "emulator/model.safetensors")),
		sent("config is a link", "config.json", move("emulator/config.json", "c"), link("../c", "emulator/config.json")),
		sent("one changed byte", "model.safetensors", numbers("emulator/model.safetensors", []byte{1}, 1)),
	}
}

const adapterWeights = "run/adapter/adapter.safetensors"

// returned is an adapter that comes back, and was changed.
func returned(name, say string, edit ...func(string) error) probe {
	return probe{name: "adapter/" + name, edit: edits(edit...), then: plugging, out: "tuned", say: say}
}

// adapters are probes of the model owner, who plugs in what came back.
func adapters() []probe {
	back, resealed := returned, seal("run/adapter")
	manifest := func(name, old, new string) probe {
		return back("adapter.json "+name, "adapter", change("run/adapter/adapter.json", old, new), resealed)
	}
	// Without the fingerprint of the weights, which would tell of any change.
	valued := func(name, say string, x float64, count int) probe {
		return back(name, say, numbers(adapterWeights, float(x), count), forget("run/adapter/adapter.json", "weights"), resealed)
	}
	replaced := func(name, by string) probe {
		return back(name, "", remove("run/adapter"), move(by+"/adapter", "run/adapter"))
	}
	return []probe{
		back("no manifest", "MANIFEST.json", remove("run/adapter/MANIFEST.json")),
		back("one changed byte", "adapter.safetensors", numbers(adapterWeights, []byte{1}, 1)),
		back("added file", "more", put("run/adapter/more", "x")),
		back("a link to the weights", "adapter.safetensors", move(adapterWeights, "w"), link("../../w", adapterWeights)),
		back("a linked manifest", "adapter.json", move("run/adapter/adapter.json", "m"), link("../../m", "run/adapter/adapter.json")),
		back("another in it", "adapter", func(dir string) error {
			return copyTree(filepath.Join(dir, "others-run/adapter"), filepath.Join(dir, "run/adapter/adapter"))
		}),
		replaced("of another layer", "others-run"),
		replaced("of all weights", "whole-run"),
		replaced("of an older emulator of the same layer", "older-run"),
		back("of nothing", "adapter", remove("run/adapter"), put("run/adapter/x", "")),
		back("a file", "adapter", remove("run/adapter"), put("run/adapter", "x")),
		back("not there", "adapter", remove("run/adapter"), remove("run")),
		back("a pickle", "adapter", remove(adapterWeights), put("run/adapter/adapter.bin", "cposix\nsystem\n(S'id'\ntR."), resealed),
		manifest("two keys", `"plan": `, `"Plan": "0 1 1*", "plan": `),
		manifest("the same key twice", `"plan": `, `"plan": "0 1* 1", "plan": `),
		manifest("another plan", `"0* 1 1"`, `"0 1* 1"`),
		manifest("a plan of fewer places", `"0* 1 1"`, `"0* 1"`),
		manifest("all was trained", `"plan": "0* 1 1"`, `"whole": true`),
		manifest("another base", `"base": "sha256:`, `"base": "sha256:0`),
		manifest("the future's format", `"format": 2`, `"format": 3`),
		manifest("a format without manifests", `"format": 2`, `"format": 0`),
		manifest("a tensor less", `"model.decoder.layers.0.fc1.bias",`, ``),
		manifest("a tensor of the head", `"model.decoder.layers.0.fc1.bias"`, `"lm_head.weight"`),
		manifest("of brackets", `"tensors": [`, `"tensors": `+strings.Repeat("[", 100000)),
		back("another number", "fingerprint", numbers(adapterWeights, float(0.5), 1), resealed),
		valued("a number not one", "element 0", math.NaN(), 1),
		valued("an infinite number", "element 0", math.Inf(-1), 1),
		valued("huge numbers", "", 1e30, 500),
		{name: "adapter/infinite once it is rounded", say: "", out: "tuned",
			edit: edits(numbers(adapterWeights, float(math.MaxFloat32), 1), forget("run/adapter/adapter.json", "weights"), resealed), then: plugging + " --dtype bf16"},
	}
}

// weights are adapters whose tensors are not those that went out.
func weights() []probe {
	back, resealed := returned, seal("run/adapter")
	tensors := func(name string, edit func(map[string]any, []byte) []byte) probe {
		return back(name, "adapter", header(adapterWeights, edit), resealed)
	}
	return []probe{
		tensors("a tensor more", func(t map[string]any, data []byte) []byte {
			t["lm_head.weight"] = map[string]any{"dtype": "F32", "shape": []int{1}, "data_offsets": []int{len(data), len(data) + 4}}
			return append(data, 0, 0, 0, 0)
		}),
		tensors("a tensor renamed", func(t map[string]any, data []byte) []byte {
			for _, name := range slices.Sorted(maps.Keys(t))[1:2] {
				t[name+"\x1b[2J"] = t[name]
				delete(t, name)
			}
			return data
		}),
		tensors("a shape turned", func(t map[string]any, data []byte) []byte {
			t["model.decoder.layers.0.fc1.weight"].(map[string]any)["shape"] = []int{24, 48}
			return data
		}),
		tensors("another type", func(t map[string]any, data []byte) []byte {
			t["model.decoder.layers.0.fc1.weight"].(map[string]any)["dtype"] = "I32"
			return data
		}),
		tensors("overlapping tensors", func(t map[string]any, data []byte) []byte {
			t["model.decoder.layers.0.fc1.weight"].(map[string]any)["data_offsets"] = []int{0, 4608}
			return data
		}),
		tensors("bytes after the last", func(t map[string]any, data []byte) []byte { return append(data, 1, 2, 3, 4) }),
		back("cut", "adapter", header(adapterWeights, func(t map[string]any, data []byte) []byte { return data[:len(data)-4] }), resealed),
		back("weights of 8 bytes", "adapter", put(adapterWeights, string(binary.LittleEndian.AppendUint64(nil, 1<<62))), resealed),
		back("weights of nothing", "adapter", put(adapterWeights, ""), resealed),
		back("a header of spaces", "adapter", put(adapterWeights, string(binary.LittleEndian.AppendUint64(nil, 99<<20))+strings.Repeat(" ", 99<<20)), resealed),
	}
}

func float(x float64) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, float32(x)); err != nil {
		panic(fmt.Sprint("binary: ", err))
	}
	return b.Bytes()
}
