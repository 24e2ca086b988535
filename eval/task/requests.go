package task

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"lamina/transformer"
)

// Requests are documents encoded for scoring: the pairs of all items, one after
// the other, or their prompts where texts are generated.
type Requests struct {
	Task      Task
	Rules     Rules
	Items     []Item
	Counts    []int // pairs of each item
	Pairs     []Pair
	Prompts   []Prompt // of items that generate, one each
	Truncated int      // items with a context that was cut
	Tokens    int      // that run through a decoder, a shared context once

	// Logits are the model's own rules for the answers to Prompts.
	Logits transformer.LogitRules
}

// Prompt asks for a text after token ids: greedily, up to MaxTokens tokens or one of
// the tokens Stop, or until [Prompt.Text] says that the text is long enough.
type Prompt struct {
	IDs       []int32
	MaxTokens int
	Stop      []int32

	decode func(ids []int32) string
	until  []string
}

// Text returns the text of generated ids, cut before the first of the texts that
// end it, and whether one of them was there.
func (p Prompt) Text(ids []int32) (text string, done bool) {
	return cutAt(p.decode(ids), p.until)
}

// EncodeAll prepares documents of one shape for scoring, with contexts cut from
// the left to a decoder of maxLength positions.
func EncodeAll(t Task, docs []Document, e Encoder, s Setting, maxLength int) (*Requests, error) {
	r := &Requests{Task: t, Rules: s.Rules}
	var err error
	if r.Items, err = t.Items(docs, s); err != nil {
		return nil, err
	}
	for i := range r.Items {
		if r.Items[i].Shape == Generation {
			err = r.addPrompt(&r.Items[i], e, s.Stop, maxLength)
		} else {
			err = r.addPairs(&r.Items[i], e, maxLength)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Requests) addPairs(item *Item, e Encoder, maxLength int) error {
	pairs, err := Encode(*item, e, r.Rules, maxLength)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pairs, func(p Pair) bool { return p.Cut > 0 }) {
		r.Truncated++
	}
	for i, p := range pairs {
		r.Tokens += len(p.Target) - 1
		if i == 0 || !slices.Equal(p.Context, pairs[i-1].Context) {
			r.Tokens += len(p.Context)
		}
	}
	r.Counts = append(r.Counts, len(pairs))
	r.Pairs = append(r.Pairs, pairs...)
	return nil
}

// Generator is an Encoder that turns ids back into text.
type Generator interface {
	Encoder
	Decode(ids []int32, skipSpecial bool) string
}

// addPrompt encodes a prompt as the harness does (HFLM.generate_until): cut from
// the left so that MaxTokens tokens have room after it. Tokens of stop end the text
// as the tokenizer's EOS does.
func (r *Requests) addPrompt(item *Item, e Encoder, stop []int32, maxLength int) error {
	g, ok := e.(Generator)
	if !ok {
		return item.Document().errorf("a text is to be generated, and the tokenizer decodes nothing")
	}
	room := maxLength - item.MaxTokens
	if room < 1 {
		return item.Document().errorf("%d tokens to generate leave no room for a prompt in %d positions: generate fewer", item.MaxTokens, maxLength)
	}
	c := &careful{Encoder: g}
	ids := c.Encode(item.Prompt, false)
	if c.err != nil {
		return item.Document().errorf("%w", c.err)
	}
	if len(ids) == 0 {
		prefix, err := r.Rules.Prefix(e)
		if err != nil {
			return item.Document().errorf("%w", err)
		}
		ids = []int32{prefix}
	}
	if len(ids) > room {
		ids = ids[len(ids)-room:]
		r.Truncated++
	}
	p := Prompt{IDs: ids, MaxTokens: item.MaxTokens, Stop: stop, until: item.Until}
	p.decode = func(ids []int32) string { return g.Decode(ids, true) }
	if eos, ok := g.EOS(); ok {
		p.Stop = append(slices.Clone(stop), eos)
		p.until = append(slices.Clone(item.Until), g.Decode([]int32{eos}, false))
	}
	r.Tokens += len(ids)
	r.Prompts = append(r.Prompts, p)
	return nil
}

// Digest returns a SHA-256 of what is asked: all token ids, and what ends a generated
// text. A model that is asked the same says the same.
func (r *Requests) Digest() string {
	h := sha256.New()
	var buf []byte
	ids := func(lists ...[]int32) {
		for _, list := range lists {
			buf = binary.LittleEndian.AppendUint64(buf[:0], uint64(len(list)))
			for _, id := range list {
				buf = binary.LittleEndian.AppendUint32(buf, uint32(id))
			}
			h.Write(buf)
		}
	}
	for _, p := range r.Pairs {
		ids(p.Context, p.Target)
	}
	for _, p := range r.Prompts {
		ids(p.IDs, p.Stop)
		fmt.Fprintf(h, "%d %q", p.MaxTokens, p.until)
	}
	if text, err := json.Marshal(r.Logits); err == nil && len(r.Prompts) > 0 && !r.Logits.Empty() {
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Result evaluates the scores of Pairs, in their order, and the texts generated
// after Prompts.
func (r *Requests) Result(scores []Score, texts []string) (Result, error) {
	if len(scores) != len(r.Pairs) || len(texts) != len(r.Prompts) {
		panic(fmt.Sprintf("task: Requests.Result: %d scores for %d pairs, %d texts for %d prompts", len(scores), len(r.Pairs), len(texts), len(r.Prompts)))
	}
	rows := make([][]Score, len(r.Items))
	for i := range r.Items {
		if len(texts) > 0 {
			var err error
			if rows[i], err = r.Task.judged(&r.Items[i], texts[i]); err != nil {
				return Result{}, err
			}
			continue
		}
		rows[i] = r.Items[i].Row(scores[:r.Counts[i]])
		scores = scores[r.Counts[i]:]
	}
	result, err := Evaluate(r.Task.name, r.Rules, r.Items, rows)
	if len(texts) > 0 {
		result.Texts = texts
	}
	return result, err
}
