package tokenizer

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Components of the byte-level family, in tokenizer.json's words.
const (
	jsonByteLevel      = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`
	jsonByteLevelSpace = `{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}`
	jsonByteDecoder    = `{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}`
)

// jsonSplit is a pre-tokenizer that cuts at the matches of a pattern.
func jsonSplit(pattern string) string {
	return `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":` + jsonString(pattern) + `},"behavior":"Isolated","invert":false},` +
		`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}`
}

// VocabMerges describes a byte-level BPE given as two tables, with GPT-2's
// split pattern or Qwen2's.
type VocabMerges struct {
	Vocab  map[string]int32 // spelling in the byte-level alphabet → id
	Merges []string         // "a b", best first

	Roles    Roles
	Specials []AddedToken // further added tokens; the roles are added anyway

	AddBOS         bool // the template puts the BOS token before a text
	AddPrefixSpace bool // a text that begins with no space gets one; not with Qwen2
	Qwen2          bool // NFC and Qwen2's pattern, as Qwen2Tokenizer
}

// OPTRoles are the special tokens of the OPT checkpoints: </s> begins and
// ends a text, and <s> and <unk>, though in the vocabulary, are plain text
// (tokenizer_config.json of facebook/opt-125m).
func OPTRoles() Roles { return Roles{BOS: "</s>", EOS: "</s>", Unk: "</s>", Pad: "<pad>"} }

// FromVocabMerges makes a Tokenizer of GPT-2's kind. Where no roles are
// given and the vocabulary is OPT's (<s> <pad> </s> <unk> are ids 0 to 3) it
// takes OPTRoles and AddBOS; where it has <|endoftext|>, GPT-2's roles.
func FromVocabMerges(v VocabMerges) (*Tokenizer, error) {
	s := &spec{
		vocab: v.Vocab, preTokenizer: jsonByteLevel, decoder: jsonByteDecoder,
	}
	s.addTokens(v.Specials)
	if v.AddPrefixSpace {
		s.preTokenizer = jsonByteLevelSpace
	}
	if v.Qwen2 {
		s.normalizer, s.preTokenizer = `{"type":"NFC"}`, jsonSplit(patternQwen2)
	}
	if v.Roles == (Roles{}) {
		_, gpt2 := v.Vocab["<|endoftext|>"]
		switch {
		case isOPT(v.Vocab):
			v.Roles, v.AddBOS = OPTRoles(), true
		case gpt2:
			v.Roles = Roles{BOS: "<|endoftext|>", EOS: "<|endoftext|>", Unk: "<|endoftext|>"}
		}
	}
	for i, line := range v.Merges {
		pair, err := splitMerge(line)
		if err != nil {
			return nil, fmt.Errorf("merge %d: %w", i, err)
		}
		s.merges = append(s.merges, pair)
	}
	s.addRoles(v.Roles)
	if err := s.surround(v.Roles, v.AddBOS, false); err != nil {
		return nil, err
	}
	t, err := s.build()
	if err != nil {
		return nil, err
	}
	t.roles = v.Roles
	return t, nil
}

func isOPT(vocab map[string]int32) bool {
	for i, token := range []string{"<s>", "<pad>", "</s>", "<unk>"} {
		if id, ok := vocab[token]; !ok || id != int32(i) {
			return false
		}
	}
	return true
}

// addRoles makes every token with a role an added, special token.
func (s *spec) addRoles(r Roles) {
	var tokens []AddedToken
	for _, token := range []string{r.BOS, r.EOS, r.Unk, r.Pad} {
		tokens = append(tokens, AddedToken{Content: token, Special: true})
	}
	s.addTokens(tokens)
}

// addTokens adds tokens under the ids they have, else under the next free
// ones; of two with the same content the first counts.
func (s *spec) addTokens(tokens []AddedToken) {
	at := make(map[string]int, len(s.added))
	next := int32(len(s.vocab))
	for i, have := range s.added {
		at[have.Content] = i
		next = max(next, have.ID+1)
	}
	for _, a := range tokens {
		if i, ok := at[a.Content]; ok || a.Content == "" {
			if ok && a.Special {
				s.added[i].Special = true
			}
			continue
		}
		a.ID = next
		if id, ok := s.vocab[a.Content]; ok {
			a.ID = id
		}
		next = max(next, a.ID+1)
		at[a.Content] = len(s.added)
		s.added = append(s.added, a)
	}
}

// idOf returns the id of a token of the vocabulary or an added one.
func (s *spec) idOf(token string) (int32, bool) {
	for _, a := range s.added {
		if a.Content == token {
			return a.ID, true
		}
	}
	id, ok := s.vocab[token]
	return id, ok
}

// surround sets the post-processor that puts BOS before and EOS after a text.
func (s *spec) surround(r Roles, bos, eos bool) error {
	var single, pair, table []string
	put := func(token string) error {
		id, ok := s.idOf(token)
		if !ok {
			return fmt.Errorf("post_processor: token %s to be put beside every text has no id", quote(token))
		}
		name := jsonString(token)
		single = append(single, `{"SpecialToken":{"id":`+name+`,"type_id":0}}`)
		pair = append(pair, `{"SpecialToken":{"id":`+name+`,"type_id":0}}`)
		entry := fmt.Sprintf(`%s:{"id":%s,"ids":[%d],"tokens":[%s]}`, name, name, id, name)
		if !slices.Contains(table, entry) {
			table = append(table, entry)
		}
		return nil
	}
	if !bos && !eos {
		s.postProcessor = ""
		return nil
	}
	if bos {
		if err := put(r.BOS); err != nil {
			return err
		}
	}
	single = append(single, `{"Sequence":{"id":"A","type_id":0}}`)
	pair = append(pair, `{"Sequence":{"id":"A","type_id":0}}`, `{"Sequence":{"id":"B","type_id":1}}`)
	if eos {
		if err := put(r.EOS); err != nil {
			return err
		}
	}
	s.postProcessor = `{"type":"TemplateProcessing","single":[` + strings.Join(single, ",") +
		`],"pair":[` + strings.Join(pair, ",") + `],"special_tokens":{` + strings.Join(table, ",") + `}}`
	return nil
}

// readVocabMerges reads the two tables from the text of vocab.json and
// merges.txt; a first line "#version: …" is no merge.
func readVocabMerges(vocabText, mergesText []byte) (map[string]int32, []string, error) {
	root, err := parseJSON(vocabText)
	if err != nil {
		return nil, nil, fmt.Errorf("vocab.json: %w", err)
	}
	vocab, err := parseVocab(field{root, "vocab.json"})
	if err != nil {
		return nil, nil, err
	}
	if n := bytes.Count(mergesText, []byte("\n")); n > maxMerges {
		return nil, nil, fmt.Errorf("merges.txt: %d lines, at most %d are taken", n, maxMerges)
	}
	lines := strings.Split(strings.TrimSuffix(string(mergesText), "\n"), "\n")
	if strings.HasPrefix(lines[0], "#version") {
		lines = lines[1:]
	}
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return vocab, lines, nil
}
