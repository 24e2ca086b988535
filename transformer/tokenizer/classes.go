package tokenizer

import (
	"path/filepath"
	"regexp"
)

// A class is what transformers' tokenizer classes do beyond their files: the
// tokens they name where tokenizer_config.json does not, and their own
// template in place of the file's (tokenization_*_fast.py of transformers
// 4.51.3; the name without "Fast").
type class struct {
	roles     Roles
	more      []string // further special tokens
	surrounds bool     // BOS and EOS by add_bos_token and add_eos_token
}

func classOf(name string) class {
	switch name {
	case "GPT2Tokenizer":
		return class{roles: Roles{BOS: "<|endoftext|>", EOS: "<|endoftext|>", Unk: "<|endoftext|>"}}
	case "Qwen2Tokenizer":
		return class{roles: Roles{EOS: "<|endoftext|>", Unk: "<|endoftext|>", Pad: "<|endoftext|>"}}
	case "BloomTokenizer":
		return class{roles: Roles{BOS: "<s>", EOS: "</s>", Unk: "<unk>", Pad: "<pad>"}}
	case "LlamaTokenizer":
		return class{roles: Roles{BOS: "<s>", EOS: "</s>", Unk: "<unk>"}, surrounds: true}
	case "CodeLlamaTokenizer":
		return class{
			roles:     Roles{BOS: "<s>", EOS: "</s>", Unk: "<unk>"},
			more:      []string{"▁<PRE>", "▁<MID>", "▁<SUF>", "▁<EOT>"},
			surrounds: true,
		}
	case "GemmaTokenizer":
		return class{roles: Roles{BOS: "<bos>", EOS: "<eos>", Unk: "<unk>", Pad: "<pad>"}, surrounds: true}
	}
	return class{}
}

// classOfModel names the class of a directory whose tokenizer_config.json
// names none: config.json's, else the one of its model type; "" for none.
func classOfModel(dir string) (string, error) {
	f, err := readOptional(filepath.Join(dir, "config.json"))
	if err != nil {
		return "", err
	}
	var b bag
	name := b.text(f.at("tokenizer_class"), "")
	kind := b.text(f.at("model_type"), "")
	if name == "" {
		name = map[string]string{
			"bloom": "BloomTokenizer", "gpt2": "GPT2Tokenizer", "opt": "GPT2Tokenizer", "qwen2": "Qwen2Tokenizer",
			"llama": "LlamaTokenizer", "mistral": "LlamaTokenizer", "mixtral": "LlamaTokenizer",
		}[kind]
	}
	return name, b.err
}

// takeClass gives the roles that no file names to the class's tokens.
func (c *config) takeClass(name string) {
	have := classOf(name)
	for _, r := range []struct {
		key   string
		to    *string
		token string
	}{
		{"bos_token", &c.roles.BOS, have.roles.BOS}, {"eos_token", &c.roles.EOS, have.roles.EOS},
		{"unk_token", &c.roles.Unk, have.roles.Unk}, {"pad_token", &c.roles.Pad, have.roles.Pad},
	} {
		if *r.to == "" && !c.said[r.key] && r.token != "" {
			*r.to = r.token
			c.added = append(c.added, AddedToken{Content: r.token, Special: true})
		}
	}
	for _, token := range have.more {
		c.added = append(c.added, AddedToken{Content: token, Special: true})
	}
}

var prefixOff = regexp.MustCompile(`"add_prefix_space"\s*:\s*false`)

// overrideEveryPrefix sets add_prefix_space of every ByteLevel, as
// BloomTokenizerFast does where the configuration sets it.
func (s *spec) overrideEveryPrefix() {
	s.preTokenizer = prefixOff.ReplaceAllString(s.preTokenizer, `"add_prefix_space":true`)
}
