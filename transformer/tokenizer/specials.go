package tokenizer

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"

	"lamina/internal/files"
	"lamina/internal/strictjson"
)

// maxTemplate bounds the bytes of a chat template, as package transformer/chat does: long
// ones have ten thousand.
const maxTemplate = 64 << 10

// A SpecialToken is what transformers' special_tokens_map says of a name: the text of a
// token, or of several ("additional_special_tokens").
type SpecialToken struct {
	Name  string
	Texts []string
}

// SpecialTokens returns the special tokens by their names, as chat templates see them.
func (t *Tokenizer) SpecialTokens() []SpecialToken {
	var all []SpecialToken
	for _, r := range [][2]string{{"bos_token", t.roles.BOS}, {"eos_token", t.roles.EOS}, {"unk_token", t.roles.Unk}, {"pad_token", t.roles.Pad}} {
		if r[1] != "" {
			all = append(all, SpecialToken{r[0], []string{r[1]}})
		}
	}
	return append(all, t.further...)
}

// ChatTemplates returns the chat templates of a tokenizer that has several, by name; nil
// where it has one ([Roles]) or none.
func (t *Tokenizer) ChatTemplates() map[string]string { return t.templates }

// maxFurther bounds special tokens that stand beside tokenizer.json, without their ids.
const maxFurther = 1 << 15

// readRoles takes the special tokens. What special_tokens_map.json says of one counts
// before what tokenizer_config.json says, and further ones are those of both, as
// transformers has it for directories without added_tokens_decoder.
func (c *config) readRoles(main, special field) error {
	var sep, cls, mask string
	for _, r := range []struct {
		key string
		to  *string
	}{{"bos_token", &c.roles.BOS}, {"eos_token", &c.roles.EOS}, {"unk_token", &c.roles.Unk}, {"sep_token", &sep}, {"pad_token", &c.roles.Pad}, {"cls_token", &cls}, {"mask_token", &mask}} {
		one := special.at(r.key)
		if one.Absent() { // one that is null counts: there is none
			one = main.at(r.key)
		}
		if one.null() {
			continue
		}
		token, err := parseSpecial(one)
		if err != nil {
			return err
		}
		*r.to = token.Content
		c.added = append(c.added, token)
	}
	for _, t := range []SpecialToken{{"sep_token", []string{sep}}, {"cls_token", []string{cls}}, {"mask_token", []string{mask}}} {
		if t.Texts[0] != "" {
			c.special = append(c.special, t)
		}
	}
	var further []string
	known := map[string]bool{}
	for _, f := range []field{main.at("additional_special_tokens"), special.at("additional_special_tokens"), main.at("extra_special_tokens")} {
		if f.Kind() == strictjson.Object {
			continue // named ones, below
		}
		if n := f.Len(); n > maxFurther {
			return f.errorf("%d items, at most %d are taken", n, maxFurther)
		}
		more, err := f.each()
		if err != nil {
			return err
		}
		for _, one := range more {
			token, err := parseSpecial(one)
			if err != nil {
				return err
			}
			if !known[token.Content] {
				known[token.Content] = true
				further = append(further, token.Content)
				c.added = append(c.added, token)
			}
		}
	}
	if len(further) > 0 {
		c.special = append(c.special, SpecialToken{"additional_special_tokens", further})
	}
	return c.readNamed(main.at("extra_special_tokens"))
}

// readNamed reads special tokens of a model's own: {"image_token": "<image>", …}.
func (c *config) readNamed(f field) error {
	if f.null() || f.Kind() != strictjson.Object {
		return nil
	}
	if n := f.Len(); n > maxFurther {
		return f.errorf("%d members, at most %d are taken", n, maxFurther)
	}
	for name, value := range f.Members() {
		token, err := parseSpecial(field{value, f.path + "." + name})
		if err != nil {
			return err
		}
		c.special = append(c.special, SpecialToken{name, []string{token.Content}})
		c.added = append(c.added, token)
	}
	return nil
}

// parseSpecial reads a special token: its text or an object with flags.
func parseSpecial(f field) (AddedToken, error) {
	if f.Kind() == strictjson.String {
		return AddedToken{Content: f.Text(), Special: true}, nil
	}
	a, err := parseAdded(f)
	a.Special = true
	return a, err
}

// decoderTable reads added_tokens_decoder: {"id": {"content": …}, …}.
func (c *config) decoderTable(f field) error {
	if f.null() {
		return nil
	}
	if f.Kind() != strictjson.Object {
		return f.errorf("want an object")
	}
	from := len(c.added)
	if n := f.Len(); n > maxItems {
		return f.errorf("%d members, at most %d are taken", n, maxItems)
	}
	for key, value := range f.Members() {
		id, err := strconv.Atoi(key)
		if err != nil || id < 0 || id > maxID {
			return f.errorf("bad id %s", quote(key))
		}
		a, err := parseAdded(field{value, f.path + "[" + quote(key) + "]"})
		if err != nil {
			return err
		}
		a.ID = int32(id)
		c.added = append(c.added, a)
	}
	slices.SortStableFunc(c.added[from:], func(a, b AddedToken) int { return int(a.ID - b.ID) })
	return nil
}

// oldAdded reads added_tokens.json: {"token": id, …}.
func (c *config) oldAdded(f field) error {
	if f.Absent() {
		return nil
	}
	if n := f.Len(); n > maxFurther {
		return f.errorf("%d members, at most %d are taken", n, maxFurther)
	}
	vocab, err := parseVocab(f)
	if err != nil {
		return err
	}
	special := map[string]bool{}
	for _, a := range c.added {
		special[a.Content] = true
	}
	var tokens []AddedToken
	for token, id := range vocab {
		tokens = append(tokens, AddedToken{ID: id, Content: token, Special: special[token], Normalized: !special[token]})
	}
	slices.SortFunc(tokens, func(a, b AddedToken) int { return int(a.ID - b.ID) })
	c.added = append(tokens, c.added...)
	return nil
}

// readTemplates reads the chat template, or named ones, of which "default" is the one
// where nothing else is asked for. That of chat_template.jinja counts before them.
func (c *config) readTemplates(dir string, f field) error {
	text, err := files.Read(filepath.Join(dir, "chat_template.jinja"), maxTemplate)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		c.roles.ChatTemplate = string(text)
		return err
	}
	if f.null() || f.Kind() != strictjson.Array {
		c.roles.ChatTemplate, err = f.text("")
		return err
	}
	list, err := f.each()
	c.templates = map[string]string{}
	for _, one := range list {
		var b bag
		c.templates[b.text(one.at("name"), "")] = b.text(one.at("template"), "")
		if b.err != nil {
			return b.err
		}
	}
	c.roles.ChatTemplate = c.templates["default"]
	return err
}
