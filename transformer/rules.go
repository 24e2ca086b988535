package transformer

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// LogitRules change the logits before a token is chosen, whether it is drawn or the
// likeliest is taken, as transformers' logits processors of the same names do, in the
// order in which it runs them, in float32 as it does. The zero value changes nothing.
// "The text" is prompt and answer so far.
type LogitRules struct {
	SequenceBias             []BiasedSequence
	EncoderRepetitionPenalty float64 // of tokens of the prompt: made likelier by it; 0 or 1: none
	RepetitionPenalty        float64 // of tokens of the text: positive logits are divided by it, others multiplied; 0 or 1: none
	NoRepeatNGram            int     // no sequence of N tokens stands twice in the text; 0: any
	EncoderNoRepeatNGram     int     // none of the prompt's comes again; 0: any
	BadWords                 [][]int32
	MinLength                int     // tokens of the text before one of Ends may come
	MinNewTokens             int     // tokens of the answer before one of Ends may come
	ForcedBOS                *int32  // the second token of a text whose prompt is one token
	ForcedEOS                []int32 // one of them is the last that an answer may have
	RemoveInvalid            bool    // NaN becomes 0, infinities the largest finite numbers
	DecayStart               int     // tokens of the answer after which Ends are made likelier
	DecayFactor              float64 // by this factor to the power of how many came since; 0: none
	Suppress                 []int32 // tokens that never come
	BeginSuppress            []int32 // tokens that do not begin an answer
	Ends                     []int32 // the tokens that end a text, for the rules that name them
}

// BiasedSequence is a sequence of tokens; its last one gets Bias added to its logit
// where the others stand before it.
type BiasedSequence struct {
	IDs  []int32
	Bias float64
}

// Empty reports whether the rules change nothing. Ends alone change nothing.
func (r LogitRules) Empty() bool {
	r.Ends = nil
	return reflect.ValueOf(r).IsZero()
}

func (r LogitRules) validate() error {
	switch {
	case !(r.RepetitionPenalty >= 0) || math.IsInf(r.RepetitionPenalty, 0):
		return fmt.Errorf("repetition_penalty %v: want more than 0", r.RepetitionPenalty)
	case !(r.EncoderRepetitionPenalty >= 0) || math.IsInf(r.EncoderRepetitionPenalty, 0):
		return fmt.Errorf("encoder_repetition_penalty %v: want more than 0", r.EncoderRepetitionPenalty)
	case r.NoRepeatNGram < 0 || r.EncoderNoRepeatNGram < 0 || r.MinLength < 0 || r.MinNewTokens < 0:
		return errors.New("no_repeat_ngram_size, min_length and min_new_tokens: want 0 or more")
	}
	for _, s := range r.SequenceBias {
		if len(s.IDs) == 0 || math.IsNaN(s.Bias) {
			return fmt.Errorf("sequence_bias %v: want tokens and a number", s)
		}
	}
	return nil
}

// checkVocab refuses ids beyond the vocabulary where transformers does; elsewhere they
// say nothing.
func (r LogitRules) checkVocab(vocab int) error {
	lists := map[string][]int32{"forced_eos_token_id": r.ForcedEOS, "bad_words_ids": slices.Concat(r.BadWords...)}
	if r.ForcedBOS != nil {
		lists["forced_bos_token_id"] = []int32{*r.ForcedBOS}
	}
	for _, s := range r.SequenceBias {
		lists["sequence_bias"] = append(lists["sequence_bias"], s.IDs...)
	}
	for _, name := range []string{"forced_bos_token_id", "forced_eos_token_id", "bad_words_ids", "sequence_bias"} {
		for _, id := range lists[name] {
			if id < 0 || int(id) >= vocab {
				return fmt.Errorf("%s: token %d is none of the model's %d", name, id, vocab)
			}
		}
	}
	return nil
}

// textState is where a generation stands when rules are applied.
type textState struct {
	ids    []int32 // prompt and answer so far
	prompt int     // tokens of the prompt
	most   int     // tokens that the text may have
}

var never = float32(math.Inf(-1))

// apply changes logits, which are finite but where RemoveInvalid stands.
func (r *LogitRules) apply(logits []float32, at textState) {
	bias(logits, at.ids, r.SequenceBias)
	if f := r.EncoderRepetitionPenalty; f != 0 && f != 1 {
		penalize(logits, at.ids[:at.prompt], 1/f)
	}
	if f := r.RepetitionPenalty; f != 0 && f != 1 {
		penalize(logits, at.ids, f)
	}
	banRepeated(logits, at.ids, at.ids, r.NoRepeatNGram)
	banRepeated(logits, at.ids[:at.prompt], at.ids, r.EncoderNoRepeatNGram)
	for _, word := range r.BadWords {
		if len(word) > 0 && !(len(word) == 1 && slices.Contains(r.Ends, word[0])) {
			bias(logits, at.ids, []BiasedSequence{{word, math.Inf(-1)}})
		}
	}
	if len(at.ids) < r.MinLength || len(at.ids)-at.prompt < r.MinNewTokens {
		ban(logits, r.Ends)
	}
	if r.ForcedBOS != nil && len(at.ids) == 1 {
		force(logits, []int32{*r.ForcedBOS})
	}
	if len(r.ForcedEOS) > 0 && len(at.ids) == at.most-1 {
		force(logits, r.ForcedEOS)
	}
	if r.RemoveInvalid {
		removeInvalid(logits)
	}
	if since := len(at.ids) - at.prompt - r.DecayStart; r.DecayFactor != 0 && since > 0 {
		grow := float32(math.Pow(r.DecayFactor, float64(since)) - 1)
		for _, id := range r.Ends {
			// An end that may not come yet stays so; transformers computes Inf - Inf there.
			if inside(logits, id) && logits[id] != never {
				logits[id] += float32(math.Abs(float64(logits[id]))) * grow
			}
		}
	}
	ban(logits, r.Suppress)
	begin := at.prompt
	if begin == 1 && r.ForcedBOS != nil {
		begin++
	}
	if len(at.ids) == begin {
		ban(logits, r.BeginSuppress)
	}
}

func inside(logits []float32, id int32) bool { return id >= 0 && int(id) < len(logits) }

func ban(logits []float32, ids []int32) {
	for _, id := range ids {
		if inside(logits, id) {
			logits[id] = never
		}
	}
}

// force leaves nothing but ids.
func force(logits []float32, ids []int32) {
	for i := range logits {
		logits[i] = never
	}
	for _, id := range ids {
		logits[id] = 0
	}
}

// bias adds what sequences say of the tokens that complete them.
func bias(logits []float32, text []int32, sequences []BiasedSequence) {
	sums := map[int32]float32{}
	for _, s := range sequences {
		if len(s.IDs) == 1 {
			sums[s.IDs[0]] = float32(s.Bias) // of two for one token the last counts
		}
	}
	for _, s := range sequences {
		// transformers skips a sequence that is longer than the text without its last token.
		n := len(s.IDs) - 1
		if n > 0 && n < len(text) && slices.Equal(text[len(text)-n:], s.IDs[:n]) {
			sums[s.IDs[n]] += float32(s.Bias)
		}
	}
	for id, sum := range sums {
		logits[id] += sum
	}
}

// penalize makes each of ids less likely, once.
func penalize(logits []float32, ids []int32, by float64) {
	penalty := float32(by)
	seen := map[int32]bool{}
	for _, id := range ids {
		if seen[id] || !inside(logits, id) {
			continue
		}
		seen[id] = true
		if logits[id] < 0 {
			logits[id] *= penalty
		} else {
			logits[id] /= penalty
		}
	}
}

// banRepeated bans the tokens that would make the last n tokens of text ones that stand
// in known already.
func banRepeated(logits []float32, known, text []int32, n int) {
	if n < 1 || len(text)+1 < n {
		return
	}
	before := text[len(text)+1-n:]
	for i := 0; i+n <= len(known); i++ {
		if slices.Equal(known[i:i+n-1], before) {
			ban(logits, known[i+n-1:i+n])
		}
	}
}

func removeInvalid(logits []float32) {
	for i, v := range logits {
		switch f := float64(v); {
		case math.IsNaN(f):
			logits[i] = 0
		case math.IsInf(f, 1):
			logits[i] = math.MaxFloat32
		case math.IsInf(f, -1):
			logits[i] = -math.MaxFloat32
		}
	}
}
