package transformer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lamina/internal/units"
)

// Description is what can be told of a checkpoint without computing: sizes, types and
// tokenizer.
type Description struct {
	Architecture string               `json:"architecture"`
	Layers       int                  `json:"layers"`
	Width        int                  `json:"width"`
	Heads        int                  `json:"heads"`
	KVHeads      int                  `json:"kv_heads"`
	HeadDim      int                  `json:"head_dim"`
	FeedForward  int                  `json:"feed_forward"`
	Vocab        int                  `json:"vocab"`
	Positions    int                  `json:"positions"`
	Params       int                  `json:"params"`
	BlockParams  int                  `json:"block_params"`
	Tied         bool                 `json:"tied"`
	DTypes       map[string]int       `json:"dtypes"`              // weights by storage type
	Described    bool                 `json:"described,omitempty"` // the weights are not there
	Forms        []Form               `json:"forms,omitempty"`     // of each place, where some are no layer as the family has it
	Tokenizer    TokenizerDescription `json:"tokenizer"`
}

// TokenizerDescription is what can be told of a checkpoint's tokenizer.
type TokenizerDescription struct {
	Vocab int    `json:"vocab,omitempty"`
	BOS   string `json:"bos,omitempty"`
	EOS   string `json:"eos,omitempty"`
	Chat  bool   `json:"chat_template"`
	Error string `json:"error,omitempty"` // why there is none
}

// Describe tells of the checkpoint. A tokenizer that cannot be read is no error.
func (c *Checkpoint) Describe() Description {
	d := Description{
		Architecture: c.Config.Family, Layers: c.Config.Layers, Width: c.Config.Width, Heads: c.Config.Heads,
		KVHeads: c.Config.KVHeads, HeadDim: c.Config.HeadDim, FeedForward: c.Config.FeedForward, Vocab: c.Config.Vocab,
		Positions: c.Config.MaxPositions, Params: c.Config.Params(), BlockParams: c.Config.BlockParams(), Tied: c.Config.Tied,
		DTypes: c.Stored(), Described: c.Described, Forms: c.Config.Forms,
	}
	if t, err := c.Tokenizer(); err != nil {
		d.Tokenizer.Error = err.Error()
	} else {
		roles := t.Roles()
		d.Tokenizer = TokenizerDescription{Vocab: t.VocabSize(), BOS: roles.BOS, EOS: roles.EOS, Chat: roles.ChatTemplate != ""}
	}
	return d
}

// Lines show weights and tokenizer to people, each as a word and what it says.
func (d Description) Lines() [][2]string {
	head := "own head"
	if d.Tied {
		head = "head tied to the embedding"
	}
	var types []string
	for name, n := range d.DTypes {
		types = append(types, fmt.Sprintf("%s %s", name, units.Count(n)))
	}
	slices.Sort(types)
	lines := [][2]string{
		{"parameters", fmt.Sprintf("%s (%s a block), %s", units.Count(d.Params), units.Count(d.BlockParams), head)},
		{"stored as", strings.Join(types, ", ")},
	}
	if text := d.formLines(); text != "" {
		lines = append(lines, [2]string{"places", text + ": lamina alone reads it"})
	}
	if d.Described {
		lines = append(lines, [2]string{"", "as it is described: the weights themselves are not here"})
	}
	return append(lines, [2]string{"tokenizer", d.Tokenizer.String()})
}

// formLines tells the places that are no layer as the family has it, those of one form
// together, in their order.
func (d Description) formLines() string {
	var texts []string
	places := map[string][]string{}
	for place, f := range d.Forms {
		if text := f.String(); text != "" {
			if places[text] == nil {
				texts = append(texts, text)
			}
			places[text] = append(places[text], strconv.Itoa(place))
		}
	}
	for i, text := range texts {
		texts[i] = strings.Join(places[text], " ") + " " + text
	}
	return strings.Join(texts, "; ")
}

// String is the tokenizer in a line.
func (t TokenizerDescription) String() string {
	if t.Error != "" {
		return "none: " + t.Error
	}
	chat := "no chat template"
	if t.Chat {
		chat = "with chat template"
	}
	token := func(text string) string { return cmp.Or(strings.TrimSpace(text), "none") }
	return fmt.Sprintf("%s ids, BOS %s, EOS %s, %s", units.Count(t.Vocab), token(t.BOS), token(t.EOS), chat)
}
