package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	tiny := strings.Repeat("The model owner keeps the full model; it's 2024 and the data owner keeps the data.\n", 2000)
	for _, c := range []struct{ name, dir, text string }{
		{"byte/english", "", tiny},
		{"byte/one-word", "", strings.Repeat("abcdefghijklmnopqrstuvwxyz", 10<<20/26)},
		{"opt/wikitext", "tokenizers/opt", "wikitext-2/valid.txt"},
		{"llama/wikitext", "tokenizers/llama", "wikitext-2/valid.txt"},
		{"llama/one-word", "tokenizers/llama", strings.Repeat("abcdefghijklmnopqrstuvwxyz", 10<<20/26)},
	} {
		b.Run(c.name, func(b *testing.B) {
			tok, text := benchTokenizer(b, c.dir), c.text
			if strings.HasSuffix(text, ".txt") {
				raw, err := os.ReadFile(filepath.Join(os.Getenv("LAMINA_DATA"), text))
				if err != nil {
					b.Fatal(err)
				}
				text = string(raw)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				tok.Encode(text, true)
			}
		})
	}
}

// BenchmarkEncodeOffsets is BenchmarkEncode's english with offsets.
func BenchmarkEncodeOffsets(b *testing.B) {
	text := strings.Repeat("The model owner keeps the full model; it's 2024 and the data owner keeps the data.\n", 2000)
	for _, name := range []string{"byte.json", "meta.json"} {
		b.Run(name, func(b *testing.B) {
			tok := tiny(b, name)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := tok.EncodeOffsets(text, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchTokenizer(b *testing.B, dir string) *Tokenizer {
	b.Helper()
	if dir == "" {
		tok, err := FromJSON(testdata(b, "byte.json"))
		if err != nil {
			b.Fatal(err)
		}
		return tok
	}
	from := os.Getenv("LAMINA_DATA")
	if from == "" {
		b.Skip("LAMINA_DATA is not set: the published vocabulary is not here")
	}
	tok, err := Load(filepath.Join(from, dir))
	if err != nil {
		b.Fatal(err)
	}
	return tok
}
