package corpus_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/corpus"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/transformer"
)

// packed is a packing in the golden.
type packed struct {
	Block, Blocks int
	First, Last   []int32
	SHA256        string
	Tokens        int
}

// learned is a row in the golden.
type learned struct {
	IDs   []int32
	Learn []bool
}

// golden is testdata/golden.json, made by gen_corpus.py, of one tokenizer.
type golden struct {
	Pack, Lines  packed
	Alpaca, Chat []learned
}

func readGolden(t *testing.T, name string) (g golden, text string) {
	t.Helper()
	var all map[string]json.RawMessage
	data, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err == nil {
		err = json.Unmarshal(all[name], &g)
	}
	if err == nil {
		err = json.Unmarshal(all["text"], &text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g, text
}

// model is one that has a tokenizer, and no weights.
func model(name string) *eval.Model {
	c := &transformer.Checkpoint{Dir: filepath.Join("testdata", name), Path: filepath.Join("testdata", name)}
	c.Config.Vocab = 330
	return &eval.Model{Checkpoint: c}
}

func read(t *testing.T, name, path string, o corpus.Options) *corpus.Rows {
	t.Helper()
	rows, err := corpus.Read(model(name), eval.Data{Path: path}, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// packTexts are the rows of gen_corpus.py, as JSON lines.
func packTexts() string {
	var b strings.Builder
	for i := range 2300 {
		parts := slices.Repeat([]string{fmt.Sprintf("row %d of many", i*7919%1009)}, i%5)
		text := strings.Join(parts, " ")
		if i%3 != 0 {
			text += "\n"
		}
		line, _ := json.Marshal(map[string]string{"text": text})
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func agree(t *testing.T, what string, rows *corpus.Rows, want packed) {
	t.Helper()
	sum, n := sha256.New(), 0
	for _, s := range rows.Sequences {
		binary.Write(sum, binary.LittleEndian, s.Tokens)
		n += len(s.Tokens)
		if len(s.Tokens) != want.Block || s.Learn[0] || slices.Contains(s.Learn[1:], false) {
			t.Fatalf("%s: a block of %d tokens, learned %v", what, len(s.Tokens), s.Learn)
		}
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != want.SHA256 || len(rows.Sequences) != want.Blocks || rows.Dropped != want.Tokens-n {
		t.Errorf("%s: %d blocks, %d tokens dropped, first %v; want %d, %d, %v", what, len(rows.Sequences), rows.Dropped, rows.Sequences[0].Tokens, want.Blocks, want.Tokens-n, want.First)
	}
}

func TestPackingIsThatOfRunCLM(t *testing.T) {
	for _, name := range []string{"bos", "plain"} {
		g, text := readGolden(t, name)
		agree(t, name+", rows", read(t, name, write(t, "rows.jsonl", packTexts()), corpus.Options{Pack: corpus.PackCLM, MaxLength: g.Pack.Block}), g.Pack)
		agree(t, name+", lines", read(t, name, write(t, "lines.txt", text), corpus.Options{Pack: corpus.PackCLM, MaxLength: g.Lines.Block}), g.Lines)
	}
}

func TestInstructionsAreThoseOfAlpaca(t *testing.T) {
	for _, name := range []string{"bos", "plain"} {
		g, _ := readGolden(t, name)
		rows := read(t, name, "testdata/alpaca.jsonl", corpus.Options{MaxLength: 1024})
		same(t, name, rows, corpus.Alpaca.Name, g.Alpaca)
	}
}

// The reference marks a turn to its last character, of which it takes the first token only;
// here the turns end with a special token, which is one.
func TestConversationsAreThoseOfApplyChatTemplate(t *testing.T) {
	for _, name := range []string{"bos", "plain"} {
		g, _ := readGolden(t, name)
		for _, file := range []string{"chat.jsonl", "sharegpt.jsonl"} {
			rows := read(t, name, filepath.Join("testdata", file), corpus.Options{MaxLength: 1024})
			same(t, name+", "+file, rows, corpus.Chat.Name, g.Chat)
		}
	}
}

// same holds sequences against rows of the golden, which are read to their last learned
// token.
func same(t *testing.T, what string, rows *corpus.Rows, kind string, want []learned) {
	t.Helper()
	if rows.Kind != kind || len(rows.Sequences) != len(want) || rows.Cut+rows.Skipped != 0 {
		t.Fatalf("%s: %d rows of %s, %d cut; want %d of %s", what, len(rows.Sequences), rows.Kind, rows.Cut, len(want), kind)
	}
	for i, w := range want {
		end := len(w.Learn)
		for !w.Learn[end-1] {
			end--
		}
		s := rows.Sequences[i]
		if !slices.Equal(s.Tokens, w.IDs[:end]) || !slices.Equal(s.Learn, w.Learn[:end]) {
			t.Errorf("%s, row %d:\n%v\n%v\nwant\n%v\n%v", what, i+1, s.Tokens, s.Learn, w.IDs[:end], w.Learn[:end])
		}
	}
}

// targets counts what is learned.
func targets(s train.Sequence) (n int) {
	for _, l := range s.Learn {
		if l {
			n++
		}
	}
	return n
}
