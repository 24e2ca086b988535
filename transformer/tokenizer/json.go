package tokenizer

import (
	"fmt"
	"os"

	"lamina/internal/strictjson"
)

// maxFileSize bounds the tokenizer files read; the largest published one is
// about 35 MB.
const maxFileSize = 256 << 20

// readFile reads a whole file of at most maxFileSize bytes.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileSize || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: no regular file of at most %d bytes", path, maxFileSize)
	}
	return os.ReadFile(path)
}

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
			*to = string(text[part.Start:part.End])
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
	if d := f.at("dropout"); !d.null() && d.Text != "0" && d.Text != "0.0" {
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
	if f.null() || f.Kind != strictjson.Object {
		return nil, f.errorf("want an object")
	}
	vocab := make(map[string]int32, len(f.Names))
	for i, token := range f.Names {
		id, err := field{&f.Kids[i], f.path + "[" + quote(token) + "]"}.integer(-1, maxID)
		if err != nil {
			return nil, err
		}
		if id < 0 {
			return nil, f.errorf("token %s has no id", quote(token))
		}
		vocab[token] = int32(id)
	}
	return vocab, nil
}

// parseMerges reads ["a b", …] or [["a","b"], …].
func parseMerges(f field) ([][2]string, error) {
	if f.null() {
		return nil, f.errorf("no merges")
	}
	if f.Kind != strictjson.Array {
		return nil, f.errorf("want an array")
	}
	merges := make([][2]string, 0, len(f.Kids))
	for i := range f.Kids {
		one := &f.Kids[i]
		switch {
		case one.Kind == strictjson.String:
			pair, err := splitMerge(one.Text)
			if err != nil {
				return nil, fmt.Errorf("%s[%d]: %w", f.path, i, err)
			}
			merges = append(merges, pair)
		case one.Kind == strictjson.Array && len(one.Kids) == 2 && one.Kids[0].Kind == strictjson.String && one.Kids[1].Kind == strictjson.String:
			merges = append(merges, [2]string{one.Kids[0].Text, one.Kids[1].Text})
		default:
			return nil, fmt.Errorf("%s[%d]: want a pair of tokens", f.path, i)
		}
	}
	return merges, nil
}
