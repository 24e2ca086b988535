package measure_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/measure"
	"lamina/kernels/ref"
)

// TestMassiveTokensAreNamed: where the embedding of the first token of every row is long,
// the states in which it is are named, with what to do.
func TestMassiveTokensAreNamed(t *testing.T) {
	be := ref.New()
	similarity := func(factor float32, v measure.Vectors) measure.Similarity {
		d := crashtest.Small(be, "llama")
		d.Blocks = d.Blocks[:1]
		table := d.Embed.TokenWeights().Value
		values := table.Float32s()
		for i := range d.Config.Width {
			values[7*d.Config.Width+i] *= factor // token 7
		}
		table.SetFloat32s(values)
		var rows [][]int32
		for i := range int32(12) {
			rows = append(rows, []int32{7, i, 3, i + 20, 9, 2 * i, 11, 12 + i, 13})
		}
		s, err := measure.LayerSimilarity(context.Background(), be, d, rows, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	mean := measure.Vectors{Pooling: measure.PoolMean}
	plain, long := similarity(1, mean), similarity(30, mean)
	if plain.Massive != nil || plain.MassiveDoubt() != "" {
		t.Errorf("an even model: %v, %s", plain.Massive, plain.MassiveDoubt())
	}
	if doubt := long.MassiveDoubt(); !strings.Contains(doubt, "in states 0 one token of each sample carries up to 9") || !strings.Contains(doubt, "--tokens rms or drop-first") {
		t.Errorf("%v: %q", long.Massive, doubt)
	}
	for _, v := range []measure.Vectors{{Pooling: measure.PoolLast}, {Tokens: measure.TokensRMS}, {Tokens: measure.TokensDropFirst}} {
		if s := similarity(30, v); s.Massive == nil || s.MassiveDoubt() != "" {
			t.Errorf("%v: %v, %q", v, s.Massive, s.MassiveDoubt())
		}
	}
}

// TestMassiveStatesAreListed as runs.
func TestMassiveStatesAreListed(t *testing.T) {
	s := measure.Similarity{Massive: []float64{.1, .6, .2, .7, .8, .9, .1, .2, 1}}
	if doubt := s.MassiveDoubt(); !strings.HasPrefix(doubt, "in states 1, 3 to 5, 8 one token of each sample carries up to 100% of") {
		t.Error(doubt)
	}
}

// TestTokensAreWords that a file without them lacks: it holds plain ones.
func TestTokensAreWords(t *testing.T) {
	for _, word := range []string{"plain", "rms", "drop-first"} {
		tokens, err := measure.ParseTokens(word)
		if err != nil || tokens.String() != word {
			t.Errorf("%s: %v, %v", word, tokens, err)
		}
	}
	if _, err := measure.ParseTokens("all"); err == nil || !strings.Contains(err.Error(), "want plain, rms, drop-first") {
		t.Errorf("%v", err)
	}
	text, err := json.Marshal(measure.Similarity{Tokens: measure.TokensRMS})
	if err != nil || !strings.Contains(string(text), `"tokens":"rms"`) {
		t.Errorf("%s, %v", text, err)
	}
	if text, err = json.Marshal(measure.Similarity{}); err != nil || strings.Contains(string(text), "tokens") || strings.Contains(string(text), "massive") {
		t.Errorf("plain: %s, %v", text, err)
	}
}
