package task

import (
	"fmt"
	"strings"

	"lamina/internal/pyrandom"
	"lamina/record"
)

// Setting says how documents become requests.
type Setting struct {
	Rules Rules
	// Limit scores only the first documents of the file, with the examples they have
	// without a limit; 0: all. (Under rules 0.3 the harness itself would take the
	// first after shuffling.)
	Limit int
	// Total is how many documents the data has, where the first ones are given alone; 0:
	// all are given.
	Total int
	// MaxTokens bounds a generated answer; 0: as the task has it.
	MaxTokens int
	// Stop has tokens that end a generated answer beside the tokenizer's EOS: those
	// that the model's own configuration names.
	Stop []int32

	// Shots is the number of solved examples before each document, drawn from Pool
	// as the harness draws them: from one generator for all documents of a task,
	// seeded with Seed (nil: the harness's own, 1234 under rules 0.4 and 42 under
	// 0.3). Without a Pool they come from the documents themselves.
	Shots int
	Pool  []Document
	Seed  *int64
}

// seeds are those the harness starts with, unless told otherwise.
var seeds = map[Rules]int64{Rules04: 1234, Rules03: 42}

// ShotsSeed returns the seed with which the harness draws examples.
func ShotsSeed(rules Rules) int64 { return seeds[rules] }

// Items applies the task to documents, in the order of their file.
func (t Task) Items(docs []Document, s Setting) ([]Item, error) {
	shots, err := t.shots(docs, s)
	if err != nil {
		return nil, err
	}
	description := ""
	if t.own != nil {
		description = t.own.Description
	}
	places := t.places(max(s.Total, len(docs)), s.Rules)
	var items []Item
	for i := range docs {
		if s.Limit > 0 && i >= s.Limit {
			break
		}
		before := description
		if shots != nil {
			before += shots[i]
		}
		item, err := t.item(&docs[i], s.Rules, before)
		if err != nil {
			return nil, err
		}
		item.place = places[i]
		if s.MaxTokens > 0 {
			item.MaxTokens = s.MaxTokens
		}
		items = append(items, item)
	}
	return items, nil
}

// places returns the place of each of n documents in the order in which the harness
// scores them. A file taken verbatim is no task of the harness's.
func (t Task) places(n int, rules Rules) []int {
	if t.name == "" {
		rules = Rules04
	}
	places := make([]int, n)
	for place, at := range drawOrder(n, rules, pyrandom.New(seeds[rules])) {
		places[at] = place
	}
	return places
}

// shots returns the examples before each document, nil if there are none.
//
// Rules 0.4 (ContextSampler.get_context) draw for the documents in their order.
// Rules 0.3 (Task.fewshot_context) shuffle all documents with the generator first
// and draw in that order, limit or not.
func (t Task) shots(docs []Document, s Setting) ([]string, error) {
	if s.Shots == 0 || len(docs) == 0 || docs[0].Shape == Text {
		return nil, nil // rolling text takes no examples
	}
	if s.Shots < 0 {
		return nil, fmt.Errorf("%d examples: want 0 or more", s.Shots)
	}
	if docs[0].Shape == Tokens {
		return nil, fmt.Errorf("examples before documents of token ids: there is no text to put them in")
	}
	pool, own, err := t.pool(docs, s)
	if err != nil {
		return nil, err
	}
	draw := s.Shots
	if t.oneMore(s.Rules, own) {
		draw++
	}
	if draw > len(pool) {
		return nil, fmt.Errorf("%d examples drawn from %d documents: want fewer --shots", draw, len(pool))
	}
	for i := range pool {
		if err := t.checkExample(&pool[i], docs[0].Shape, s.Rules); err != nil {
			return nil, err
		}
	}
	seed := seeds[s.Rules]
	if s.Seed != nil {
		seed = *s.Seed
	}
	rng := pyrandom.New(seed)
	order := drawOrder(max(s.Total, len(docs)), s.Rules, rng)
	// Rules 0.3 compare nothing where there is a training split.
	compare := s.Rules == Rules04 || draw > s.Shots
	out := make([]string, len(docs))
	for _, at := range order {
		drawn := t.drawn(rng, len(pool), draw) // also for documents that are not given
		if at >= len(docs) {
			continue
		}
		var b strings.Builder
		shown := 0
		for _, from := range drawn {
			if compare && record.Equal(pool[from].Source.Fields, docs[at].Source.Fields) || shown == s.Shots {
				continue
			}
			b.WriteString(t.shot(&pool[from], s.Rules, docs[at].Prefix))
			shown++
		}
		out[at] = b.String()
	}
	return out, nil
}

// pool returns what examples are drawn from; own says that those are the documents
// that are scored.
func (t Task) pool(docs []Document, s Setting) (pool []Document, own bool, err error) {
	switch {
	case s.Pool != nil:
		pool = s.Pool
	case t.HasSamples():
		pool = t.own.Samples
	default:
		pool, own = docs, true
	}
	if t.own == nil || t.own.ShotDocument == nil {
		return pool, own, nil
	}
	shown := make([]Document, len(pool))
	for i := range pool {
		if shown[i], err = t.own.ShotDocument(pool[i].Source); err != nil {
			return nil, own, pool[i].errorf("as an example: %w", err)
		}
		shown[i].Source = pool[i].Source
	}
	return shown, own, nil
}

// HasSamples reports whether the task brings the examples that are drawn from.
func (t Task) HasSamples() bool { return t.own != nil && len(t.own.Samples) > 0 }

// oneMore reports whether one more example is drawn than is shown, for the document
// may be among them; own says that they come from the documents that are scored.
// Rules 0.4 do so wherever a task has no test split, rules 0.3 where it has no
// training split. Where the harness has no such examples, because it takes a
// training split, documents scored as their own examples have one more by both.
func (t Task) oneMore(rules Rules, own bool) bool {
	if rules == Rules03 {
		return own || t.noTrain && t.name != "race"
	}
	return t.noTest || own && !t.noTrain && t.own == nil
}

// checkExample tests that a document can be shown before others of a shape.
func (t Task) checkExample(d *Document, shape Shape, rules Rules) error {
	if d.Shape != shape {
		return d.errorf("an example %v for documents %v", d.Shape, shape)
	}
	if gold := t.gold(d, rules); shape == Choice && gold >= len(d.Options) {
		return d.errorf("field %q: by rules %v label %.64q is choice %d, and there are %d", "answerKey", rules, d.letter, gold, len(d.Options))
	}
	return nil
}

// drawn returns the examples that a document may have.
func (t Task) drawn(rng *pyrandom.Random, pool, draw int) []int {
	if t.own == nil || !t.own.FirstShots {
		return rng.Sample(pool, draw)
	}
	first := make([]int, draw)
	for i := range first {
		first[i] = i
	}
	return first
}

// drawOrder returns the order in which the harness goes through n documents: as
// they come, or under rules 0.3 shuffled by the generator of the examples.
func drawOrder(n int, rules Rules, rng *pyrandom.Random) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if rules == Rules03 {
		rng.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return order
}

// shot is one solved example with what separates it from the next. prefix is how the
// answer that is asked for begins, nil if nothing says so.
func (t Task) shot(d *Document, rules Rules, prefix *string) string {
	var context, target string
	switch d.Shape {
	case Choice:
		context, target = t.text(d, rules), t.delimiter(d, rules)+t.choice(d.Options[t.gold(d, rules)])
	case ContextChoice:
		context, target = d.Options[d.Gold], t.spaced(d)
		if t.own != nil && d.Canonical != "" {
			target = t.own.Delimiter + d.Canonical
		}
	case Continuation:
		context, target = t.text(d, rules), t.spaced(d)
		switch {
		case t.own != nil:
			target = t.own.Delimiter + d.Continuation
		case t.name == "lambada_openai" && rules == Rules04:
			target = " " + target // the delimiter and the space of the word
		}
	case Answers:
		context, target = t.text(d, rules), t.delimiter(d, rules)+d.answer()
		switch {
		case t.name == "webqs" && rules == Rules04:
			target = " 0" // the harness shows the number of the answer, not the answer
		case t.generates && rules == Rules04:
			target = " " + d.Options[0]
		}
	}
	if rules == Rules04 && t.takes == ContextChoice && target == " " {
		return context // nothing follows the blank: no delimiter either
	}
	if t.own != nil {
		if target == t.own.Delimiter {
			return context // the harness puts no delimiters around no target
		}
		if prefix != nil && *prefix != "" {
			target = t.own.Delimiter + *prefix + " " + strings.TrimPrefix(target, t.own.Delimiter)
		}
		return context + target + t.own.ShotDelimiter
	}
	return context + target + "\n\n"
}
