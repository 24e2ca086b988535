package transformer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"lamina/kernels/cpu"
	"lamina/transformer"
)

// TestSmolLM2EqualsTransformers holds a real checkpoint, read from its quantised
// file, against transformers on the dequantised weights: token ids, greedy text
// and the log-probabilities of 20 ARC-Easy questions.
func TestSmolLM2EqualsTransformers(t *testing.T) {
	dir := os.Getenv("LAMINA_MODELS")
	if dir == "" {
		t.Skip("LAMINA_MODELS is not set to a directory with SmolLM2-135M-Instruct.Q4_1.gguf")
	}
	if testing.Short() {
		t.Skip("a real model takes about ten seconds")
	}
	data, err := os.ReadFile("testdata/smollm2/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Generate []struct {
			Prompt    string  `json:"prompt"`
			PromptIDs []int32 `json:"prompt_ids"`
			IDs       []int32 `json:"ids"`
			Text      string  `json:"text"`
		} `json:"greedy"`
		ARC []struct {
			ContextIDs []int32 `json:"context_ids"`
			Choices    []struct {
				IDs     []int32 `json:"ids"`
				LogProb float64 `json:"logprob"`
				Greedy  bool    `json:"greedy"`
			} `json:"choices"`
		} `json:"arc_easy"`
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Generate) < 2 || len(g.ARC) != 20 {
		t.Fatalf("golden has %d prompts and %d questions", len(g.Generate), len(g.ARC))
	}
	be := cpu.New(cpu.Options{})
	defer be.Close()
	c, err := transformer.Open(filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := c.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := c.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range g.Generate {
		if ids := tok.Encode(p.Prompt, false); !slices.Equal(ids, p.PromptIDs) {
			t.Errorf("%q: ids %v, want %v", p.Prompt, ids, p.PromptIDs)
		}
		var ids []int32
		err := d.Generate(context.Background(), be, p.PromptIDs, len(p.IDs), transformer.Sampling{}, func(id int32) bool {
			ids = append(ids, id)
			return len(ids) < len(p.IDs)
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids, p.IDs) || tok.Decode(ids, false) != p.Text {
			t.Errorf("%q: %v %q, want %v %q", p.Prompt, ids, tok.Decode(ids, false), p.IDs, p.Text)
		}
	}
	var items []transformer.Continuation
	for _, q := range g.ARC {
		for _, ch := range q.Choices {
			items = append(items, transformer.Continuation{Context: q.ContextIDs, Target: ch.IDs})
		}
	}
	scores, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for _, q := range g.ARC {
		for _, ch := range q.Choices {
			e := math.Abs(scores[0].LogProb - ch.LogProb)
			worst = max(worst, e)
			if e > 2e-3 || scores[0].Greedy != ch.Greedy {
				t.Errorf("%v: %+v, want %v %v", ch.IDs, scores[0], ch.LogProb, ch.Greedy)
			}
			scores = scores[1:]
		}
	}
	t.Logf("largest difference of a summed log-probability: %.2g (bar 2e-3)", worst)
}

// TestLoadingKeepsWeightsInTheFile bounds the resident memory that a loaded model
// takes before its first product: the file and a tenth, since frozen weights stay
// as the file has them.
func TestLoadingKeepsWeightsInTheFile(t *testing.T) {
	dir := os.Getenv("LAMINA_MODELS")
	if dir == "" {
		t.Skip("LAMINA_MODELS is not set to a directory with SmolLM2-135M-Instruct.Q4_1.gguf")
	}
	path := filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	be := cpu.New(cpu.Options{})
	defer be.Close()
	before := resident(t)
	c, err := transformer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := c.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	grown := resident(t) - before
	if limit := info.Size() + info.Size()/10; grown > limit {
		t.Errorf("loading took %d bytes resident, the file has %d", grown, info.Size())
	}
	t.Logf("loading took %.1f MB resident of a file of %.1f MB; %d blocks", float64(grown)/1e6, float64(info.Size())/1e6, len(d.Blocks))
}

// resident returns the resident set size of this process after a collection.
func resident(t *testing.T) int64 {
	t.Helper()
	runtime.GC()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm here: resident memory cannot be read")
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(data), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
