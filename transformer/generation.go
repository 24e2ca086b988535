package transformer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/internal/files"
	"lamina/internal/strictjson"
)

// Generation is what a checkpoint says of generating text: generation_config.json, or
// where that is not there the same keys of config.json, as transformers reads them.
type Generation struct {
	// Sampling has the file's rules, and its cuts and temperature, 0 where it is silent.
	Sampling
	DoSample     bool // the file would draw
	MaxNewTokens int  // of an answer, 0 for none said
	MaxLength    int  // of prompt and answer, 0 for none said
	// Warning names what the file sets and would change ids, and is not applied; "" for
	// nothing.
	Warning string

	cuts error // what is wrong with them; a greedy answer does not need them
}

// Drawing returns the sampling of transformers' do_sample=True: the file's cuts and
// temperature, and where it is silent the library's (temperature 1, top-k 50).
func (g Generation) Drawing() (Sampling, error) {
	s := g.Sampling
	if s.Temperature == 0 {
		s.Temperature = 1
	}
	if s.TopK == 0 {
		s.TopK = 50
	}
	return s, g.cuts
}

// Cuts returns the file's cuts and temperature alone, 0 where it is silent, with its
// rules.
func (g Generation) Cuts() (Sampling, error) { return g.Sampling, g.cuts }

// Greedy returns the sampling of do_sample=False: the file's rules and no cuts.
func (g Generation) Greedy() Sampling { return Sampling{Rules: g.Rules} }

// Generation reads the checkpoint's settings for generating text; of a GGUF file those
// that convert would write.
func (c *Checkpoint) Generation() (Generation, error) {
	r, warning, err := c.generationReader()
	if err != nil {
		return Generation{}, err
	}
	g := r.read()
	g.Rules.Ends = c.StopTokens()
	for _, err := range []error{r.err, g.Rules.validate(), g.Rules.checkVocab(c.Config.Vocab)} {
		if err != nil {
			return Generation{}, fmt.Errorf("%s: %w", r.path, err)
		}
	}
	if g.cuts == nil {
		g.cuts = g.Validate()
	}
	if g.cuts != nil {
		g.cuts = fmt.Errorf("%s: %w", r.path, g.cuts)
	}
	if len(r.ignored) > 0 {
		warning += filepath.Base(r.path) + " asks for what is not applied, so that ids may differ from those of transformers: " + strings.Join(r.ignored, ", ")
	}
	g.Warning = warning
	return g, nil
}

const generationFile = "generation_config.json"

// wantUnique returns an error if a file is JSON in which a key stands twice.
func wantUnique(path string) error {
	data, err := files.Read(path, maxSmallFile)
	if err != nil || !json.Valid(data) { // who reads it says so
		return nil
	}
	if err := strictjson.CheckUnique(data, strictjson.Rules{Depth: configDepth}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// generationReader opens what says how to generate, with a warning where the file for it
// cannot be read.
func (c *Checkpoint) generationReader() (r generationReader, warning string, err error) {
	if c.GGUF != nil {
		data, err := json.Marshal(newGGUFTokens(c.GGUF).generation())
		if err == nil {
			err = json.Unmarshal(data, &r.left)
		}
		r.path, r.whole = c.Path, true
		return r, "", err
	}
	r = generationReader{path: filepath.Join(c.Dir, "config.json"), left: maps.Clone(c.Config.Raw)}
	path := filepath.Join(c.Dir, generationFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return r, "", nil
	}
	data, err := readSmall(path)
	if err != nil {
		return r, "", err
	}
	var values map[string]any
	if wrong := decodeConfig(data, &values); wrong != nil { // transformers takes it for no file
		return r, fmt.Sprintf("%s is not read (%v): config.json counts instead. ", generationFile, wrong), nil
	}
	return generationReader{path: path, left: values, whole: true}, "", nil
}

// generationReader takes keys out of a file, one after the other.
type generationReader struct {
	path    string
	left    map[string]any // keys that nobody took
	whole   bool           // the file is about nothing else
	ignored []string
	err     error
}

func (r *generationReader) read() Generation {
	var g Generation
	s := &g.Sampling
	s.Temperature, s.TopK, s.TopP = r.number("temperature"), r.natural("top_k"), r.number("top_p")
	s.MinP, s.TypicalP = r.number("min_p"), r.number("typical_p")
	s.Epsilon, s.Eta = r.number("epsilon_cutoff"), r.number("eta_cutoff")
	g.cuts, r.err = r.err, nil
	g.DoSample, g.MaxNewTokens, g.MaxLength = r.boolean("do_sample"), r.natural("max_new_tokens"), r.natural("max_length")
	rules := &s.Rules
	rules.SequenceBias = r.biases("sequence_bias")
	rules.EncoderRepetitionPenalty, rules.RepetitionPenalty = r.penalty("encoder_repetition_penalty"), r.penalty("repetition_penalty")
	rules.NoRepeatNGram, rules.EncoderNoRepeatNGram = r.natural("no_repeat_ngram_size"), r.natural("encoder_no_repeat_ngram_size")
	for i, word := range r.list("bad_words_ids") {
		rules.BadWords = append(rules.BadWords, r.ids(fmt.Sprintf("bad_words_ids[%d]", i), word))
	}
	counted := r.left["min_new_tokens"] != nil // before min_length
	if rules.MinLength, rules.MinNewTokens = r.natural("min_length"), r.natural("min_new_tokens"); counted {
		rules.MinLength = 0
	}
	if bos := r.ids("forced_bos_token_id", r.take("forced_bos_token_id")); len(bos) > 0 {
		rules.ForcedBOS = &bos[0]
	}
	rules.ForcedEOS = r.ids("forced_eos_token_id", r.take("forced_eos_token_id"))
	rules.RemoveInvalid = r.boolean("remove_invalid_values")
	if decay := r.list("exponential_decay_length_penalty"); len(decay) > 0 {
		start, one := decay[0].(float64)
		factor, two := decay[len(decay)-1].(float64)
		r.want(len(decay) == 2 && one && two, "exponential_decay_length_penalty", "a number of tokens and a factor", decay)
		rules.DecayStart, rules.DecayFactor = int(start), factor
	}
	rules.Suppress = r.ids("suppress_tokens", r.take("suppress_tokens"))
	rules.BeginSuppress = r.ids("begin_suppress_tokens", r.take("begin_suppress_tokens"))
	r.leftOver()
	return g
}

// notApplied are keys of transformers that change ids and that nothing here applies,
// with the values with which they change nothing beside null, false and 0.
var notApplied = map[string]any{
	"num_beams": 1.0, "num_beam_groups": 1.0, "guidance_scale": 1.0, "diversity_penalty": nil, "penalty_alpha": nil, "dola_layers": nil,
	"watermarking_config": nil, "force_words_ids": nil, "constraints": nil, "stop_strings": nil, "max_time": nil, "token_healing": nil,
	"forced_decoder_ids": nil,
}

// changesNothing are keys of generation_config.json that change no id of a greedy or
// drawn answer here or there: what answers look like and how they are computed, beams'
// settings without beams, and what published files have beside transformers' keys. Keys
// that end in _token_id, and those that begin with output_, return_ or _, do neither.
var changesNothing = []string{
	"renormalize_logits", "length_penalty", "early_stopping", "num_return_sequences", "use_cache", "low_memory", "cache_implementation", "cache_config",
	"compile_config", "disable_compile", "prefill_chunk_size", "transformers_version", "generation_kwargs", "is_assistant", "num_assistant_tokens",
	"num_assistant_tokens_schedule", "assistant_confidence_threshold", "prompt_lookup_num_tokens", "max_matching_ngram_size", "assistant_early_exit",
	"assistant_lookbehind", "target_lookbehind", "chat_format", "max_window_size", "trust_remote_code", "max_context_size", "task_specific_params",
}

// leftOver notes the keys that nobody took and that would change ids.
func (r *generationReader) leftOver() {
	for _, key := range slices.Sorted(maps.Keys(r.left)) {
		v := r.left[key]
		neutral, known := notApplied[key]
		switch list, _ := v.([]any); {
		case v == nil, v == false, v == 0.0, list != nil && len(list) == 0, known && neutral != nil && v == neutral:
		case known:
			r.ignored = append(r.ignored, fmt.Sprintf("%s %.60v", key, v))
		case !r.whole || slices.Contains(changesNothing, key) || strings.HasSuffix(key, "_token_id"):
		case strings.HasPrefix(key, "output_") || strings.HasPrefix(key, "return_") || strings.HasPrefix(key, "_"):
		default:
			r.ignored = append(r.ignored, fmt.Sprintf("%.60s %.60v (not known)", key, v))
		}
	}
}

// take returns a key's value and takes it out; nil where it is absent or null.
func (r *generationReader) take(key string) any {
	v := r.left[key]
	delete(r.left, key)
	return v
}

// want notes an error where a value is not what it should be.
func (r *generationReader) want(ok bool, key, what string, v any) {
	if !ok && r.err == nil {
		r.err = fmt.Errorf("%s is %.60v: want %s", key, v, what)
	}
}

func (r *generationReader) boolean(key string) bool {
	v := r.take(key)
	b, ok := v.(bool)
	r.want(ok || v == nil, key, "true or false", v)
	return b
}

func (r *generationReader) number(key string) float64 {
	v := r.take(key)
	f, ok := v.(float64)
	r.want(ok || v == nil, key, "a number", v)
	return f
}

// penalty returns a factor, 0 where none is said.
func (r *generationReader) penalty(key string) float64 {
	v := r.left[key]
	f := r.number(key)
	r.want(v == nil || f > 0, key, "more than 0", v)
	return f
}

// natural returns a whole number, 0 where none is said.
func (r *generationReader) natural(key string) int {
	v := r.left[key]
	f := r.number(key)
	r.want(f >= 0 && f < 1<<31 && f == float64(int(f)), key, "a whole number of 0 or more", v)
	return int(f)
}

func (r *generationReader) list(key string) []any {
	v := r.take(key)
	list, ok := v.([]any)
	r.want(ok || v == nil, key, "a list", v)
	return list
}

// ids reads one id or a list of ids; none where v is nil.
func (r *generationReader) ids(name string, v any) []int32 {
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	var ids []int32
	for _, one := range list {
		f, ok := one.(float64)
		r.want(ok && f == float64(int32(f)), name, "a token id, or a list of them", v)
		ids = append(ids, int32(f))
	}
	return ids
}

// biases reads [[[id, …], bias], …].
func (r *generationReader) biases(key string) []BiasedSequence {
	var all []BiasedSequence
	for _, one := range r.list(key) {
		pair, _ := one.([]any)
		if len(pair) != 2 {
			r.want(false, key, "pairs of token ids and a number", one)
			return nil
		}
		by, ok := pair[1].(float64)
		r.want(ok, key, "pairs of token ids and a number", one)
		all = append(all, BiasedSequence{r.ids(key, pair[0]), by})
	}
	return all
}
