package transformer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// generationGolden is testdata/generation.json, made by gen_generation.py.
type generationGolden struct {
	EOS    []int32
	Tables [][][]any
	Cases  []struct {
		Said   map[string]any
		Prompt []int32
		Table  int
		IDs    []int32
		Kept   [][]int32
	}
}

// logits returns a row of a table; what is no number in JSON stands there as text.
func (g generationGolden) logits(table, step int) []float32 {
	row := make([]float32, len(g.Tables[table][step]))
	for i, v := range g.Tables[table][step] {
		f, ok := v.(float64)
		if !ok {
			f, _ = strconv.ParseFloat(v.(string), 64)
		}
		row[i] = float32(f)
	}
	return row
}

// saying returns a checkpoint in whose directory generation_config.json says what is
// given.
func saying(t *testing.T, said any) *Checkpoint {
	t.Helper()
	c := &Checkpoint{Dir: t.TempDir(), Config: Config{Vocab: 24}}
	text, err := json.Marshal(said)
	if err == nil {
		err = os.WriteFile(filepath.Join(c.Dir, "generation_config.json"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGenerationAgreesWithReference: the rules and cuts of a generation_config.json give
// the ids, and leave the ids, that transformers' logits processors give and leave.
func TestGenerationAgreesWithReference(t *testing.T) {
	data, err := os.ReadFile("testdata/generation.json")
	var g generationGolden
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil || len(g.Cases) < 300 {
		t.Fatalf("%d cases, %v", len(g.Cases), err)
	}
	for _, c := range g.Cases {
		c.Said["eos_token_id"] = g.EOS
		said, err := saying(t, c.Said).Generation()
		if err != nil || said.Warning != "" {
			t.Fatalf("%v: %v, %q", c.Said, err, said.Warning)
		}
		how := said.Greedy()
		if said.DoSample {
			if how, err = said.Drawing(); err != nil {
				t.Fatal(err)
			}
			if k, ok := c.Said["top_k"].(float64); ok {
				how.TopK = int(k)
			}
		}
		at := textState{slices.Clone(c.Prompt), len(c.Prompt), len(c.Prompt) + len(g.Tables[0])}
		for step := range g.Tables[0] {
			logits := g.logits(c.Table, step)
			how.Rules.apply(logits, at)
			id := Sampling{}.choose(logits, 0)
			if said.DoSample {
				var kept []int32
				for _, one := range how.candidates(logits) {
					kept = append(kept, one.id)
				}
				id = kept[0]
				if slices.Sort(kept); !slices.Equal(kept, c.Kept[step]) {
					t.Errorf("%v after %v, step %d: leaves %v, want %v", c.Said, c.Prompt, step, kept, c.Kept[step])
				}
			}
			if at.ids = append(at.ids, id); slices.Contains(g.EOS, id) {
				break
			}
		}
		if got := at.ids[len(c.Prompt):]; !slices.Equal(got, c.IDs) {
			t.Errorf("%v after %v over table %d: %v, want %v", c.Said, c.Prompt, c.Table, got, c.IDs)
		}
	}
}

// TestGenerationReads: what is not applied is named, what cannot be is an error, and what
// only drawing needs stops no greedy answer.
func TestGenerationReads(t *testing.T) {
	for _, c := range []struct {
		said         map[string]any
		warning      string
		wrong, drawn string
	}{
		{said: map[string]any{"num_beams": 4, "guidance_scale": 1.5, "length_penalty": 2}, warning: "guidance_scale 1.5, num_beams 4"},
		{said: map[string]any{"num_beams": 1, "guidance_scale": nil, "penalty_alpha": 0, "token_healing": false, "stop_strings": []string{}, "forced_decoder_ids": nil}},
		{said: map[string]any{"stop_strings": []string{"a"}}, warning: "stop_strings [a]"},
		{said: map[string]any{"a_new_way": 3, "_from_model_config": true, "transformers_version": "4.51.3", "pad_token_id": 3, "output_scores": true}, warning: "a_new_way 3 (not known)"},
		{said: map[string]any{"repetition_penalty": 0}, wrong: "repetition_penalty is 0: want more than 0"},
		{said: map[string]any{"repetition_penalty": "1"}, wrong: "repetition_penalty is 1: want a number"},
		{said: map[string]any{"bad_words_ids": [][]int{{24}}}, wrong: "bad_words_ids: token 24 is none of the model's 24"},
		{said: map[string]any{"forced_eos_token_id": -1}, wrong: "forced_eos_token_id: token -1"},
		{said: map[string]any{"suppress_tokens": "a"}, wrong: "suppress_tokens is a: want a token id"},
		{said: map[string]any{"suppress_tokens": []int{-1, 99}}},
		{said: map[string]any{"no_repeat_ngram_size": 1.5}, wrong: "no_repeat_ngram_size is 1.5: want a whole number"},
		{said: map[string]any{"exponential_decay_length_penalty": []int{1}}, wrong: "exponential_decay_length_penalty"},
		{said: map[string]any{"sequence_bias": []any{[]any{[]int{}, 1}}}, wrong: "sequence_bias"},
		{said: map[string]any{"top_k": -1}, drawn: "top_k is -1"},
		{said: map[string]any{"top_p": 1.5}, drawn: "top-p 1.5"},
		{said: map[string]any{"temperature": "hot"}, drawn: "temperature is hot"},
	} {
		g, err := saying(t, c.said).Generation()
		if (err != nil) != (c.wrong != "") || err != nil && (!strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), "generation_config.json")) {
			t.Errorf("%v: %v", c.said, err)
		}
		if (g.Warning != "") != (c.warning != "") || !strings.HasSuffix(g.Warning, c.warning) {
			t.Errorf("%v: warns %q", c.said, g.Warning)
		}
		if _, err := g.Drawing(); c.wrong == "" && ((err != nil) != (c.drawn != "") || err != nil && !strings.Contains(err.Error(), c.drawn)) {
			t.Errorf("%v: drawing: %v", c.said, err)
		}
	}
}

// TestGenerationOfConfig: without the file the same keys of config.json count, and with
// it they do not.
func TestGenerationOfConfig(t *testing.T) {
	raw := map[string]any{"repetition_penalty": 1.5, "model_type": "llama", "num_beams": 3.0, "eos_token_id": 7.0, "something": 2.0}
	c := &Checkpoint{Dir: t.TempDir(), Config: Config{Vocab: 24, Raw: raw}}
	g, err := c.Generation()
	if err != nil || g.Rules.RepetitionPenalty != 1.5 || !slices.Equal(g.Rules.Ends, []int32{7}) || !strings.HasSuffix(g.Warning, ": num_beams 3") || !strings.HasPrefix(g.Warning, "config.json") {
		t.Errorf("%+v, %v", g, err)
	}
	with := saying(t, map[string]any{"no_repeat_ngram_size": 2})
	with.Config.Raw = raw
	if g, err := with.Generation(); err != nil || g.Rules.RepetitionPenalty != 0 || g.Rules.NoRepeatNGram != 2 || g.Warning != "" || g.Rules.Ends != nil {
		t.Errorf("%+v, %v", g, err)
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "generation_config.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if g, err := c.Generation(); err != nil || g.Rules.RepetitionPenalty != 1.5 || !strings.Contains(g.Warning, "generation_config.json is not read") {
		t.Errorf("%+v, %v", g, err)
	}
	if raw["repetition_penalty"] != 1.5 {
		t.Error("the configuration was changed")
	}
}
