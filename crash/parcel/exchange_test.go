package parcel_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"

	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/parcel"
	"lamina/kernels/ref"
)

// refused wants an error with the package's path and a text.
func refused(t *testing.T, what string, err error, path, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %v, want one line with %q and %q", what, err, path, want)
	}
}

// TestPackagesThatComeAgain: the same one, an older one, and the same weights in a new one.
// What is no package has nothing to show but the reason.
func TestInspectOfNoPackage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte("x"), 0o600))
	r, err := parcel.Inspect(file, parcel.Trusting{})
	if err == nil || r.Text() != "" || r.Refused != err.Error() {
		t.Errorf("a file is shown as %q, refused as %q, %v", r.Text(), r.Refused, err)
	}
}

func TestPackagesThatComeAgain(t *testing.T) {
	h := newHouses(t)
	at := func(names ...string) string { return filepath.Join(append([]string{h.dir}, names...)...) }
	again := func(pkg string) {
		t.Helper()
		out, err := h.accept(pkg, parcel.Trusting{}, true)
		if err != nil {
			t.Errorf("%s with --again: %v", pkg, err)
		}
		must(t, os.RemoveAll(out))
	}
	pack := func(out string) {
		t.Helper()
		must(t, ignore(parcel.PackAdapter(at("trainer", "run"), h.open(at("trainer", "emulator")), out, parcel.PackOptions{Date: onDate, Version: "v0"})))
	}
	out, err := h.accept(h.adapter, parcel.Trusting{}, false)
	must(t, err)
	must(t, os.RemoveAll(out))
	_, err = h.accept(h.adapter, parcel.Trusting{}, false)
	refused(t, "an adapter again", err, h.adapter, "was accepted before")
	again(h.adapter)

	pack(at("owner2"))
	_, err = h.accept(at("owner2"), parcel.Trusting{}, false)
	refused(t, "its weights in a new package", err, at("owner2"), "was plugged in before")

	e := h.open(at("trainer", "emulator"))
	train(t, e, 2e-3)
	h.save(e, at("trainer", "run"))
	pack(at("owner3"))
	out, err = h.accept(at("owner3"), parcel.Trusting{}, false)
	must(t, err)
	must(t, os.RemoveAll(out))
	_, err = h.accept(at("owner2"), parcel.Trusting{}, false)
	refused(t, "an older one", err, at("owner2"), "sequence 2, and 3 of the same exchange was accepted")
	again(at("owner2"))

	must(t, ignore(parcel.PackEmulator(h.open(at("owner", "emulator")), at("trainer2"), parcel.PackOptions{Date: onDate, Version: "v0"})))
	out, err = h.accept(at("trainer2"), parcel.Trusting{}, false)
	must(t, err)
	must(t, os.RemoveAll(out))
	_, err = h.accept(at("trainer2"), parcel.Trusting{}, false)
	refused(t, "an emulator again", err, at("trainer2"), "was accepted before")
	_, err = h.accept(h.emulator, parcel.Trusting{}, false)
	refused(t, "an older emulator", err, h.emulator, "sequence 1, and 2 of the same exchange was accepted")
	again(h.emulator)
}

// TestAcceptedIsTakenBack: every byte of every file of the model comes back; what the ledger
// notes of the adapter stays.
func TestAcceptedIsTakenBack(t *testing.T) {
	h := newHouses(t)
	p, err := parcel.Open(h.adapter, parcel.Trusting{})
	must(t, err)
	out := filepath.Join(h.dir, "out")
	done, err := p.PlugIn(context.Background(), h.full, out, parcel.PlugInOptions{Receipt: h.receipt, Undo: true})
	must(t, err)
	want := contents(t, h.full.Path)
	if maps.Equal(contents(t, out), want) {
		t.Fatal("nothing was plugged in")
	}
	book, err := os.ReadFile(done.Ledger)
	must(t, err)
	must(t, ignore(exchange.Unplug(out)))
	if got := contents(t, out); !maps.Equal(got, want) {
		t.Errorf("%d files that are not the model's %d", len(got), len(want))
	}
	if after, err := os.ReadFile(done.Ledger); err != nil || string(after) != string(book) {
		t.Errorf("the ledger changed (%v)", err)
	}
}

// TestAdapterOfAnotherExchange: another emulator of the same model, and another model.
func TestAdapterOfAnotherExchange(t *testing.T) {
	h, other := newHouses(t), newHouses(t)
	_, err := h.accept(other.adapter, parcel.Trusting{}, false)
	refused(t, "of another exchange", err, other.adapter, "was trained in another emulator")
	p, err := parcel.Open(h.adapter, parcel.Trusting{})
	must(t, err)
	t.Chdir(t.TempDir())
	_, err = p.PlugIn(context.Background(), h.open(filepath.Join(h.dir, "reference")), filepath.Join(h.dir, "out"), parcel.PlugInOptions{Receipt: h.receipt})
	refused(t, "for another model", err, h.receipt, "is of the model")
	_, err = p.PlugIn(context.Background(), other.full, filepath.Join(h.dir, "out"), parcel.PlugInOptions{})
	refused(t, "with no receipt at hand", err, p.Dir, "--receipt FILE")
	_, err = p.Unpack(ref.New(), filepath.Join(h.dir, "out"), parcel.UnpackOptions{})
	refused(t, "taken for an emulator", err, p.Dir, "carries an adapter")
	_, err = p.PlugIn(context.Background(), h.open(filepath.Join(h.dir, "owner", "emulator")), filepath.Join(h.dir, "out"), parcel.PlugInOptions{Receipt: h.receipt})
	refused(t, "into an emulator", err, filepath.Join(h.dir, "owner", "emulator"), "needs the full model")
}

// TestSignedPackages: only what a pinned key signed, and signed for this package.
func TestSignedPackages(t *testing.T) {
	h := newHouses(t)
	at := func(name string) string { return filepath.Join(h.dir, name) }
	must(t, ignore(parcel.NewKey(at("north"), "")))
	must(t, ignore(parcel.NewKey(at("south"), "")))
	key, err := parcel.ReadSecretKey(at("north.key"), nil)
	must(t, err)
	north, south := pinned(t, at("north.pub"), "north"), pinned(t, at("south.pub"), "south")
	signed := at("signed to-owner")
	made, err := parcel.PackAdapter(filepath.Join(h.dir, "trainer", "run"), h.open(filepath.Join(h.dir, "trainer", "emulator")), signed,
		parcel.PackOptions{Key: key, Date: onDate, Version: "v0"})
	must(t, err)
	signature := filepath.Join(signed, "manifest.json.minisig")

	_, err = h.accept(h.adapter, north, false)
	refused(t, "unsigned, with a key", err, h.adapter, "is not signed")
	_, err = h.accept(signed, south, false)
	refused(t, "signed by another", err, signed, "signed by a key with the id "+made.Key)
	good, err := os.ReadFile(signature)
	must(t, err)
	put := func(text []byte) { must(t, os.WriteFile(signature, text, 0o644)) }
	changed := bytes.Clone(good)
	at20 := bytes.IndexByte(changed, '\n') + 20 // in the line of the signature itself, whatever it says
	changed[at20] = map[bool]byte{true: 'B', false: 'A'}[changed[at20] == 'A']
	for what, bad := range map[string][]byte{
		"a changed signature":         changed,
		"one that is no signature":    []byte("x"),
		"one without end":             append(good[:len(good):len(good)], make([]byte, 1<<20)...),
		"a changed sequence in words": []byte(strings.Replace(string(good), "sequence=2", "sequence=3", 1)),
	} {
		put(bad)
		_, err := h.accept(signed, north, false)
		refused(t, what, err, signed, "minisig")
	}
	// Signed by the right key over the right bytes, and for another package in its words.
	var secret minisign.PrivateKey
	text, err := os.ReadFile(at("north.key"))
	must(t, err)
	must(t, secret.UnmarshalText([]byte(strings.TrimSpace(string(text)))))
	manifest, err := os.ReadFile(filepath.Join(signed, "manifest.json"))
	must(t, err)
	put(minisign.SignWithComments(secret, manifest, "lamina adapter exchange="+made.Manifest.Exchange+" sequence=9", "x"))
	_, err = h.accept(signed, north, false)
	refused(t, "a comment of another package", err, signed, "it was signed for another package")
	put(good)
	(&parcelled{houses: h, pkg: signed}).edit(func(m *parcel.Manifest) { m.Claims = map[string]string{"rows": "1000000"} })
	_, err = h.accept(signed, north, false)
	refused(t, "a changed manifest", err, signed, "the signature is not that of manifest.json")
	must(t, os.WriteFile(filepath.Join(signed, "manifest.json"), manifest, 0o644))
	if r, err := parcel.Inspect(signed, north); err != nil || r.Signature.House != "north" || len(r.Odd) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	out, err := h.accept(signed, north, false)
	must(t, err)
	if !maps.Equal(contents(t, out), h.plugged) {
		t.Error("the signed one has other bytes")
	}
}

// TestPackRefuses what the other house would, and what tells of this one's machine.
func TestPackRefuses(t *testing.T) {
	h := newHouses(t)
	at := func(names ...string) string { return filepath.Join(append([]string{h.dir}, names...)...) }
	pack := func(m *exchange.Model, opt parcel.PackOptions) error {
		opt.Date, opt.Version = onDate, "v0"
		return ignore(parcel.PackEmulator(m, at("refused"), opt))
	}
	emulator := h.open(at("owner", "emulator"))
	refused(t, "a full model", pack(h.full, parcel.PackOptions{}), at("owner", "model"), "is no emulator")
	refused(t, "a claim in capitals", pack(emulator, parcel.PackOptions{Claims: map[string]string{"Epochs": "3"}}), at("refused"), `claim "Epochs"`)
	refused(t, "a package that is there", ignore(parcel.PackEmulator(emulator, h.emulator, parcel.PackOptions{Date: onDate, Version: "v0"})), h.emulator, "exists already")
	must(t, os.Mkdir(at("mine"), 0o755))
	must(t, os.WriteFile(at("mine", "letters.txt"), []byte("x"), 0o644))
	refused(t, "over something else", ignore(parcel.PackEmulator(emulator, at("mine"), parcel.PackOptions{Date: onDate, Version: "v0", Overwrite: true})), at("mine"), "not overwritten")
	must(t, ignore(parcel.PackEmulator(emulator, h.emulator, parcel.PackOptions{Date: onDate, Version: "v0", Overwrite: true})))

	for name, text := range map[string]string{
		"tokenizer_config.json":  `{"name_or_path": "/home/ada/secret-project"}`,
		"generation_config.json": `{"auto_map": {}}`,
	} {
		model := at("model of " + name)
		copyDir(t, model, at("owner", "model"))
		must(t, os.WriteFile(filepath.Join(model, name), []byte(text), 0o644))
		full := h.open(model)
		out := at("emulator of " + name)
		must(t, ignore(full.Emulate(crashtest.Plan(t, "0* 1"), "none", out, out+".receipt.json", emulate.Options{})))
		want := map[string]string{"tokenizer_config.json": `"name_or_path" is a path of a machine: "/home/ada/secret-project"`, "generation_config.json": `"auto_map"`}[name]
		refused(t, name, pack(h.open(out), parcel.PackOptions{}), name, want)
	}
	if _, err := os.Stat(at("refused")); err == nil {
		t.Error("something was written")
	}
}

// TestNothingOfTheHouseIsInAManifest: no path, no user, no host, no time of day, and no
// digest of the full model.
func TestNothingOfTheHouseIsInAManifest(t *testing.T) {
	h := newHouses(t)
	host, _ := os.Hostname()
	receipt, err := os.ReadFile(h.receipt)
	must(t, err)
	_, model, _ := strings.Cut(string(receipt), `"model_weights": "sha256:`)
	for _, pkg := range []string{h.emulator, h.adapter} {
		text, err := os.ReadFile(filepath.Join(pkg, "manifest.json"))
		must(t, err)
		for _, secret := range []string{h.dir, filepath.Base(filepath.Dir(h.dir)), os.TempDir(), host, model[:64], "T1", ":5", "/"} {
			if secret != "" && strings.Contains(string(text), secret) {
				t.Errorf("%s: has %q", pkg, secret)
			}
		}
	}
}

// TestTensorsDigestOutlivesResharding, and nothing else.
func TestTensorsDigestOutlivesResharding(t *testing.T) {
	h := newHouses(t)
	digestOf := func(dir string, names ...string) string {
		t.Helper()
		var list []parcel.File
		for _, name := range names {
			list = append(list, parcel.File{Name: name})
		}
		all, err := parcel.TensorsOf(dir, list)
		must(t, err)
		return parcel.TensorsDigest(all)
	}
	p, err := parcel.Open(h.emulator, parcel.Trusting{})
	must(t, err)
	whole := map[string]value{}
	(&parcelled{houses: h, pkg: h.emulator}).weights("model.safetensors", func(v map[string]value) { maps.Copy(whole, v) })
	dir := t.TempDir()
	first, second := map[string]value{}, map[string]value{}
	for name, v := range whole {
		if len(name)%2 == 0 {
			first[name] = v
		} else {
			second[name] = v
		}
	}
	writeTensors(t, filepath.Join(dir, "b.safetensors"), first, nil)
	writeTensors(t, filepath.Join(dir, "a.safetensors"), second, map[string]string{"format": "pt"})
	if got := digestOf(dir, "a.safetensors", "b.safetensors"); got != p.Manifest.Tensors {
		t.Errorf("in two files %s, in one %s", got, p.Manifest.Tensors)
	}
	for name, v := range first {
		v.values[0]++
		writeTensors(t, filepath.Join(dir, "b.safetensors"), first, nil)
		if got := digestOf(dir, "a.safetensors", "b.safetensors"); got == p.Manifest.Tensors {
			t.Errorf("%s was changed", name)
		}
		break
	}
}
