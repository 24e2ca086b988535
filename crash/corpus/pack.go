package corpus

import (
	"fmt"
	"iter"
	"slices"

	"lamina/crash/train"
	"lamina/eval"
	"lamina/record"
	"lamina/transformer/tokenizer"
)

// Pack says how texts, rows {"text"} or a file of plain text, are cut into blocks of
// MaxLength tokens, of which all but the first are learned. What fills no block is dropped
// and counted. Without packing a text is its own windows, kept apart from others'.
type Pack int

// The ways; the words in quotes are the text forms. A text is encoded with the special
// tokens that the tokenizer puts around one.
const (
	// PackNone, "none": texts are not packed.
	PackNone Pack = iota
	// PackCLM, "clm", is run_clm.py of transformers 4.51: a thousand texts at a time are laid
	// end to end, with nothing between them, and cut into blocks; the rest of each thousand is
	// dropped. Of a file of plain text every line is a text, with its line end.
	PackCLM
	// PackEOS, "eos", lays all texts end to end with an EOS token between two, unless one
	// stands there already; the rest is dropped once, at the end. A file of plain text is one
	// text.
	PackEOS
)

var packs = [...]string{PackNone: "none", PackCLM: "clm", PackEOS: "eos"}

// String returns the text form.
func (p Pack) String() string {
	if p < 0 || int(p) >= len(packs) {
		return fmt.Sprintf("Pack(%d)", int(p))
	}
	return packs[p]
}

// ParsePack reads the text form.
func ParsePack(text string) (Pack, error) {
	if i := slices.Index(packs[:], text); i >= 0 {
		return Pack(i), nil
	}
	return 0, fmt.Errorf("pack %.64q: want none, clm or eos", text)
}

// clmBatch is how many texts datasets' map hands to run_clm's group_texts at once.
const clmBatch = 1000

// checkPack returns an error for options that packing leaves nothing to.
func (o Options) checkPack() error {
	switch {
	case o.Kind != "" && o.Kind != Documents.Name:
		return fmt.Errorf("--pack is for texts, and --rows says %s", o.Kind)
	case o.Learn == Last:
		return fmt.Errorf("--learn last is for conversations, and --pack for texts")
	case o.Task.Name() != "":
		return fmt.Errorf("--pack takes texts as they are: leave out --task %s", o.Task.Name())
	case o.MaxLength < 2:
		return fmt.Errorf("--pack: a block of %d tokens has none to learn: want --max-length 2 or more", o.MaxLength)
	}
	return nil
}

// packer lays texts end to end.
type packer struct {
	pack   Pack
	block  int
	t      *tokenizer.Tokenizer
	stream []int32
	last   int32 // token that was laid; -1: none
	texts  int   // of this batch
	rows   *Rows
	kept   *keeper
}

// readPacked reads texts and packs them.
func readPacked(m *eval.Model, from eval.Data, limit int, o Options) (*Rows, error) {
	t, err := m.Tokenizer()
	if err != nil {
		return nil, err
	}
	if _, ok := t.EOS(); !ok && o.Pack == PackEOS {
		return nil, fmt.Errorf("--pack eos: the model's tokenizer has no EOS token: --pack clm puts none between texts")
	}
	p := &packer{pack: o.Pack, block: o.MaxLength, t: t, last: -1, rows: &Rows{Kind: Texts}}
	texts, size, err := p.open(from)
	if err != nil {
		return nil, err
	}
	p.kept = newKeeper(size)
	n := 0
	for r, err := range texts {
		if err != nil {
			return nil, err
		}
		if err := p.add(r); err != nil {
			return nil, r.At.Errorf("%w", err)
		}
		if n++; n == limit {
			break
		}
	}
	if err := p.cut(record.Location{File: from.Path}); err != nil {
		return nil, err
	}
	p.rows.Dropped += len(p.stream)
	if len(p.rows.Sequences) == 0 {
		return nil, fmt.Errorf("%s: %d tokens fill no block of %d: give a smaller --max-length", from.Path, p.rows.Dropped, p.block)
	}
	return p.rows, nil
}

// open returns the texts as rows of one column, and the bytes of their files.
func (p *packer) open(from eval.Data) (iter.Seq2[record.Record, error], int64, error) {
	if isText(from.Path) {
		return p.plain(from)
	}
	set, files, err := from.Rows()
	if err != nil {
		return nil, 0, err
	}
	p.rows.Identity = from.Identity(files)
	return set.Records(), set.Size(), nil
}

// add takes a text.
func (p *packer) add(r record.Record) error {
	text, err := r.Text("text")
	if err != nil {
		return fmt.Errorf("%w: --pack wants rows {\"text\"}", err)
	}
	ids, err := p.t.EncodeChecked(text, true)
	if err != nil {
		return err
	}
	eos, _ := p.t.EOS()
	if len(ids) > 0 {
		if p.pack == PackEOS && p.last >= 0 && p.last != eos && ids[0] != eos {
			p.stream = append(p.stream, eos)
		}
		p.stream, p.last = append(p.stream, ids...), ids[len(ids)-1]
	}
	if p.texts++; p.pack == PackCLM && p.texts%clmBatch != 0 {
		return nil
	}
	if err := p.cut(r.At); err != nil || p.pack == PackEOS {
		return err
	}
	p.rows.Dropped += len(p.stream)
	p.stream = p.stream[:0]
	return nil
}

// cut takes whole blocks off the stream.
func (p *packer) cut(at record.Location) error {
	from := 0
	for ; len(p.stream)-from >= p.block; from += p.block {
		s := train.Sequence{Tokens: slices.Clone(p.stream[from : from+p.block]), Learn: make([]bool, p.block)}
		learnAll(s)
		if err := p.kept.add(at, s); err != nil {
			return err
		}
		p.rows.Sequences = append(p.rows.Sequences, s)
	}
	p.stream = append(p.stream[:0], p.stream[from:]...)
	return nil
}
