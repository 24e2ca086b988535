package tokenizer

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// spPiece is an entry of a SentencePiece vocabulary.
type spPiece struct {
	text  string
	score float32
	kind  int32
}

// spModel is what is read of a tokenizer.model (sentencepiece_model.proto).
type spModel struct {
	pieces        []spPiece
	modelType     int // 1 unigram, 2 BPE, 3 word, 4 char
	addDummy      bool
	removeExtra   bool
	charsMap      bool
	escapeSpaces  bool
	suffixSpaces  bool
	byteFallback  bool
	unk, bos, eos string
}

// A message walks the fields of one protobuf message.
type message struct {
	data []byte
	err  error
}

// next returns the next field: its number and its bytes or number. ok is
// false at the end and after an error.
func (m *message) next() (num int, data []byte, value uint64, ok bool) {
	if m.err != nil || len(m.data) == 0 {
		return 0, nil, 0, false
	}
	tag := m.varint()
	num = int(tag >> 3)
	switch tag & 7 {
	case 0:
		value = m.varint()
	case 1:
		data = m.take(8)
	case 2:
		data = m.take(m.varint())
	case 5:
		if data = m.take(4); data != nil {
			value = uint64(binary.LittleEndian.Uint32(data))
		}
	default:
		m.err = errors.New("unknown wire type")
	}
	return num, data, value, m.err == nil
}

func (m *message) varint() uint64 {
	v, n := binary.Uvarint(m.data)
	if n <= 0 {
		m.err = errors.New("bad varint")
		return 0
	}
	m.data = m.data[n:]
	return v
}

func (m *message) take(n uint64) []byte {
	if m.err != nil || n > uint64(len(m.data)) {
		m.err = errors.New("a field is longer than the rest")
		return nil
	}
	out := m.data[:n]
	m.data = m.data[n:]
	return out
}

const (
	maxPieceSize = 1 << 10 // bytes; every way to cut a piece is looked at
	maxCuts      = 2 << 30 // bytes looked at for that, of all pieces
)

// parseSentencePiece reads a tokenizer.model.
func parseSentencePiece(data []byte) (*spModel, error) {
	// Defaults as in sentencepiece_model.proto.
	out := &spModel{modelType: 1, addDummy: true, removeExtra: true, escapeSpaces: true, unk: "<unk>", bos: "<s>", eos: "</s>"}
	m := message{data: data}
	for num, sub, _, ok := m.next(); ok; num, sub, _, ok = m.next() {
		var err error
		switch num {
		case 1:
			if len(out.pieces) == maxVocab {
				return nil, fmt.Errorf("more than %d pieces", maxVocab)
			}
			var p spPiece
			if p, err = parsePiece(sub); err == nil {
				out.pieces = append(out.pieces, p)
			} else {
				err = fmt.Errorf("piece %d: %w", len(out.pieces), err)
			}
		case 2:
			err = out.trainer(sub)
		case 3:
			err = out.normalizer(sub)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, m.err
}

func parsePiece(data []byte) (spPiece, error) {
	p := spPiece{kind: typeNormal}
	m := message{data: data}
	for num, sub, value, ok := m.next(); ok; num, sub, value, ok = m.next() {
		switch num {
		case 1:
			p.text = string(sub)
		case 2:
			p.score = math.Float32frombits(uint32(value))
		case 3:
			p.kind = int32(min(value, 99))
		}
	}
	return p, m.err
}

func (s *spModel) trainer(data []byte) error {
	m := message{data: data}
	for num, sub, value, ok := m.next(); ok; num, sub, value, ok = m.next() {
		switch num {
		case 3:
			s.modelType = int(value)
		case 24:
			s.suffixSpaces = value != 0
		case 35:
			s.byteFallback = value != 0
		case 45:
			s.unk = string(sub)
		case 46:
			s.bos = string(sub)
		case 47:
			s.eos = string(sub)
		}
	}
	return m.err
}

func (s *spModel) normalizer(data []byte) error {
	m := message{data: data}
	for num, sub, value, ok := m.next(); ok; num, sub, value, ok = m.next() {
		switch num {
		case 2:
			s.charsMap = len(sub) > 0
		case 3:
			s.addDummy = value != 0
		case 4:
			s.removeExtra = value != 0
		case 5:
			s.escapeSpaces = value != 0
		}
	}
	return m.err
}

// SentencePieceOptions are the settings that stand in tokenizer_config.json
// and not in the model file.
type SentencePieceOptions struct {
	// Legacy is transformers' legacy=True: a space is put before the text
	// and after every special token. Without it, only before the text.
	Legacy        bool
	NoPrefixSpace bool // add_prefix_space = false
	NoBOS, AddEOS bool // the template: default <s> before, nothing after
	Roles         Roles
	Specials      []AddedToken // further added tokens
}

// FromSentencePiece makes a Tokenizer of the content of a tokenizer.model
// with a BPE model, with the ids of transformers' LlamaTokenizerFast
// (convert_slow_tokenizer.py: LlamaConverter).
func FromSentencePiece(data []byte, opt SentencePieceOptions) (*Tokenizer, error) {
	m, err := parseSentencePiece(data)
	if err != nil {
		return nil, err
	}
	switch {
	case m.modelType != 2:
		return nil, fmt.Errorf("model type %d is not supported (known: 2, BPE)", m.modelType)
	case m.charsMap:
		return nil, errors.New("a normalization table is not supported (LLaMA models have none): supply tokenizer.json")
	case m.removeExtra || !m.escapeSpaces || m.suffixSpaces:
		return nil, errors.New("remove_extra_whitespaces, treat_whitespace_as_suffix and unescaped spaces are not supported: supply tokenizer.json")
	}
	s, err := pieceSpec(m.pieces, !opt.NoPrefixSpace, opt.Legacy)
	if err != nil {
		return nil, err
	}
	s.unk = m.unk
	roles := opt.Roles
	if roles.BOS == "" && roles.EOS == "" && roles.Unk == "" {
		roles.BOS, roles.EOS, roles.Unk = m.bos, m.eos, m.unk
	}
	s.addTokens(opt.Specials)
	s.addRoles(roles)
	if err := s.surround(roles, !opt.NoBOS, opt.AddEOS); err != nil {
		return nil, err
	}
	t, err := s.build()
	if err != nil {
		return nil, err
	}
	t.roles = roles
	return t, nil
}

// pieceSpec turns SentencePiece's vocabulary into the components of
// tokenizer.json that LlamaConverter makes of it.
func pieceSpec(pieces []spPiece, space, legacy bool) (*spec, error) {
	s := &spec{byteFallback: true, fuseUnk: true, vocab: make(map[string]int32, len(pieces))}
	for id, p := range pieces {
		have, dup := s.vocab[p.text]
		switch {
		case p.text == "" || len(p.text) > maxPieceSize || !utf8.ValidString(p.text):
			return nil, fmt.Errorf("piece %d: empty, too long or no utf-8: %s", id, quote(p.text))
		case dup:
			return nil, fmt.Errorf("piece %d: %s is piece %d already", id, quote(p.text), have)
		case p.score != p.score:
			return nil, fmt.Errorf("piece %d: %s: score is not a number", id, quote(p.text))
		case p.kind < typeNormal || p.kind > typeByte:
			return nil, fmt.Errorf("piece %d: %s: unknown type %d", id, quote(p.text), p.kind)
		}
		s.vocab[p.text] = int32(id)
		switch p.kind {
		case typeUnknown:
			if s.unk != "" {
				return nil, fmt.Errorf("piece %d: a second unknown token %s", id, quote(p.text))
			}
			s.unk = p.text
		case typeControl, typeUser:
			s.added = append(s.added, AddedToken{ID: int32(id), Content: p.text, Special: p.kind == typeControl})
		case typeByte:
			if b, ok := byteToken(p.text); !ok || p.text != fmt.Sprintf("<0x%02X>", b) {
				return nil, fmt.Errorf("piece %d: %s is no byte token <0xXX>", id, quote(p.text))
			}
		}
	}
	strip := ""
	if space {
		strip = `,{"type":"Strip","content":" ","start":1,"stop":0}`
	}
	s.decoder = `{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}` + strip + `]}`
	switch replace := `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`; {
	case legacy && space:
		s.normalizer = `{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},` + replace + `]}`
	case legacy:
		s.normalizer = `{"type":"Sequence","normalizers":[` + replace + `]}`
	case space:
		s.preTokenizer = `{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}`
	default:
		s.preTokenizer = `{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":false}`
	}
	var err error
	s.merges, err = pieceMerges(pieces, s.vocab)
	return s, err
}

// pieceMerges lists every way to make a piece of two others, as
// convert_slow_tokenizer.py: generate_merges orders them: by score, then by
// the lengths of the parts in characters, all falling; then by the ids.
func pieceMerges(pieces []spPiece, vocab map[string]int32) ([][2]string, error) {
	type way struct {
		parts       [2]string
		left, right int // lengths in characters
		score       float32
	}
	var ways []way
	cuts, most := 0, 8*len(pieces)+1<<16 // published files have two ways for a piece
	for _, p := range pieces {
		if cuts += len(p.text) * len(p.text); cuts > maxCuts || len(ways) > most {
			return nil, fmt.Errorf("pieces that are too long, all together, or more than %d ways to make %d", most, len(pieces))
		}
		var local []way
		total := utf8.RuneCountInString(p.text)
		at := 0
		for i := range p.text {
			if i > 0 {
				_, okL := vocab[p.text[:i]]
				_, okR := vocab[p.text[i:]]
				if okL && okR {
					local = append(local, way{[2]string{p.text[:i], p.text[i:]}, at, total - at, p.score})
				}
			}
			at++
		}
		slices.SortStableFunc(local, func(a, b way) int {
			return cmp.Or(cmp.Compare(vocab[a.parts[0]], vocab[b.parts[0]]), cmp.Compare(vocab[a.parts[1]], vocab[b.parts[1]]))
		})
		ways = append(ways, local...)
	}
	slices.SortStableFunc(ways, func(a, b way) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.left, a.left), cmp.Compare(b.right, a.right))
	})
	merges := make([][2]string, len(ways))
	for i, w := range ways {
		merges[i] = w.parts
	}
	return merges, nil
}
