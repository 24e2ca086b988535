package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lamina/internal/cases"
)

// families.json is made by gen_families.py, which says what each part is.
type families struct {
	More         []string
	Mixed, Block int
	Families     map[string]struct {
		Base           string
		Patch          map[string]json.RawMessage
		Plain, Special []string
	}
	Patches, Dirs []string
	Patterns      map[string]string // to the digest of the pieces
	Real          map[string][]string
	Classes       []struct {
		Files map[string]json.RawMessage
		Roles []string // BOS, EOS, Pad, Unk
		Want  string
	}
}

func readFamilies(t testing.TB) (*families, []string) {
	t.Helper()
	f, g := &families{}, readGolden(t)
	if err := json.Unmarshal(testdata(t, "families.json"), f); err != nil {
		t.Fatal(err)
	}
	return f, slices.Concat(g.Hand, mixed(99, f.Mixed, 16, slices.Concat(g.Fragments, f.More)), g.Points)
}

// offsetDigests repeats gen_families.py: digests.
func offsetDigests(tok *Tokenizer, texts []string, block int, special bool) []string {
	var out []string
	for part := range slices.Chunk(texts, block) {
		h := sha256.New()
		for _, text := range part {
			fmt.Fprintln(h, offsetLine(tok, text, special))
		}
		out = append(out, hex.EncodeToString(h.Sum(nil))[:16])
	}
	return out
}

func offsetLine(tok *Tokenizer, text string, special bool) string {
	ids, spans, err := tok.EncodeOffsets(text, special)
	if err != nil {
		return err.Error()
	}
	var line []string
	for i, id := range ids {
		line = append(line, fmt.Sprintf("%d:%d-%d", id, spans[i].From, spans[i].To))
	}
	return strings.Join(line, ",")
}

// TestFamiliesAgreeWithReference: ids and offsets of more than 2,000 texts in
// the configuration of each family.
func TestFamiliesAgreeWithReference(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	f, texts := readFamilies(t)
	if len(texts) < 2000 {
		t.Fatalf("only %d texts", len(texts))
	}
	for name, family := range f.Families {
		t.Run(name, func(t *testing.T) {
			tok, err := FromJSON(patched(t, family.Base, family.Patch))
			if err != nil {
				t.Fatal(err)
			}
			for special, want := range map[bool][]string{false: family.Plain, true: family.Special} {
				got := offsetDigests(tok, texts, f.Block, special)
				if len(got) != len(want) {
					t.Fatalf("%d blocks, want %d", len(got), len(want))
				}
				for i := range got {
					if got[i] != want[i] {
						t.Errorf("special %t: ids or offsets of texts %d to %d differ from the reference's", special, i*f.Block, (i+1)*f.Block)
					}
				}
			}
			for _, text := range texts {
				if ids, _, _ := tok.EncodeOffsets(text, true); !slices.Equal(ids, tok.Encode(text, true)) {
					t.Fatalf("EncodeOffsets(%q) has other ids than Encode", text)
				}
			}
		})
	}
}

// checkPublished compares ids and offsets of a published vocabulary.
func checkPublished(t *testing.T, name string, tok *Tokenizer) {
	t.Helper()
	f, texts := readFamilies(t)
	if got := offsetDigests(tok, texts, f.Block, true); !slices.Equal(got, f.Real[name]) {
		t.Errorf("%s: ids or offsets differ from the reference's", name)
	}
}

// TestOffsetsAgreeWithReference: the cases of golden.json again, for offsets.
func TestOffsetsAgreeWithReference(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	f, texts := readFamilies(t)
	g := readGolden(t)
	check := func(name string, tok *Tokenizer, err error, want string) {
		if err != nil {
			t.Fatal(err)
		}
		if got := offsetDigests(tok, texts, len(texts), true); got[0] != want {
			t.Errorf("%s: ids or offsets differ from the reference's", name)
		}
	}
	for i, p := range g.Patches {
		if (i+1)%cases.Each(3) != 0 {
			continue
		}
		tok, err := FromJSON(patched(t, p.Base, p.Patch))
		check(fmt.Sprintf("patch %d", i), tok, err, f.Patches[i])
	}
	for i, d := range g.Dirs {
		if (i+1)%cases.Each(3) != 0 {
			continue
		}
		tok, err := Load(goldenDir(t, d.Files))
		check(fmt.Sprintf("directory %d", i), tok, err, f.Dirs[i])
	}
}

// TestClassesAgreeWithReference: what the classes of tokenizer_config.json add
// to their files, and which class a directory that names none gets.
func TestClassesAgreeWithReference(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	f, texts := readFamilies(t)
	for i, c := range f.Classes {
		if i%cases.Each(3) != 0 {
			continue
		}
		if string(c.Files["tokenizer.json"]) == `"@bloom"` {
			bloom := f.Families["bloom"]
			c.Files["tokenizer.json"] = patched(t, bloom.Base, bloom.Patch)
		}
		config := string(c.Files["tokenizer_config.json"])
		if string(c.Files["tokenizer_config.json"]) != "" {
			config = strings.Replace(config, `"tokenizer_class":null`, `"other":null`, 1)
			c.Files["tokenizer_config.json"] = []byte(config)
		}
		tok, err := Load(goldenDir(t, c.Files))
		if err != nil {
			t.Errorf("%d %s: %v", i, config, err)
			continue
		}
		r := tok.Roles()
		if got := []string{r.BOS, r.EOS, r.Pad, r.Unk}; !slices.Equal(got, c.Roles) {
			t.Errorf("%d %s: roles %q, want %q", i, config, got, c.Roles)
		}
		if got := offsetDigests(tok, texts, len(texts), true); got[0] != c.Want {
			t.Errorf("%d %s: ids or offsets differ from the reference's", i, config)
		}
		back := rewritten(t, tok)
		if back.Roles() != r || offsetDigests(back, texts, len(texts), true)[0] != c.Want {
			t.Errorf("%d %s: what was written and read again differs", i, config)
		}
	}
}
