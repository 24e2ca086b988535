package transformer

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"

	"lamina/transformer/tokenizer"
)

// turnEnds are the tokens with which chat models end a turn, whatever their
// configuration calls the end of a text.
var turnEnds = []string{
	"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "</s>",
	"<｜end▁of▁sentence｜>", "<end_of_utterance>", "[EOT]",
}

// EndTokens returns the ids that end a text or a turn, ascending: the tokenizer's
// EOS, those of generation_config.json and config.json, or of a GGUF file's keys for the
// ends of texts, turns and messages, and the special tokens with which chat models end a
// turn.
func (c *Checkpoint) EndTokens(t *tokenizer.Tokenizer) []int32 {
	ends := idSet{}
	if id, ok := t.EOS(); ok {
		ends[id] = true
	}
	for _, token := range turnEnds {
		if id, ok := t.ID(token); ok && t.IsSpecial(id) {
			ends[id] = true
		}
	}
	ends.add(c.Config.eos())
	if v, ok := c.generationEOS(); ok {
		ends.add(v)
	}
	return ends.sorted()
}

// StopTokens returns the ids at which transformers' generate ends, ascending: those
// of generation_config.json, or of config.json where that file is not there.
func (c *Checkpoint) StopTokens() []int32 {
	eos, ok := c.generationEOS()
	if !ok {
		eos = c.Config.eos()
	}
	ends := idSet{}
	ends.add(eos)
	return ends.sorted()
}

// generationEOS is eos_token_id of generation_config.json, or what such a file would say
// of a GGUF file; ok says that the file is there and can be read.
func (c *Checkpoint) generationEOS() (eos any, ok bool) {
	if c.GGUF != nil {
		return newGGUFTokens(c.GGUF).generation()["eos_token_id"], true
	}
	data, err := readSmall(filepath.Join(c.Dir, generationFile))
	var generation map[string]any // a struct's field takes names in any case
	if err != nil || json.Unmarshal(data, &generation) != nil {
		return nil, false
	}
	return generation["eos_token_id"], true
}

// eos is eos_token_id of the configuration: where it has none, that of transformers'
// class; null is none.
func (c Config) eos() any {
	if id, stated := c.Raw["eos_token_id"]; stated {
		return id
	}
	f, err := familyNamed(c.Family)
	if err != nil {
		return nil
	}
	return float64(f.eos)
}

type idSet map[int32]bool

// add takes a number or a list of numbers as JSON has it.
func (s idSet) add(v any) {
	switch v := v.(type) {
	case float64:
		s[int32(v)] = true
	case []any:
		for _, e := range v {
			s.add(e)
		}
	}
}

func (s idSet) sorted() []int32 { return slices.Sorted(maps.Keys(s)) }
