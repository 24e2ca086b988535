package tokenizer

import (
	"fmt"
	"slices"
)

// GGUFMeta is the tokenizer part of a GGUF header (keys tokenizer.ggml.*).
type GGUFMeta struct {
	Model      string    // "gpt2" (byte-level BPE) or "llama" (SentencePiece BPE)
	Pre        string    // which split pattern, for gpt2
	Tokens     []string  // by id
	Merges     []string  // "a b", for gpt2
	TokenTypes []int32   // by id; may be empty
	Scores     []float32 // by id, for llama

	BOS, EOS, Pad, Unk int // ids, -1 for none
	AddBOS, AddEOS     bool
	NoSpacePrefix      bool // add_space_prefix = false, for llama
	ChatTemplate       string
	Warnings           []string // of who read the file, for [Tokenizer.Warnings]
}

// Token types of GGUF, the same numbers as SentencePiece's.
const (
	typeNormal  = 1
	typeUnknown = 2
	typeControl = 3
	typeUser    = 4
	typeUnused  = 5
	typeByte    = 6
)

// ggufPre are the known values of tokenizer.ggml.pre, as llama.cpp has them
// (src/llama-vocab.cpp), in tokenizer.json's words.
type ggufPre struct {
	names        []string
	normalizer   string
	preTokenizer string
	ignoreMerges bool
	addBOS       bool // where the file does not say
}

func ggufPres() []ggufPre {
	return []ggufPre{
		{
			names:        []string{"gpt-2", "phi-2", "olmo", "mpt", "jais", "trillion", "granite-docling", "gigachat", "a.x-4.0", "mellum"},
			preTokenizer: jsonByteLevel,
		},
		{
			names:        []string{"smollm", "starcoder", "refact", "command-r"},
			preTokenizer: `{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},` + jsonByteLevel + `]}`,
		},
		{
			names:        []string{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
			preTokenizer: jsonSplit(patternLlama3), ignoreMerges: true, addBOS: true,
		},
		{names: []string{"smaug-bpe", "dbrx"}, preTokenizer: jsonSplit(patternLlama3)},
		{names: []string{"bloom", "gpt3-finnish"}, preTokenizer: jsonSplit(patternBloom)},
		{names: []string{"qwen2", "deepseek-r1-qwen"}, preTokenizer: jsonSplit(patternQwen2), normalizer: `{"type":"NFC"}`},
		{names: []string{"default"}, preTokenizer: jsonDefaultSplit},
	}
}

// jsonDefaultSplit is how llama.cpp splits where a file does not say: GPT-2's words of
// what lies between punctuation, digits in groups of three from the left.
var jsonDefaultSplit = `{"type":"Sequence","pretokenizers":[` + jsonIsolated(`[\p{P}\$\+<=>\^~\|]+`) + "," + jsonIsolated(patternGPT2) + "," +
	jsonIsolated(`\p{N}+`) + "," + jsonIsolated(`[0-9][0-9][0-9]`) + `,{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}`

func jsonIsolated(pattern string) string {
	return `{"type":"Split","pattern":{"Regex":` + jsonString(pattern) + `},"behavior":"Isolated","invert":false}`
}

// GGUFPreAddsBOS reports whether texts of a file with this tokenizer.ggml.pre begin with
// the BOS token where the file does not say.
func GGUFPreAddsBOS(pre string) bool {
	for _, p := range ggufPres() {
		if slices.Contains(p.names, pre) {
			return p.addBOS
		}
	}
	return false
}

// FromGGUF makes a Tokenizer of GGUF metadata. An unknown model or pre is an
// error that names the known ones.
func FromGGUF(meta GGUFMeta) (*Tokenizer, error) {
	if len(meta.TokenTypes) != 0 && len(meta.TokenTypes) != len(meta.Tokens) {
		return nil, fmt.Errorf("tokenizer.ggml.token_type: %d types for %d tokens", len(meta.TokenTypes), len(meta.Tokens))
	}
	roles := Roles{ChatTemplate: meta.ChatTemplate}
	for _, r := range []struct {
		name string
		id   int
		to   *string
	}{{"bos", meta.BOS, &roles.BOS}, {"eos", meta.EOS, &roles.EOS}, {"padding", meta.Pad, &roles.Pad}, {"unknown", meta.Unk, &roles.Unk}} {
		if r.id < 0 {
			continue
		}
		if r.id >= len(meta.Tokens) {
			return nil, fmt.Errorf("tokenizer.ggml.%s_token_id: %d, but there are %d tokens", r.name, r.id, len(meta.Tokens))
		}
		*r.to = meta.Tokens[r.id]
	}
	var s *spec
	var err error
	switch meta.Model {
	case "gpt2":
		s, err = meta.byteLevel()
	case "llama":
		s, err = meta.sentencePiece()
	default:
		return nil, fmt.Errorf("tokenizer.ggml.model: %s is not supported (known: gpt2, llama)", quote(meta.Model))
	}
	if err != nil {
		return nil, err
	}
	s.addRoles(roles)
	if err := s.surround(roles, meta.AddBOS, meta.AddEOS); err != nil {
		return nil, err
	}
	t, err := s.build()
	if err != nil {
		return nil, err
	}
	t.roles, t.warnings = roles, meta.Warnings
	return t, nil
}

func (meta GGUFMeta) byteLevel() (*spec, error) {
	s := &spec{decoder: jsonByteDecoder, vocab: make(map[string]int32, len(meta.Tokens))}
	var known []string
	for _, p := range ggufPres() {
		known = append(known, p.names...)
		if slices.Contains(p.names, meta.Pre) {
			s.normalizer, s.preTokenizer, s.ignoreMerges = p.normalizer, p.preTokenizer, p.ignoreMerges
		}
	}
	if s.preTokenizer == "" {
		return nil, fmt.Errorf("tokenizer.ggml.pre: %s is not supported (known: %v)", quote(meta.Pre), known)
	}
	for id, token := range meta.Tokens {
		if have, dup := s.vocab[token]; dup {
			return nil, fmt.Errorf("tokenizer.ggml.tokens[%d]: %s is token %d already", id, quote(token), have)
		}
		s.vocab[token] = int32(id)
		if len(meta.TokenTypes) > 0 {
			switch meta.TokenTypes[id] {
			case typeControl, typeUnknown:
				s.added = append(s.added, AddedToken{ID: int32(id), Content: token, Special: true})
			case typeUser:
				s.added = append(s.added, AddedToken{ID: int32(id), Content: token})
			}
		}
	}
	for i, line := range meta.Merges {
		pair, err := splitMerge(line)
		if err != nil {
			return nil, fmt.Errorf("tokenizer.ggml.merges[%d]: %w", i, err)
		}
		s.merges = append(s.merges, pair)
	}
	return s, nil
}

func (meta GGUFMeta) sentencePiece() (*spec, error) {
	if len(meta.Scores) != len(meta.Tokens) || len(meta.TokenTypes) != len(meta.Tokens) {
		return nil, fmt.Errorf("tokenizer.ggml: model llama needs a score and a type for each of %d tokens, got %d and %d",
			len(meta.Tokens), len(meta.Scores), len(meta.TokenTypes))
	}
	pieces := make([]spPiece, len(meta.Tokens))
	for i, token := range meta.Tokens {
		pieces[i] = spPiece{token, meta.Scores[i], meta.TokenTypes[i]}
	}
	return pieceSpec(pieces, !meta.NoSpacePrefix, true)
}
