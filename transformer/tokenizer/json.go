package tokenizer

import (
	"fmt"
	"strconv"
	"strings"

	"lamina/internal/files"
	"lamina/internal/strictjson"
)

// maxFileSize bounds the tokenizer files read; the largest published one is
// about 35 MB.
const maxFileSize = 256 << 20

// readFile reads a whole file of at most maxFileSize bytes. Errors name it.
func readFile(path string) ([]byte, error) { return files.Read(path, maxFileSize) }

// FromJSON makes a Tokenizer of the text of a tokenizer.json. Every
// component, member and pattern in it must be known; an error names the
// place. Truncation and padding settings are not used, as transformers
// resets both on every call.
func FromJSON(text []byte) (*Tokenizer, error) {
	s, err := parseSpec(text)
	if err != nil {
		return nil, err
	}
	return s.build()
}

func parseSpec(text []byte) (*spec, error) {
	root, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	f := field{root, "$"}
	if err := f.only("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"); err != nil {
		return nil, err
	}
	s := &spec{}
	for name, to := range map[string]*string{
		"normalizer": &s.normalizer, "pre_tokenizer": &s.preTokenizer,
		"post_processor": &s.postProcessor, "decoder": &s.decoder,
	} {
		if part := f.at(name); !part.null() {
			*to = strings.Clone(part.Source()) // does not keep the file
		}
	}
	if err := s.parseModel(f.at("model")); err != nil {
		return nil, err
	}
	added, err := f.at("added_tokens").each()
	if err != nil {
		return nil, err
	}
	for _, one := range added {
		if err := one.only("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"); err != nil {
			return nil, err
		}
		token, err := parseAdded(one)
		if err != nil {
			return nil, err
		}
		if one.at("id").null() {
			return nil, one.errorf("no id")
		}
		s.added = append(s.added, token)
	}
	return s, nil
}

// parseAdded reads an added token, of tokenizer.json or tokenizer_config.json.
func parseAdded(f field) (AddedToken, error) {
	var b bag
	a := AddedToken{
		ID:         int32(b.integer(f.at("id"), 0, maxID)),
		Content:    b.text(f.at("content"), ""),
		SingleWord: b.boolean(f.at("single_word"), false),
		LStrip:     b.boolean(f.at("lstrip"), false),
		RStrip:     b.boolean(f.at("rstrip"), false),
		Special:    b.boolean(f.at("special"), false),
	}
	a.Normalized = b.boolean(f.at("normalized"), !a.Special)
	return a, b.err
}

func (s *spec) parseModel(f field) error {
	if err := f.only("type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"); err != nil {
		return err
	}
	var b bag
	if kind := b.text(f.at("type"), "BPE"); kind != "BPE" && b.err == nil {
		return f.at("type").errorf("model %s is not supported (known: BPE)", quote(kind))
	}
	if d := f.at("dropout"); !d.null() && d.Text() != "0" && d.Text() != "0.0" {
		return d.errorf("dropout while encoding is random and not supported")
	}
	for _, name := range []string{"continuing_subword_prefix", "end_of_word_suffix"} {
		if b.text(f.at(name), "") != "" {
			return f.at(name).errorf("not supported")
		}
	}
	s.unk = b.text(f.at("unk_token"), "")
	s.fuseUnk = b.boolean(f.at("fuse_unk"), false)
	s.byteFallback = b.boolean(f.at("byte_fallback"), false)
	s.ignoreMerges = b.boolean(f.at("ignore_merges"), false)
	if b.err != nil {
		return b.err
	}
	var err error
	if s.vocab, err = parseVocab(f.at("vocab")); err != nil {
		return err
	}
	s.merges, err = parseMerges(f.at("merges"))
	return err
}

// parseVocab reads {"token": id, …}.
func parseVocab(f field) (map[string]int32, error) {
	if f.null() || f.Kind() != strictjson.Object {
		return nil, f.errorf("want an object")
	}
	n := f.Len()
	if n > maxVocab {
		return nil, f.errorf("%d tokens, at most %d are taken", n, maxVocab)
	}
	vocab := make(map[string]int32, n)
	for token, value := range f.Members() {
		id, err := strconv.Atoi(value.Text())
		switch {
		case value.Kind() == strictjson.Null:
			return nil, f.errorf("token %s has no id", quote(token))
		case value.Kind() != strictjson.Number || err != nil || id < 0 || id > maxID:
			_, err := field{value, f.path + "[" + quote(token) + "]"}.integer(-1, maxID)
			return nil, err
		}
		vocab[strings.Clone(token)] = int32(id)
	}
	return vocab, nil
}

// pairOfTexts returns the two texts of an array of two, nil for anything else.
func pairOfTexts(n strictjson.Node) *[2]string {
	var pair [2]string
	count := 0
	for i, one := range n.Items() {
		if i == 2 || one.Kind() != strictjson.String {
			return nil
		}
		pair[i] = strings.Clone(one.Text())
		count++
	}
	if count != 2 {
		return nil
	}
	return &pair
}

// parseMerges reads ["a b", …] or [["a","b"], …].
func parseMerges(f field) ([][2]string, error) {
	if f.null() {
		return nil, f.errorf("no merges")
	}
	if f.Kind() != strictjson.Array {
		return nil, f.errorf("want an array")
	}
	n := f.Len()
	if n > maxMerges {
		return nil, f.errorf("%d merges, at most %d are taken", n, maxMerges)
	}
	merges := make([][2]string, 0, n)
	for i, one := range f.Items() {
		parts := pairOfTexts(one)
		switch {
		case one.Kind() == strictjson.String:
			pair, err := splitMerge(strings.Clone(one.Text()))
			if err != nil {
				return nil, fmt.Errorf("%s[%d]: %w", f.path, i, err)
			}
			merges = append(merges, pair)
		case parts != nil:
			merges = append(merges, *parts)
		default:
			return nil, fmt.Errorf("%s[%d]: want a pair of tokens", f.path, i)
		}
	}
	return merges, nil
}
