package parcel_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/parcel"
	"lamina/internal/cases"
)

// vector reads a file that minisign wrote.
func vector(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "minisign", name))
	must(t, err)
	return data
}

func pinned(t *testing.T, path, house string) parcel.Trusting {
	t.Helper()
	trusted, err := parcel.ReadTrust(path)
	must(t, err)
	trusted.Keys[0].House = house
	return trusted
}

// TestMinisign: keys and signatures that minisign 0.11 wrote, in both of its forms.
func TestMinisign(t *testing.T) {
	message := vector(t, "message")
	plain := pinned(t, "testdata/minisign/plain.pub", "plain")
	for _, name := range []string{"prehashed.minisig", "legacy.minisig"} {
		text := vector(t, name)
		s, err := parcel.CheckSignature(name, message, text, plain)
		if err != nil || s.State != parcel.Verified || s.House != "plain" ||
			s.Comment != "lamina emulator exchange=000102030405060708090a0b0c0d0e0f sequence=1" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if s, err := parcel.CheckSignature(name, message, text, parcel.Trusting{}); err != nil || s.State != parcel.Unknown || s.Comment != "" {
			t.Errorf("%s without a key: %+v, %v", name, s, err)
		}
		refused := func(what string, message, text []byte, trusted parcel.Trusting) {
			t.Helper()
			s, err := parcel.CheckSignature(name, message, text, trusted)
			if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: %+v, %v", name, what, s, err)
			}
		}
		refused("another key", message, text, pinned(t, "testdata/minisign/password.pub", "other"))
		for at := range message {
			bad := bytes.Clone(message)
			bad[at] ^= 1
			refused("a changed byte of the message", bad, text, plain)
		}
		// The untrusted comment is nobody's word, and nobody is shown it.
		free := text[len("untrusted comment: "):bytes.IndexByte(text, '\n')]
		for at := range text {
			if in := at - len("untrusted comment: "); in >= 0 && in < len(free) {
				continue
			}
			for bit := range 8 {
				bad := bytes.Clone(text)
				bad[at] ^= 1 << bit
				refused("a changed bit of the signature", message, bad, plain)
			}
		}
		refused("cut", message, text[:len(text)-2], plain)
		refused("lengthened", message, append(bytes.Clone(text), '\n'), plain)
		refused("empty", message, []byte{}, plain)
	}
	if _, err := parcel.CheckSignature("x.minisig", message, nil, plain); err == nil || !strings.Contains(err.Error(), "is not signed") {
		t.Errorf("unsigned, with a key: %v", err)
	}
	if s, err := parcel.CheckSignature("x.minisig", message, nil, parcel.Trusting{}); err != nil || s.State != parcel.Unsigned {
		t.Errorf("unsigned, without a key: %+v, %v", s, err)
	}
}

// TestKeyIDDecidesNothing: a key that claims the id of the one that signed.
func TestKeyIDDecidesNothing(t *testing.T) {
	raw := func(name string) []byte {
		lines := strings.Split(strings.TrimSpace(string(vector(t, name))), "\n")
		data, err := base64.StdEncoding.DecodeString(lines[1])
		must(t, err)
		return data
	}
	mine, other := raw("plain.pub"), raw("password.pub")
	copy(other[2:10], mine[2:10])
	key, err := parcel.PublicKeyOf(base64.StdEncoding.EncodeToString(other))
	must(t, err)
	_, err = parcel.CheckSignature("m.minisig", vector(t, "message"), vector(t, "prehashed.minisig"), parcel.Trusting{Keys: []parcel.Pinned{{House: "false", Key: key}}})
	if err == nil || !strings.Contains(err.Error(), "not that of") {
		t.Errorf("%v", err)
	}
}

// TestSecretKeysOfMinisign: one without a password, and one that is encrypted as minisign
// does, which takes 1 GiB.
func TestSecretKeysOfMinisign(t *testing.T) {
	none := func() (string, error) { return "", errors.New("nobody is there to ask") }
	check := func(name string, password func() (string, error)) error {
		key, err := parcel.ReadSecretKey("testdata/minisign/"+name+".key", password)
		if err != nil {
			return err
		}
		message := vector(t, "message")
		text := parcel.Sign(key, message, parcel.Manifest{Kind: "adapter", Exchange: "e", Sequence: 3})
		s, err := parcel.CheckSignature("s", message, text, pinned(t, "testdata/minisign/"+name+".pub", name))
		if err == nil && s.Comment != "lamina adapter exchange=e sequence=3" {
			t.Errorf("comment %q", s.Comment)
		}
		return err
	}
	if err := check("plain", none); err != nil {
		t.Error(err)
	}
	if err := check("password", none); err == nil || !strings.Contains(err.Error(), "nobody is there") {
		t.Errorf("without a password: %v", err)
	}
	if cases.Few() {
		t.Skip("1 GiB and a second for each password: with LAMINA_TESTS=whole")
	}
	if err := check("password", func() (string, error) { return "between two houses", nil }); err != nil {
		t.Error(err)
	}
}

// TestWrongPassword on a key that says it takes little memory, since one derivation of 1 GiB
// is enough.
func TestWrongPassword(t *testing.T) {
	first, second, _ := strings.Cut(strings.TrimSpace(string(vector(t, "password.key"))), "\n")
	raw, err := base64.StdEncoding.DecodeString(second)
	must(t, err)
	binary.LittleEndian.PutUint64(raw[6+32:], 1<<15)   // operations
	binary.LittleEndian.PutUint64(raw[6+32+8:], 1<<24) // bytes
	path := filepath.Join(t.TempDir(), "password.key")
	must(t, os.WriteFile(path, []byte(first+"\n"+base64.StdEncoding.EncodeToString(raw)+"\n"), 0o600))
	_, err = parcel.ReadSecretKey(path, func() (string, error) { return "between two horses", nil })
	refused(t, "another password", err, path, "not to be decrypted: the password is another")
}

// TestMinisignSignsAPackage: manifest.json signed by the program itself, in both of its forms,
// with the words that bind the package, and without.
func TestMinisignSignsAPackage(t *testing.T) {
	if _, err := exec.LookPath("minisign"); err != nil {
		t.Skip("minisign is not installed")
	}
	h := newHouses(t)
	m, err := parcel.ParseManifest(readFile(t, filepath.Join(h.adapter, "manifest.json")))
	must(t, err)
	key, err := filepath.Abs("testdata/minisign/plain.key")
	must(t, err)
	plain := pinned(t, "testdata/minisign/plain.pub", "plain")
	sign := func(more ...string) {
		t.Helper()
		cmd := exec.Command("minisign", append([]string{"-S", "-s", key, "-m", "manifest.json"}, more...)...)
		cmd.Dir = h.adapter
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	words := parcel.Comment(m)
	sign()
	_, err = h.accept(h.adapter, plain, false)
	refused(t, "minisign's own comment", err, h.adapter, fmt.Sprintf("the manifest is that of %q", words))
	for _, form := range [][]string{{"-t", words}, {"-t", words, "-l"}} {
		sign(form...)
		out, err := h.accept(h.adapter, plain, true)
		must(t, err)
		if !maps.Equal(contents(t, out), h.plugged) {
			t.Errorf("%v: other bytes", form)
		}
		must(t, os.RemoveAll(out))
	}
}

// TestHouseChangesItsKey: for a time both are pinned, then the old one is not.
func TestHouseChangesItsKey(t *testing.T) {
	h := newHouses(t)
	at := func(name string) string { return filepath.Join(h.dir, name) }
	list := ""
	packages := map[string]string{}
	for _, name := range []string{"old", "new"} {
		pub, err := parcel.NewKey(at(name), "")
		must(t, err)
		list += "north " + pub.String() + "\n"
		key, err := parcel.ReadSecretKey(at(name+".key"), nil)
		must(t, err)
		packages[name] = at(name + " to-owner")
		must(t, ignore(parcel.PackAdapter(filepath.Join(h.dir, "trainer", "run"), h.open(filepath.Join(h.dir, "trainer", "emulator")), packages[name],
			parcel.PackOptions{Key: key, Date: onDate, Version: "v0"})))
	}
	trust := func(text string) parcel.Trusting {
		must(t, os.WriteFile(at("trusted"), []byte(text), 0o644))
		trusted, err := parcel.ReadTrust(at("trusted"))
		must(t, err)
		return trusted
	}
	both, line := trust(list), strings.Index(list, "\n")+1
	for name, pkg := range packages {
		p, err := parcel.Open(pkg, both)
		if err != nil || p.Signature.House != "north" {
			t.Errorf("%s, with both pinned: %v", name, err)
		}
	}
	after := trust(list[line:] + "south " + strings.Fields(list)[1] + "\n")
	_, err := parcel.Open(packages["new"], after)
	must(t, err)
	north, err := after.From("north")
	must(t, err)
	_, err = parcel.Open(packages["old"], north)
	refused(t, "by the old key", err, packages["old"], "the pinned keys are others (north ")
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// TestOursAtMinisign: what we write is read by the program itself.
func TestOursAtMinisign(t *testing.T) {
	if _, err := exec.LookPath("minisign"); err != nil {
		t.Skip("minisign is not installed")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	minisign := func(args ...string) {
		t.Helper()
		out, err := exec.Command("minisign", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("minisign %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	pub, err := parcel.NewKey(at("ours"), "")
	must(t, err)
	key, err := parcel.ReadSecretKey(at("ours.key"), nil)
	must(t, err)
	message := vector(t, "message")
	must(t, os.WriteFile(at("m"), message, 0o644))
	must(t, os.WriteFile(at("m.minisig"), parcel.Sign(key, message, parcel.Manifest{Kind: "adapter", Exchange: "e", Sequence: 3}), 0o644))
	minisign("-V", "-p", at("ours.pub"), "-m", at("m"))
	minisign("-V", "-P", pub.String(), "-m", at("m"))

	// And its signature by our key is read by us.
	minisign("-S", "-s", at("ours.key"), "-m", at("m"), "-x", at("theirs.minisig"))
	text, err := os.ReadFile(at("theirs.minisig"))
	must(t, err)
	if s, err := parcel.CheckSignature("theirs", message, text, pinned(t, at("ours.pub"), "ours")); err != nil || s.State != parcel.Verified {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestNewKey replaces nothing, and its secret half is its owner's alone.
func TestNewKey(t *testing.T) {
	name := filepath.Join(t.TempDir(), "house")
	pub, err := parcel.NewKey(name, "")
	must(t, err)
	if again, err := parcel.NewKey(name, ""); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("%v, %v", again, err)
	}
	if info, err := os.Stat(name + ".key"); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	trusted, err := parcel.ReadTrust(name + ".pub")
	if err != nil || trusted.Keys[0].House != "house" || trusted.Keys[0].Key.String() != pub.String() {
		t.Errorf("%+v, %v", trusted, err)
	}
}

// TestTrustFiles: lists of keys, and what is none.
func TestTrustFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trusted")
	key := strings.Fields(strings.SplitN(string(vector(t, "plain.pub")), "\n", 2)[1])[0]
	read := func(text string) (parcel.Trusting, error) {
		must(t, os.WriteFile(path, []byte(text), 0o644))
		return parcel.ReadTrust(path)
	}
	trusted, err := read("# whom we know\n\nnorth " + key + " # since May\nsouth " + key + "\r\n")
	if err != nil || len(trusted.Keys) != 2 || trusted.Keys[1].House != "south" {
		t.Errorf("%+v, %v", trusted, err)
	}
	if of, err := trusted.From("south"); err != nil || len(of.Keys) != 1 {
		t.Errorf("%+v, %v", of, err)
	}
	if _, err := trusted.From("west"); err == nil || !strings.Contains(err.Error(), `"west"`) {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{
		"":                         "has no key",
		"# nobody\n":               "has no key",
		key + "\n":                 ":1: want",
		"north " + key + " more\n": ":1: want",
		"no/rth " + key + "\n":     ":1: want",
		"\nnorth x\n":              ":2: no public key",
		"untrusted comment: minisign encrypted secret key\nRWQAAEIyAA\n": "no public key",
	} {
		if _, err := read(text); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if trusted, err := parcel.ReadTrust(parcel.TrustNone); err != nil || len(trusted.Keys) > 0 {
		t.Errorf("%+v, %v", trusted, err)
	}
}
