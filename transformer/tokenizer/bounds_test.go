package tokenizer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/internal/heaptest"
)

// takes reports a call that allocates more than 16 times the bytes present and 64 MB.
func takes(t testing.TB, name string, present int, call func()) {
	t.Helper()
	took := heaptest.Allocated(call)
	if may := heaptest.Limit(present); took > may && heaptest.Counts {
		t.Errorf("%s: %d bytes allocate %d, want at most %d", name, present, took, may)
	}
}

// list writes items in brackets.
func list(n int, item func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(item(i))
	}
	return b.String()
}

func same(text string) func(int) string { return func(int) string { return text } }

const tinyModel = `"model":{"type":"BPE","vocab":{"a":0,"▁":1},"merges":[]}`

// A file of millions of brackets, components, tokens, patterns or items is one error, or
// is read, and takes no more memory than a few times what is there.
func TestLoadTakesLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	const many = 100_000
	sequence := func(member, of string, n int, one string) string {
		return `{"` + member + `":{"type":"Sequence","` + of + `":[` + list(n, same(one)) + `]},` + tinyModel + `}`
	}
	pattern := func(p string, n int) string {
		return sequence("pre_tokenizer", "pretokenizers", n, `{"type":"Split","pattern":{"Regex":"`+p+`"},"behavior":"Isolated","invert":false}`)
	}
	for name, c := range map[string]struct{ text, want string }{
		"brackets":              {strings.Repeat("[", 8<<20), "deep"},
		"empty lists":           {`{"model":[` + list(1<<21, same("[]")) + `]}`, "model"},
		"lists in a component":  {`{"normalizer":[` + list(1<<20, same("[]")) + `],` + tinyModel + `}`, "normalizer: "},
		"numbers":               {`{"model":{"vocab":{},"merges":[` + list(1<<21, same("0")) + `]}}`, "merges"},
		"vocabulary":            {`{"model":{"vocab":{` + list(1<<20, func(i int) string { return fmt.Sprintf(`"%05x":%d`, i, i) }) + `},"merges":[]}}`, ""},
		"a larger vocabulary":   {`{"model":{"vocab":{` + list(1<<20+1, func(i int) string { return fmt.Sprintf(`"%05x":%d`, i, i) }) + `},"merges":[]}}`, "at most 1048576"},
		"merges":                {`{"model":{"vocab":{},"merges":[` + list(2<<20+1, same(`"a b"`)) + `]}}`, "at most 2097152"},
		"normalizers":           {sequence("normalizer", "normalizers", many, `{"type":"NFC"}`), "normalizer: "},
		"some normalizers":      {sequence("normalizer", "normalizers", 65, `{"type":"Strip"}`), "more than 64 components"},
		"normalizers in list":   {sequence("normalizer", "normalizers", 10, `{"type":"Sequence","normalizers":[`+list(9, same(`{"type":"Strip"}`))+`]}`), "more than 64 components"},
		"honest normalizers":    {sequence("normalizer", "normalizers", 60, `{"type":"Strip"}`), ""},
		"pre-tokenizers":        {sequence("pre_tokenizer", "pretokenizers", many, `{"type":"Digits"}`), "pre_tokenizer: "},
		"some pre-tokenizers":   {sequence("pre_tokenizer", "pretokenizers", 64, `{"type":"Digits"}`), "more than 64 components"},
		"honest pre-tokenizers": {sequence("pre_tokenizer", "pretokenizers", 60, `{"type":"Digits"}`), ""},
		"decoders":              {sequence("decoder", "decoders", 20_000, `{"type":"Fuse"}`), "more than 64 components"},
		"growing decoder":       {sequence("decoder", "decoders", 2, `{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaa"}`), "64 times longer"},
		"post-processors":       {sequence("post_processor", "processors", 20_000, `{"type":"ByteLevel"}`), "more than 64 components"},
		"template":              {`{"post_processor":{"type":"TemplateProcessing","single":[` + list(300, same(`{"SpecialToken":{"id":"x"}}`)) + `,{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[0]}}},` + tinyModel + `}`, "more than 256 tokens"},
		"template of many ids":  {`{"post_processor":{"type":"TemplateProcessing","single":[` + list(100, same(`{"SpecialToken":{"id":"x"}}`)) + `,{"Sequence":{"id":"A"}}],"special_tokens":{"x":{"ids":[` + list(50_000, same("0")) + `]}}},` + tinyModel + `}`, "more than 256 tokens"},
		"added tokens":          {`{"added_tokens":[` + list(140_000, func(i int) string { return fmt.Sprintf(`{"id":%d,"content":"<%d>"}`, i+2, i) }) + `],` + tinyModel + `}`, "at most 131072"},
		"many added tokens":     {`{"added_tokens":[` + list(50_000, func(i int) string { return fmt.Sprintf(`{"id":%d,"content":"<%d>"}`, i+2, i) }) + `],` + tinyModel + `}`, ""},
		"long added tokens": {`{"added_tokens":[` + list(1000, func(i int) string {
			return fmt.Sprintf(`{"id":%d,"content":"%s%d"}`, i+2, strings.Repeat("x", 1000), i)
		}) + `],` + tinyModel + `}`, "more than 524288 bytes"},
		"added tokens out of order": {`{"added_tokens":[` + list(10_000, func(i int) string { return fmt.Sprintf(`{"id":%d,"content":"<%d>"}`, 10_002-i, i) }) + `],` + tinyModel + `}`, ""},
		"a long pattern":            {pattern(strings.Repeat(`\\p{L}`, 900), 1), "longer than 4096"},
		"classes":                   {pattern(strings.Repeat(`\\p{L}`, 680), 1), "steps and characters"},
		"counts":                    {pattern(strings.Repeat(`a{1000}`, 200), 1), "steps and characters"},
		"patterns":                  {pattern(strings.Repeat(`[a-z]`, 100), 20), "patterns of"},
		"honest patterns":           {pattern(` ?\\p{L}+| ?\\p{N}{1,3}|[^\\s\\p{L}\\p{N}]+`, 8), ""},
	} {
		var err error
		takes(t, name, len(c.text), func() { _, err = FromJSON([]byte(c.text)) })
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000) {
			t.Errorf("%s: %.300v, want %q", name, err, c.want)
		}
	}
}

// What stands beside tokenizer.json is bounded too.
func TestLoadDirTakesLittle(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"added_tokens_decoder": {"tokenizer_config.json", `{"added_tokens_decoder":{` + list(200_000, func(i int) string { return fmt.Sprintf(`"%d":{"content":"<%d>"}`, i, i) }) + `}}`, "at most 131072"},
		"chat templates":       {"tokenizer_config.json", `{"chat_template":[` + list(140_000, func(i int) string { return fmt.Sprintf(`{"name":"%d","template":"x"}`, i) }) + `]}`, "at most 131072"},
		"further tokens":       {"special_tokens_map.json", `{"additional_special_tokens":[` + list(30_000, func(i int) string { return fmt.Sprintf(`"<%d>"`, i) }) + `]}`, ""},
		"too many further":     {"special_tokens_map.json", `{"additional_special_tokens":[` + list(40_000, func(i int) string { return fmt.Sprintf(`"<%d>"`, i) }) + `]}`, "at most 32768"},
		"named tokens":         {"tokenizer_config.json", `{"extra_special_tokens":{` + list(30_000, func(i int) string { return fmt.Sprintf(`"t%d":"<%d>"`, i, i) }) + `}}`, ""},
		"added_tokens.json":    {"added_tokens.json", `{` + list(30_000, func(i int) string { return fmt.Sprintf(`"<%d>":%d`, i, i+2) }) + `}`, ""},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"tokenizer.json": "{" + tinyModel + "}", c.file: c.text} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		takes(t, name, len(c.text), func() { _, err = Load(dir) })
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), dir) > 1) {
			t.Errorf("%s: %.300v, want %q", name, err, c.want)
		}
	}
}

// Pieces that can be cut in very many ways are an error, soon.
func TestSentencePieceTakesLittle(t *testing.T) {
	var runs, long []spPiece
	for i := range 1 << 10 {
		runs = append(runs, spPiece{strings.Repeat("a", i+1), 0, typeNormal})
	}
	for i := range 4000 {
		long = append(long, spPiece{fmt.Sprintf("%s%d", strings.Repeat("x", 1000), i), 0, typeNormal})
	}
	for name, c := range map[string]struct {
		pieces []spPiece
		want   string
	}{"runs": {runs, "ways to make"}, "short runs": {runs[:300], ""}, "long pieces": {long, "too long, all together"}} {
		var err error
		takes(t, name, 1<<20, func() { _, err = pieceSpec(c.pieces, true, true) })
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A megabyte that is hard for a file's components is cut in steps of its length, and
// no text becomes more than some times longer.
func TestEncodeTakesLittle(t *testing.T) {
	blank := strings.Repeat(" ", 1<<20)
	added := `"added_tokens":[{"id":2,"content":" ","lstrip":true,"rstrip":true,"normalized":false},{"id":3,"content":"  ","lstrip":true,"single_word":true}],`
	shared := `"added_tokens":[` + list(2000, func(i int) string {
		return fmt.Sprintf(`{"id":%d,"content":"%s%d"}`, i+2, strings.Repeat("a", 200), i)
	}) + `],`
	grows := `"normalizer":{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"String":"a"},"content":"` + strings.Repeat("a", 60) + `"},{"type":"Replace","pattern":{"String":"a"},"content":"` + strings.Repeat("a", 60) + `"}]},`
	for _, c := range []struct{ name, file, text, want string }{
		{"blank added tokens", "{" + added + tinyModel + "}", blank, ""},
		{"shared beginnings", "{" + shared + tinyModel + "}", strings.Repeat("a", 1<<20), ""},
		{"a text that grows", "{" + grows + tinyModel + "}", strings.Repeat("a", 1<<16), "64 times longer"},
		{"one word", "{" + tinyModel + "}", strings.Repeat("a", 1<<22), ""},
	} {
		tok, err := FromJSON([]byte(c.file))
		if err != nil {
			t.Fatal(c.name, err)
		}
		takes(t, c.name, 8*len(c.text), func() { _, err = tok.EncodeChecked(c.text, false) })
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
