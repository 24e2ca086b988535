package tokenizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lamina/internal/cases"
)

// golden.json is made by gen_golden.py, which says what each part is.
type golden struct {
	Hand, Fragments, Points []string
	Mixed                   int
	Patches                 []struct {
		Base  string
		Patch map[string]json.RawMessage
		Want  record
	}
	Dirs []struct {
		Files map[string]json.RawMessage
		Want  record
	}
	Real map[string]struct {
		Sub    string
		Files  []string
		Config json.RawMessage
		Want   record
	}
}

// A record is what the reference made of all texts: digests of its ids and
// texts, and the ids of every keep-th hand-made text.
type record struct {
	Plain, Special, Decoded, Skipped string
	Probe                            [][]int32
	Keep                             int
}

func readGolden(t testing.TB) *golden {
	t.Helper()
	g := &golden{}
	if err := json.Unmarshal(testdata(t, "golden.json"), g); err != nil {
		t.Fatal(err)
	}
	return g
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// texts repeats the texts of gen_golden.py.
func (g *golden) texts() []string {
	return slices.Concat(g.Hand, mixed(7, g.Mixed, 24, g.Fragments), g.Points)
}

// mixed repeats the generator of gen_golden.py: count texts of 1 to most
// fragments.
func mixed(seed uint64, count, most int, fragments []string) []string {
	below := func(n int) int {
		seed = seed*6364136223846793005 + 1442695040888963407
		return int((seed >> 33) % uint64(n))
	}
	var out []string
	for range count {
		var text strings.Builder
		for range below(most) + 1 {
			text.WriteString(fragments[below(len(fragments))])
		}
		out = append(out, text.String())
	}
	return out
}

func (g *golden) check(t *testing.T, tok *Tokenizer, want record) {
	t.Helper()
	for i, k := 0, 0; i < len(g.Hand); i++ {
		if i%want.Keep != 12%want.Keep {
			continue
		}
		if got := tok.Encode(g.Hand[i], false); !slices.Equal(got, want.Probe[k]) {
			t.Errorf("Encode(%q) = %v, want %v", g.Hand[i], got, want.Probe[k])
		}
		k++
	}
	plain, special, decoded, skipped := sha256.New(), sha256.New(), sha256.New(), sha256.New()
	for _, text := range g.texts() {
		ids := tok.Encode(text, false)
		all := tok.Encode(text, true)
		plain.Write(listed(ids))
		special.Write(listed(all))
		back, short := tok.Decode(ids, false), tok.Decode(all, true)
		fmt.Fprintf(decoded, "%d:%s", len(back), back)
		fmt.Fprintf(skipped, "%d:%s", len(short), short)
	}
	for _, d := range []struct{ what, got, want string }{
		{"ids", hex.EncodeToString(plain.Sum(nil)), want.Plain},
		{"ids with the template's", hex.EncodeToString(special.Sum(nil)), want.Special},
		{"decoded texts", hex.EncodeToString(decoded.Sum(nil)), want.Decoded},
		{"decoded texts without specials", hex.EncodeToString(skipped.Sum(nil)), want.Skipped},
	} {
		if d.got != d.want {
			t.Errorf("%s differ from the reference's over %d texts: digest %s, want %s", d.what, len(g.texts()), d.got, d.want)
		}
	}
}

// listed writes ids as gen_golden.py hashes them.
func listed(ids []int32) []byte {
	var line []byte
	for i, id := range ids {
		if i > 0 {
			line = append(line, ',')
		}
		line = strconv.AppendInt(line, int64(id), 10)
	}
	return append(line, '\n')
}

// rewritten returns the tokenizer that reads what tok writes.
func rewritten(t *testing.T, tok *Tokenizer) *Tokenizer {
	t.Helper()
	dir := t.TempDir()
	var text, again, config bytes.Buffer
	if err := tok.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	if err := tok.WriteConfig(&config, 2048); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "tokenizer.json", text.Bytes())
	write(t, dir, "tokenizer_config.json", config.Bytes())
	back, err := Load(dir)
	if err != nil {
		t.Fatalf("what WriteJSON wrote does not load: %v", err)
	}
	if err := back.WriteJSON(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text.Bytes(), again.Bytes()) {
		t.Error("writing, loading and writing again gives other bytes")
	}
	return back
}

func write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// patched sets members of a tokenizer.json as gen_golden.py does.
func patched(t testing.TB, base string, patch map[string]json.RawMessage) []byte {
	t.Helper()
	decode := func(text []byte, to any) {
		if err := json.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
	}
	encode := func(v any) json.RawMessage {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var state map[string]json.RawMessage
	decode(testdata(t, base+".json"), &state)
	for key, value := range patch {
		switch key {
		case "added+":
			var have, more []json.RawMessage
			decode(state["added_tokens"], &have)
			decode(value, &more)
			state["added_tokens"] = encode(append(have, more...))
		case "model":
			var model, change map[string]json.RawMessage
			decode(state["model"], &model)
			decode(value, &change)
			for k, v := range change {
				model[k] = v
			}
			state["model"] = encode(model)
		default:
			state[key] = value
		}
	}
	return encode(state)
}

func TestTokenizerJSONAgreesWithReference(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	g := readGolden(t)
	for i, p := range g.Patches {
		if i%cases.Each(3) != 0 {
			continue
		}
		t.Run(fmt.Sprintf("%d-%s", i, p.Base), func(t *testing.T) {
			tok, err := FromJSON(patched(t, p.Base, p.Patch))
			if err != nil {
				t.Fatal(err)
			}
			g.check(t, tok, p.Want)
			if !t.Failed() {
				g.check(t, rewritten(t, tok), p.Want)
			}
		})
	}
}

// goldenDir writes the files of a case: their text, or @ and a file of testdata.
func goldenDir(t testing.TB, files map[string]json.RawMessage) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if content[0] == '"' {
			content = testdata(t, strings.Trim(string(content), `"@`))
		}
		write(t, dir, name, content)
	}
	return dir
}

func TestLoadAgreesWithReference(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	g := readGolden(t)
	for i, d := range g.Dirs {
		if i%cases.Each(3) != 0 {
			continue
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			tok, err := Load(goldenDir(t, d.Files))
			if err != nil {
				t.Fatal(err)
			}
			g.check(t, tok, d.Want)
			if !t.Failed() {
				g.check(t, rewritten(t, tok), d.Want)
			}
		})
	}
}

func TestPublishedVocabulariesAgreeWithReference(t *testing.T) {
	g := readGolden(t)
	for name, r := range g.Real {
		t.Run(name, func(t *testing.T) {
			if name == "smollm2" {
				meta := smolMeta(t)
				tok, err := FromGGUF(meta)
				if err != nil {
					t.Fatal(err)
				}
				g.check(t, tok, r.Want)
				checkPublished(t, name, tok)
				return
			}
			from := os.Getenv("LAMINA_DATA")
			if from == "" {
				t.Skip("LAMINA_DATA is not set: the published vocabulary is not here")
			}
			dir := t.TempDir()
			for _, f := range r.Files {
				if err := os.Symlink(filepath.Join(from, r.Sub, f), filepath.Join(dir, f)); err != nil {
					t.Fatal(err)
				}
			}
			if name == "opt" { // OPT's vocabulary is known without a configuration
				bare, err := Load(dir)
				if err != nil {
					t.Fatal(err)
				}
				g.check(t, bare, r.Want)
			}
			write(t, dir, "tokenizer_config.json", r.Config)
			tok, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			g.check(t, tok, r.Want)
			g.check(t, rewritten(t, tok), r.Want)
			checkPublished(t, name, tok)
		})
	}
}
