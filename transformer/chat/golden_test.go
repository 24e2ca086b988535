package chat_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamina/record"
	"lamina/transformer/chat"
)

// golden is testdata/golden.json, made by gen_chat.py.
type golden struct {
	Templates map[string]string
	Turns     map[string][][2]string
	Cases     []struct {
		Template, Turns, Text, Error string
		Generation, Tokens           bool
		Variables                    json.RawMessage
	}
}

func readGolden(t testing.TB) (g golden) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g golden) messages(turns string) (list []chat.Message) {
	for _, turn := range g.Turns[turns] {
		list = append(list, chat.Message{Role: turn[0], Content: turn[1]})
	}
	return list
}

func TestRenderAgreesWithReference(t *testing.T) {
	g := readGolden(t)
	if len(g.Cases) < 100 {
		t.Fatalf("only %d cases", len(g.Cases))
	}
	for _, c := range g.Cases {
		o := chat.Options{Generation: c.Generation, Now: time.Date(2024, 3, 5, 14, 7, 9, 0, time.UTC)}
		if c.Tokens {
			o.BOS, o.EOS = "<s>", "</s>"
		}
		if c.Variables != nil {
			given, err := record.Parse(c.Variables, record.Location{})
			if err != nil {
				t.Fatal(err)
			}
			o.Variables = given.Fields
		}
		got, err := chat.Render(g.Templates[c.Template], g.messages(c.Turns), o)
		switch {
		case c.Error != "" && (err == nil || !strings.Contains(err.Error(), c.Error)):
			t.Errorf("%s of %s: error %v, want %q in it", c.Template, c.Turns, err, c.Error)
		case c.Error == "" && (err != nil || got != c.Text):
			t.Errorf("%s of %s, generation %t, tokens %t:\n got %q\nwant %q\nerror %.200v", c.Template, c.Turns, c.Generation, c.Tokens, got, c.Text, err)
		}
	}
}
