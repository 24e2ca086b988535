package tokenizer

import (
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/quick"
	"unicode/utf8"
)

func tiny(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := FromJSON(testdata(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestByteLevelRoundTrip: a byte-level tokenizer gives back every text.
func TestByteLevelRoundTrip(t *testing.T) {
	tok := tiny(t, "byte.json")
	same := func(s string) bool { return tok.Decode(tok.Encode(s, false), false) == s }
	if err := quick.Check(same, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
	for _, s := range readGolden(t).texts() {
		if !same(s) {
			t.Fatalf("Decode(Encode(%q)) = %q", s, tok.Decode(tok.Encode(s, false), false))
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("it's  1234\n\n", false)
	f.Add("<s>\xff\xfe é\x00", true)
	tok := tiny(f, "byte.json")
	f.Fuzz(func(t *testing.T, s string, special bool) {
		want := replaceInvalid(s)
		if special {
			want = s
			if !utf8.ValidString(s) {
				t.Skip("only valid text comes back as it is")
			}
		}
		if got := tok.Decode(tok.Encode(s, false), false); got != want {
			t.Errorf("Decode(Encode(%q)) = %q", s, got)
		}
	})
}

// TestInvalidUTF8: one U+FFFD for each maximal ill-formed part, as Python's
// bytes.decode(errors="replace") gives.
func TestInvalidUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"a\xffb":                   "a\ufffdb",
		"\xff\xff":                 "\ufffd\ufffd",
		"\xe2\x82":                 "\ufffd",
		"\xe2\x82a":                "\ufffda",
		"\xf0\x9f\x98 \xf0\x9f":    "\ufffd \ufffd",
		"\xed\xa0\x80":             "\ufffd\ufffd\ufffd", // a surrogate
		"\xc0\xaf":                 "\ufffd\ufffd",
		"\xe0\x80\xaf":             "\ufffd\ufffd\ufffd",
		"\xf0\x80\x80\xaf":         "\ufffd\ufffd\ufffd\ufffd",
		"\xf4\x90\x80\x80":         "\ufffd\ufffd\ufffd\ufffd",
		"\xc2":                     "\ufffd",
		"\u00e9\xc3":               "é\ufffd",
		"\xf0\x90\x80\xf0\x90\x80": "\ufffd\ufffd",
	} {
		if got := replaceInvalid(in); got != want {
			t.Errorf("replaceInvalid(%q) = %q, want %q", in, got, want)
		}
		tok := tiny(t, "byte.json")
		if got := tok.Encode(in, false); !slices.Equal(got, tok.Encode(want, false)) {
			t.Errorf("Encode(%q) differs from Encode(%q)", in, want)
		}
	}
}

// TestMergeOrders: the scan for short words and the heap for long ones are
// the same function.
func TestMergeOrders(t *testing.T) {
	m := tiny(t, "byte.json").model
	ws := &workspace{}
	for seed := range uint64(3000) {
		var ids []int32
		for x := bits.Reverse64((seed + 1) * 0x9e3779b97f4a7c15); x > 0; x /= 7 {
			ids = append(ids, m.byteID["eth ins"[x%7]])
		}
		long := m.mergeLong(nil, ids, ws)
		if short := m.mergeShort(slices.Clone(ids), ws); !slices.Equal(short, long) {
			t.Fatalf("ids %v merge to %v by scan and %v by heap", ids, short, long)
		}
	}
}

// TestLongWord: two million bytes without a place to cut; a quadratic merge
// would not come to an end.
func TestLongWord(t *testing.T) {
	text := strings.Repeat("thequickbrownfox", 1<<17)
	for _, name := range []string{"byte.json", "meta.json"} {
		tok := tiny(t, name)
		ids := tok.Encode(text, false)
		if got := tok.Decode(ids, false); got != text {
			t.Errorf("%s: a long word of %d bytes comes back with %d", name, len(text), len(got))
		}
		if len(ids) >= len(text) {
			t.Errorf("%s: nothing was merged: %d ids", name, len(ids))
		}
	}
}

// TestConcurrentEncode: the pooled caches of one Tokenizer do not mix.
func TestConcurrentEncode(t *testing.T) {
	texts := readGolden(t).texts()[:600]
	for _, name := range []string{"byte.json", "meta.json"} {
		tok := tiny(t, name)
		want := make([][]int32, len(texts))
		for i, s := range texts {
			want[i] = tiny(t, name).Encode(s, true)
			if i%100 > 20 { // a fresh tokenizer now and then is enough
				want[i] = tok.Encode(s, true)
			}
		}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range texts {
					i = (i*7 + w*31) % len(texts)
					if got := tok.Encode(texts[i], true); !slices.Equal(got, want[i]) {
						t.Errorf("%s: Encode(%q) = %v, want %v", name, texts[i], got, want[i])
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestCacheOverflow: more different words than the cache keeps.
func TestCacheOverflow(t *testing.T) {
	tok := tiny(t, "byte.json")
	var text strings.Builder
	for i := range cachedWords + 100 {
		fmt.Fprintf(&text, " w%x", i)
	}
	fresh, full := tok.Encode(text.String(), false), tok.Encode(text.String(), false)
	if !slices.Equal(fresh, full) {
		t.Error("the second Encode of a text differs from the first")
	}
	ws := tok.pool.Get().(*workspace)
	if len(ws.cache) > cachedWords || len(ws.arena) > cachedIDs+cachedWordSize {
		t.Errorf("the cache keeps %d words and %d ids", len(ws.cache), len(ws.arena))
	}
}

func TestAccessors(t *testing.T) {
	tok, err := FromGGUF(tinyMeta(t, "gpt-2"))
	if err != nil {
		t.Fatal(err)
	}
	bos, _ := tok.BOS()
	eos, _ := tok.EOS()
	pad, _ := tok.Pad()
	if _, has := tok.Unk(); bos != 0 || eos != 2 || pad != 1 || has {
		t.Errorf("BOS %d EOS %d Pad %d Unk %t, want 0 2 1 false", bos, eos, pad, has)
	}
	if id, ok := tok.ID("</s>"); id != 2 || !ok || tok.Token(2) != "</s>" || tok.Token(-1) != "" || tok.Token(9999) != "" || !tok.IsSpecial(2) || tok.IsSpecial(40) {
		t.Error("Token and ID disagree about </s>")
	}
	if got := tok.Decode([]int32{-5, 9999, 2, 40}, true); got != tok.Token(40) {
		t.Errorf("Decode of ids outside the vocabulary and a special one: %q", got)
	}
	if tok.VocabSize() != 420 || len(tok.Added()) != 7 {
		t.Errorf("%d tokens, %d added, want 420 and 7", tok.VocabSize(), len(tok.Added()))
	}
}

func TestLoadErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"empty":        {nil, "no tokenizer: want tokenizer.json"},
		"no merges":    {map[string]string{"vocab.json": "{}"}, "merges.txt"},
		"bad merges":   {map[string]string{"vocab.json": `{"a":0}`, "merges.txt": "#version: 0.2\na b c\n"}, "merge 0"},
		"bad vocab":    {map[string]string{"vocab.json": `{"a":"x"}`, "merges.txt": ""}, `vocab.json["a"]`},
		"bad config":   {map[string]string{"tokenizer_config.json": `[]`}, "tokenizer_config.json"},
		"bad role":     {map[string]string{"tokenizer_config.json": `{"bos_token":{"content":5}}`}, "tokenizer_config.json.bos_token.content"},
		"bad table":    {map[string]string{"tokenizer_config.json": `{"added_tokens_decoder":{"-1":{}}}`}, `bad id "-1"`},
		"bad model":    {map[string]string{"tokenizer.model": "xx"}, "tokenizer.model"},
		"bad json":     {map[string]string{"tokenizer.json": "{"}, "tokenizer.json: json: byte 1"},
		"empty merges": {map[string]string{"vocab.json": `{"a":0}`, "merges.txt": "#version: 0.2\n\n"}, "merge 0"},
	} {
		dir := t.TempDir()
		for file, content := range c.files {
			write(t, dir, file, []byte(content))
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v, want the directory and %q in it", name, err, c.want)
		}
	}
	if _, err := Load(t.TempDir() + "/absent"); err == nil {
		t.Error("an absent directory loads")
	}
	if _, err := readFile(os.TempDir()); err == nil {
		t.Error("a directory is read as a file")
	}
}
