package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lamina/internal/strictjson"
)

// Load reads the tokenizer of a Hugging Face directory as transformers'
// AutoTokenizer does: tokenizer.json, else tokenizer.model, else vocab.json
// with merges.txt; beside them tokenizer_config.json, special_tokens_map.json
// and added_tokens.json where they are there.
func Load(dir string) (*Tokenizer, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	loaders := []struct {
		file string
		load func(c *config, path string, data []byte) (*Tokenizer, error)
	}{
		{"tokenizer.json", loadJSON},
		{"tokenizer.model", loadSentencePiece},
		{"vocab.json", loadVocabMerges},
	}
	for _, l := range loaders {
		path := filepath.Join(dir, l.file)
		if l.file == "tokenizer.json" && c.fromModel(dir) {
			continue
		}
		data, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t, err := l.load(c, path, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		t.tidy, t.further, t.templates = c.tidy, c.special, c.templates
		t.verbatim.splits, t.normalized.splits = c.split, c.split
		return t, nil
	}
	return nil, fmt.Errorf("%s: no tokenizer: want tokenizer.json, tokenizer.model, or vocab.json with merges.txt", dir)
}

// fromModel reports whether transformers would make the tokenizer anew from
// tokenizer.model: LlamaTokenizerFast does where add_prefix_space is set.
func (c *config) fromModel(dir string) bool {
	if c.class != "LlamaTokenizer" || !c.prefixSet {
		return false
	}
	return exists(dir, "tokenizer.model")
}

// config is what tokenizer_config.json and its older companions say.
type config struct {
	present           bool // tokenizer_config.json is there
	class             string
	roles             Roles
	special           []SpecialToken    // what roles does not say
	templates         map[string]string // chat templates with names
	split             bool              // split_special_tokens
	said              map[string]bool   // members that are there, null or not
	added             []AddedToken      // roles and added tokens, with their flags
	addBOS            bool              // true by default, as LlamaTokenizer has it
	addEOS            bool
	prefix, prefixSet bool
	legacy            bool
	tidy              bool // clean_up_tokenization_spaces: false by default in every class here
}

func readOptional(path string) (field, error) {
	f := field{path: filepath.Base(path)}
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.Node, err = parseJSON(text)
	if err == nil && f.Kind() != strictjson.Object {
		err = f.errorf("want an object")
	}
	if err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func readConfig(dir string) (*config, error) {
	main, err := readOptional(filepath.Join(dir, "tokenizer_config.json"))
	if err != nil {
		return nil, err
	}
	special, err := readOptional(filepath.Join(dir, "special_tokens_map.json"))
	if err != nil {
		return nil, err
	}
	added, err := readOptional(filepath.Join(dir, "added_tokens.json"))
	if err != nil {
		return nil, err
	}
	c := &config{present: !main.Absent(), said: map[string]bool{}}
	var b bag
	c.class = strings.TrimSuffix(b.text(main.at("tokenizer_class"), ""), "Fast")
	c.addBOS = b.boolean(main.at("add_bos_token"), true)
	c.addEOS = b.boolean(main.at("add_eos_token"), false)
	c.legacy = b.boolean(main.at("legacy"), true)
	c.tidy = b.boolean(main.at("clean_up_tokenization_spaces"), false)
	c.split = b.boolean(main.at("split_special_tokens"), false)
	c.prefix = b.boolean(main.at("add_prefix_space"), false)
	c.prefixSet = !main.at("add_prefix_space").null()
	for _, f := range []field{main, special} {
		for k, value := range f.Members() {
			c.said[k] = c.said[k] || value.Kind() != strictjson.Null || f.path == main.path
		}
	}
	b.keep(c.decoderTable(main.at("added_tokens_decoder")))
	modern := !main.at("added_tokens_decoder").null()
	if modern {
		special = field{path: special.path}
	}
	b.keep(c.readRoles(main, special))
	if !modern {
		b.keep(c.oldAdded(added))
	}
	b.keep(c.readTemplates(dir, main.at("chat_template")))
	if b.err != nil {
		return nil, fmt.Errorf("%s: %w", dir, b.err)
	}
	return c, c.findClass(dir)
}

// findClass settles the class and takes what comes with it. Without any
// configuration, vocab.json is asked for its family instead.
func (c *config) findClass(dir string) error {
	if c.class == "" {
		name, err := classOfModel(dir)
		if err != nil {
			return err
		}
		c.class = strings.TrimSuffix(name, "Fast")
	}
	if !c.present && (c.class == "" || c.class == "GPT2Tokenizer") {
		return nil
	}
	if c.class == "" && !exists(dir, "tokenizer.json") && !exists(dir, "tokenizer.model") {
		c.class = "GPT2Tokenizer"
	}
	if c.class == "" && !exists(dir, "tokenizer.json") {
		return nil // the model file names its tokens
	}
	c.takeClass(c.class)
	return nil
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func loadJSON(c *config, _ string, text []byte) (*Tokenizer, error) {
	s, err := parseSpec(text)
	if err != nil {
		return nil, err
	}
	s.addTokens(c.added)
	if c.present && strings.HasPrefix(s.preTokenizer, "{") {
		s.overridePrefix(c.prefix)
	}
	if c.class == "BloomTokenizer" && c.prefix {
		s.overrideEveryPrefix()
	}
	if classOf(c.class).surrounds {
		if err := s.surround(c.roles, c.addBOS, c.addEOS); err != nil {
			return nil, err
		}
	}
	t, err := s.build()
	if err != nil {
		return nil, err
	}
	t.roles = c.roles
	return t, nil
}

// overridePrefix sets add_prefix_space of a pre-tokenizer that is a plain
// ByteLevel to the configuration's, as PreTrainedTokenizerFast does.
func (s *spec) overridePrefix(prefix bool) {
	f, err := component("pre_tokenizer", s.preTokenizer)
	if err != nil {
		return // build reports it
	}
	if kind, _ := f.at("type").text(""); kind != "ByteLevel" || f.only("type", "add_prefix_space", "use_regex", "trim_offsets") != nil {
		return
	}
	have, _ := f.at("add_prefix_space").boolean(true)
	regex, err := f.at("use_regex").boolean(true)
	if have == prefix || err != nil {
		return
	}
	s.preTokenizer = fmt.Sprintf(`{"type":"ByteLevel","add_prefix_space":%t,"trim_offsets":true,"use_regex":%t}`, prefix, regex)
}

func loadSentencePiece(c *config, _ string, data []byte) (*Tokenizer, error) {
	return FromSentencePiece(data, SentencePieceOptions{
		Legacy:        c.legacy || c.class == "CodeLlamaTokenizer",
		NoPrefixSpace: c.said["add_prefix_space"] && !c.prefix,
		NoBOS:         !c.addBOS,
		AddEOS:        c.addEOS,
		Roles:         c.roles,
		Specials:      c.added,
	})
}

func loadVocabMerges(c *config, path string, vocabText []byte) (*Tokenizer, error) {
	mergesText, err := readFile(filepath.Join(filepath.Dir(path), "merges.txt"))
	if err != nil {
		return nil, err
	}
	vocab, merges, err := readVocabMerges(vocabText, mergesText)
	if err != nil {
		return nil, err
	}
	v := VocabMerges{
		Vocab: vocab, Merges: merges, Roles: c.roles, Specials: c.added, AddPrefixSpace: c.prefix,
		Qwen2: c.class == "Qwen2Tokenizer", AddBOS: c.present && c.addBOS && c.said["add_bos_token"],
	}
	return FromVocabMerges(v)
}
