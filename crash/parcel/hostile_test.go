package parcel_test

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/exchange"
	"lamina/crash/parcel"
	"lamina/internal/cases"
)

// hostile is a package that is not to be accepted.
type hostile struct {
	name string
	make func(p *parcelled)
	want string // that the error says, beside the package's path
}

// anyKind are wrong whatever the package carries.
var anyKind = []hostile{
	{"a file beside the payload", func(p *parcelled) { p.write(p.path("notes.txt"), "x") }, `notes.txt: no part of a package`},
	{"a hidden file beside the payload", func(p *parcelled) { p.write(p.path(".lamina.json"), "{}") }, `.lamina.json: no part of a package`},
	{"an added file", func(p *parcelled) { p.write(p.payload("NOTICE-2"), "x") }, `NOTICE-2: manifest.json does not list it`},
	{"a lost file", func(p *parcelled) { p.remove(p.payload("MANIFEST.json")) }, `MANIFEST.json: missing`},
	{"no manifest", func(p *parcelled) { p.remove(p.path("manifest.json")) }, `manifest.json: missing`},
	{"no payload", func(p *parcelled) { must(p.t, os.RemoveAll(p.path("payload"))) }, `payload: missing`},
	{"a payload that is a file", func(p *parcelled) { must(p.t, os.RemoveAll(p.path("payload"))); p.write(p.path("payload"), "x") }, `payload: is no directory`},
	{"a payload that is a link", func(p *parcelled) {
		must(p.t, os.Rename(p.path("payload"), filepath.Join(p.dir, "elsewhere")))
		must(p.t, os.Symlink(filepath.Join(p.dir, "elsewhere"), p.path("payload")))
	}, `payload: is no directory`},
	{"a package that is a link", func(p *parcelled) {
		must(p.t, os.Rename(p.pkg, filepath.Join(p.dir, "elsewhere")))
		must(p.t, os.Symlink(filepath.Join(p.dir, "elsewhere"), p.pkg))
	}, `is no directory`},
	{"a manifest that is a link", func(p *parcelled) { p.linked(p.path("manifest.json"), os.Symlink) }, `manifest.json: is a link`},
	{"a file that is a link", func(p *parcelled) { p.linked(p.payload("MANIFEST.json"), os.Symlink) }, `MANIFEST.json: is a link`},
	{"a file with two names", func(p *parcelled) { p.linked(p.payload("MANIFEST.json"), os.Link) }, `MANIFEST.json: is linked 2 times`},
	{"a manifest with two names", func(p *parcelled) { p.linked(p.path("manifest.json"), os.Link) }, `manifest.json: is linked 2 times`},
	{"a directory in the payload", func(p *parcelled) { must(p.t, os.Mkdir(p.payload("more"), 0o755)) }, `more: is a directory`},
	{"names that differ in case", func(p *parcelled) { p.write(p.payload("manifest.JSON"), "x") }, `is the same as "MANIFEST.json" on some systems`},
	{"names that Unicode makes one", func(p *parcelled) { p.write(p.payload("NOTICE-\u212a"), "x"); p.write(p.payload("NOTICE-K"), "x") }, `not in Unicode's composed form`},
	{"a name in Unicode's other form", func(p *parcelled) { p.write(p.payload("NOTICE-e\u0301"), "x") }, `not in Unicode's composed form`},
	{"a name with a backslash", func(p *parcelled) { p.write(p.payload(`..\x`), "x") }, `is a path`},
	{"a name that ends in a dot", func(p *parcelled) { p.write(p.payload("config.json."), "x") }, `ends with a dot`},
	{"a name that is a device elsewhere", func(p *parcelled) { p.write(p.payload("aux.json"), "x") }, `is a device on some systems`},
	{"a name that moves the cursor", func(p *parcelled) { p.write(p.payload("a\x1b[2J"), "x") }, `not to be seen`},
	{"a name of two lines", func(p *parcelled) { p.write(p.payload("a\nb"), "x") }, `not to be seen`},
	{"Python", func(p *parcelled) { p.write(p.payload("modeling_opt.py"), "x"); p.refit() }, `files that end in .py can run code`},
	{"a pickle", func(p *parcelled) { p.write(p.payload("pytorch_model.bin"), "x"); p.refit() }, `files that end in .bin can run code`},
	{"code in a configuration", func(p *parcelled) {
		p.write(p.payload("generation_config.json"), `{"a": [{"auto_map": {"AutoModel": "x.Y"}}]}`)
		p.refit()
	}, `generation_config.json: "auto_map" makes other programs run code`},
	{"trust in a configuration", func(p *parcelled) {
		p.write(p.payload("tokenizer_config.json"), `{"trust_remote_code": true}`)
		p.refit()
	}, `tokenizer_config.json: "trust_remote_code" makes other programs run code`},
	{"a changed byte", func(p *parcelled) { p.flip(p.payload("MANIFEST.json")) }, `MANIFEST.json: SHA-256`},
	{"a cut file", func(p *parcelled) { must(p.t, os.Truncate(p.payload("MANIFEST.json"), 9)) }, `MANIFEST.json: 9 bytes, manifest.json says`},
	{"a manifest that is cut", func(p *parcelled) { must(p.t, os.Truncate(p.path("manifest.json"), 99)) }, `manifest.json: `},
	{"a manifest that is empty", func(p *parcelled) { p.write(p.path("manifest.json"), "") }, `manifest.json: `},
	{"a manifest that is huge", func(p *parcelled) { must(p.t, os.Truncate(p.path("manifest.json"), 1<<40)) }, `manifest.json: 1099511627776 bytes, more than`},
	{"a schema of the future", func(p *parcelled) { p.replace(p.path("manifest.json"), `"schema": 1`, `"schema": 2`) }, `manifest.json: schema 2`},
	{"a member twice", func(p *parcelled) {
		p.replace(p.path("manifest.json"), `"schema": 1`, "\"schema\": 1,\n  \"schema\": 1")
	}, `manifest.json: `},
	{"a member that nobody knows", func(p *parcelled) {
		p.replace(p.path("manifest.json"), `"schema": 1`, "\"schema\": 1,\n  \"run\": \"rm\"")
	}, `manifest.json: `},
	{"a member in another case", func(p *parcelled) { p.replace(p.path("manifest.json"), `"tensors"`, `"Tensors"`) }, `manifest.json: `},
	{"a member less", func(p *parcelled) { p.replace(p.path("manifest.json"), "  \"created\": \"2026-11-28\",\n", "") }, `manifest.json: `},
	{"text behind the manifest", func(p *parcelled) { p.write(p.path("manifest.json"), p.read(p.path("manifest.json"))+"{}") }, `manifest.json: `},
	{"another form of the same manifest", func(p *parcelled) { p.replace(p.path("manifest.json"), `"schema": 1`, `"schema":  1`) }, `manifest.json: not as lamina writes it`},
	{"an exchange that is none", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Exchange = "../x" }) }, `exchange_id "../x"`},
	{"no sequence", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Sequence = 0 }) }, `sequence 0`},
	{"a time of the day", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Created = "2026-11-28T10:11:12Z" }) }, `created "2026-11-28T10`},
	{"a path that leads out", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[0].Name = "../../out" }) }, `file "../../out": is a path`},
	{"the directory above", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[0].Name = ".." }) }, `file "..": leads out`},
	{"a path from the root", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[0].Name = "/etc/passwd" }) }, `file "/etc/passwd": is a path`},
	{"a drive", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[0].Name = "C:x" }) }, `file "C:x": is a path`},
	{"a NUL", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[0].Name = "a\x00b" }) }, `not to be seen`},
	{"a name twice", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files = append(m.Files, m.Files[0]) }) }, `is the same as`},
	{"files out of order", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { slices.Reverse(m.Files) }) }, `files: not sorted`},
	{"a size that nothing has", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[0].Size = 1 << 62 }) }, `4611686018427387904 bytes`},
	{"a size below zero", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[0].Size = -1 }) }, `-1 bytes`},
	{"a size that is not so", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[1].Size++ }) }, `bytes, manifest.json says`},
	{"a digest that is none", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Files[1].SHA256 = "x" }) }, `sha256 "x"`},
	{"a digest that is not so", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) { m.Files[1].SHA256 = strings.Repeat("0", 64) })
	}, `manifest.json says 000000000000`},
	{"a digest of tensors that is not so", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Tensors = strings.Repeat("0", 64) }) }, `the tensors have the digest`},
	{"another kind's part too", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) {
			m.Kind = map[parcel.Kind]parcel.Kind{"emulator": "adapter", "adapter": "emulator"}[m.Kind]
		})
	}, `kind `},
	{"another exchange", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Exchange = strings.Repeat("0", 32) }) }, `exchange`},
	{"another plan", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Plan = crashtest.Plan(p.t, "0 1* 1 2") }) }, `plan is "0 1* 1 2"`},
	{"a plan that is none", func(p *parcelled) { p.replace(p.path("manifest.json"), `"plan": "0*`, `"plan": "-1*`) }, `manifest.json: `},
	{"a claim of two lines", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Claims = map[string]string{"a": "b\nc"} }) }, `claim "a"`},
}

// emulators are wrong for the data owner.
var emulators = []hostile{
	{"a file that no emulator has", func(p *parcelled) { p.write(p.payload("notes.txt"), "x"); p.refit() }, `notes.txt: an emulator has no such file`},
	{"weights that are no numbers", func(p *parcelled) {
		p.weights("model.safetensors", func(v map[string]value) { v["model.decoder.embed_tokens.weight"].values[7] = float32(math.NaN()) })
	}, `1 NaN and 0 infinite values`},
	{"trained weights of another start", func(p *parcelled) {
		p.weights("model.safetensors", func(v map[string]value) { v["model.decoder.layers.0.fc1.bias"].values[0]++ })
	}, `the trainable weights are not the ones`},
	{"a lost tensor", func(p *parcelled) {
		p.weights("model.safetensors", func(v map[string]value) { delete(v, "model.decoder.layers.1.fc1.bias") })
	}, `fc1.bias`},
	{"a slot that is no tensor of the plan", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Emulator.Slots[0].Name = "a" }) }, `slots are not those of its plan`},
	{"a slot of another shape", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Emulator.Slots[0].Shape[0]++ }) }, `slots are not those of its plan`},
	{"a slot twice", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Emulator.Slots[1] = m.Emulator.Slots[0] }) }, `comes twice`},
	{"a slot larger than memory", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) { m.Emulator.Slots[0].Shape = []int{1 << 40, 1 << 40} })
	}, `no such shape`},
	{"another start", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) { m.Emulator.Initial = "sha256:" + strings.Repeat("0", 64) })
	}, `initial is "sha256:0000`},
	{"another tokenizer", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) { m.Emulator.Tokenizer = strings.Repeat("0", 64) })
	}, `tokenizer is "0000`},
	{"another configuration", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Emulator.Config = strings.Repeat("0", 64) }) }, `config is "0000`},
	{"another recipe", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Emulator.Recipe.Exact = 0 }) }, `recipe is`},
	{"a digest of the wrong file", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Emulator.Manifest = m.Emulator.Config }) }, `is not the SHA-256 of MANIFEST.json`},
	{"no emulator at all", func(p *parcelled) { p.remove(p.payload("lamina.json")); p.refit() }, `lamina.json`},
	{"a configuration that does not fit", func(p *parcelled) {
		p.replace(p.payload("config.json"), `"num_hidden_layers": 4`, `"num_hidden_layers": 3`)
		p.refit()
	}, `payload`},
}

// adapters are wrong for the model owner.
var adapters = []hostile{
	{"of another emulator", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) { m.Adapter.Parent.Emulator = strings.Repeat("0", 64) })
	}, `parent: trained in an emulator whose MANIFEST.json has SHA-256 0000`},
	{"of a package that was not sent", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) { m.Adapter.Parent.Package = strings.Repeat("0", 64) })
	}, `parent: trained in an emulator that came in the package 0000`},
	{"of no package", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Adapter.Parent.Package = "" }) }, `parent: names no package`},
	{"a tensor too many", func(p *parcelled) {
		p.weights("adapter.safetensors", func(v map[string]value) { v["lm_head.weight"] = value{[]int{2}, []float32{1, 2}} })
	}, `tensor "lm_head.weight" was not to be trained`},
	{"a frozen layer's tensors", func(p *parcelled) {
		p.weights("adapter.safetensors", func(v map[string]value) {
			for name, t := range maps.Clone(v) {
				delete(v, name)
				v[strings.Replace(name, "layers.0.", "layers.1.", 1)] = t
			}
		})
	}, `was not to be trained`},
	{"a tensor less", func(p *parcelled) {
		p.weights("adapter.safetensors", func(v map[string]value) { delete(v, fc1) })
	}, `fc1.bias" is missing`},
	{"a renamed tensor", func(p *parcelled) {
		p.weights("adapter.safetensors", func(v map[string]value) { v[fc1+"2"] = v[fc1]; delete(v, fc1) })
	}, `fc1.bias" is missing`},
	{"a tensor of another shape", func(p *parcelled) {
		p.weights("adapter.safetensors", func(v map[string]value) { v[fc1] = value{[]int{1, len(v[fc1].values)}, v[fc1].values} })
	}, `fc1.bias" is F32[1 48], want F32[48]`},
	{"not a number", func(p *parcelled) {
		p.weights("adapter.safetensors", func(v map[string]value) { v[fc1].values[3] = float32(math.NaN()) })
	}, `1 NaN and 0 infinite values`},
	{"infinity", func(p *parcelled) {
		p.weights("adapter.safetensors", func(v map[string]value) { v[fc1].values[3] = float32(math.Inf(-1)) })
	}, `0 NaN and 1 infinite values`},
	{"weights that went far, and norms that do not say so", func(p *parcelled) { p.weights("adapter.safetensors", far) }, `adapter: changes is`},
	{"weights that went far, and norms that say so", func(p *parcelled) {
		p.weights("adapter.safetensors", far)
		p.stateChanges()
	}, `is more than 1: more of that block is new than was sent`},
	{"norms that are not so", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Adapter.Changes[0].Delta *= 2 }) }, `adapter: changes is`},
	{"norms of other blocks", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Adapter.Changes[0].Layer = 1 }) }, `adapter: changes is`},
	{"numbers that it does not vouch for", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Adapter.Finite = false }) }, `finite`},
	{"another start", func(p *parcelled) {
		p.edit(func(m *parcel.Manifest) { m.Adapter.Base = "sha256:" + strings.Repeat("0", 64) })
	}, `base is "sha256:0000`},
	{"another start, in both", func(p *parcelled) {
		p.adapterManifest(func(m *exchange.Manifest) { m.Base = "sha256:" + strings.Repeat("0", 64) })
		p.refit()
		p.edit(func(m *parcel.Manifest) { m.Adapter.Base = "sha256:" + strings.Repeat("0", 64) })
	}, `says that it started from weights of fingerprint`},
	{"another plan, in both", func(p *parcelled) {
		p.adapterManifest(func(m *exchange.Manifest) { m.Plan = crashtest.Plan(p.t, "0* 1* 1 2") })
		p.refit()
		p.edit(func(m *parcel.Manifest) { m.Plan = crashtest.Plan(p.t, "0* 1* 1 2") })
	}, `says that its plan is "0* 1* 1 2"`},
	{"everything trained", func(p *parcelled) { p.adapterManifest(func(m *exchange.Manifest) { m.Whole = true }); p.refit() }, `says that everything was trained`},
	{"another form", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Adapter.Form = "surprise" }) }, `form is "surprise"`},
	{"a tensor that it does not list", func(p *parcelled) { p.edit(func(m *parcel.Manifest) { m.Adapter.Expected = m.Adapter.Expected[1:] }) }, `is too many`},
	{"weights of another fingerprint", func(p *parcelled) {
		p.adapterManifest(func(m *exchange.Manifest) { m.Weights = "sha256:" + strings.Repeat("0", 64) })
		p.refit()
	}, `the weights have fingerprint`},
	{"a file that no adapter has", func(p *parcelled) { p.write(p.payload("notes.txt"), "x"); p.refit() }, `notes.txt: an adapter has no such file`},
	{"no adapter at all", func(p *parcelled) { p.remove(p.payload("adapter.json")); p.refit() }, `adapter.json`},
	{"a header that lies", func(p *parcelled) {
		p.replace(p.payload("adapter.safetensors"), `"shape":[48]`, `"shape":[99]`)
		p.reseal()
	}, `adapter.safetensors`},
}

const fc1 = "model.decoder.layers.0.fc1.bias"

// far moves each weight by ten.
func far(v map[string]value) {
	for _, t := range v {
		for i := range t.values {
			t.values[i] += 10
		}
	}
}

func (p *parcelled) remove(path string) {
	p.t.Helper()
	must(p.t, os.Remove(path))
}

// linked puts a file elsewhere and a link to it in its place.
func (p *parcelled) linked(path string, link func(from, to string) error) {
	p.t.Helper()
	elsewhere := filepath.Join(p.dir, "elsewhere")
	must(p.t, os.Rename(path, elsewhere))
	must(p.t, link(elsewhere, path))
}

func (p *parcelled) flip(path string) {
	p.t.Helper()
	data := []byte(p.read(path))
	data[len(data)/2] ^= 1
	p.write(path, string(data))
}

// TestHostilePackagesAreRefused: each with its path and a reason in one line, nothing is
// applied or kept of it; and the package that it was made of is accepted after it, to the
// bit.
func TestHostilePackagesAreRefused(t *testing.T) {
	h := newHouses(t)
	count := 0
	for _, kind := range []struct {
		pkg  string
		list []hostile
		good map[string]string
	}{
		{h.emulator, slices.Concat(anyKind, special, emulators), h.unpacked},
		{h.adapter, slices.Concat(anyKind, special, adapters), h.plugged},
	} {
		for _, bad := range kind.list {
			count++
			t.Run(filepath.Base(kind.pkg)+"/"+bad.name, func(t *testing.T) { h.refuses(t, kind.pkg, bad, kind.good) })
		}
	}
	if count < 100 {
		t.Errorf("only %d packages", count)
	}
}

// refuses makes a package worse in the houses' own directory, and then takes the good one.
func (h *houses) refuses(t *testing.T, pkg string, bad hostile, good map[string]string) {
	work := t.TempDir()
	copyDir(t, filepath.Join(work, "owner"), filepath.Join(h.dir, "owner"))
	here := *h
	here.t, here.dir, here.receipt = t, work, filepath.Join(work, "owner", "emulator.receipt.json")
	p := &parcelled{houses: &here, pkg: filepath.Join(work, "from "+filepath.Base(pkg))}
	copyDir(t, p.pkg, pkg)
	before := contents(t, filepath.Join(work, "owner"))
	bad.make(p)
	if p.after != nil {
		defer p.after()
	}
	out, err := here.accept(p.pkg, p.trusted, false)
	switch {
	case err == nil:
		t.Error("accepted")
	case !strings.Contains(err.Error(), p.pkg) || !strings.Contains(err.Error(), bad.want) || strings.ContainsAny(err.Error(), "\n\x1b\x00"):
		t.Errorf("%q: want one line with %q and %q", err, p.pkg, bad.want)
	}
	if _, err := os.Lstat(out); err == nil {
		t.Error("something was written")
	}
	if left, err := filepath.Glob(filepath.Join(work, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if after := contents(t, filepath.Join(work, "owner")); !maps.Equal(before, after) {
		t.Error("the owner's files changed")
	}
	if _, err := parcel.Inspect(p.pkg, p.trusted); err != nil && strings.ContainsAny(err.Error(), "\n\x1b\x00") {
		t.Errorf("inspect: %q", err)
	}
	if cases.Few() && len(bad.name)%4 > 0 { // the twins of some: each is the same package
		return
	}
	if out, err = here.accept(pkg, parcel.Trusting{}, false); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(contents(t, out), good) {
		t.Error("the good one has other bytes")
	}
}
