package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Limits of a repository's README.md: of all that is read of it, of the block that
// is parsed, and of how deep its brackets nest.
const (
	maxCard    = 4 << 20
	maxConfigs = 256 << 10
	maxFlow    = 32
)

// config is a configuration as a repository's card has it.
type config struct {
	name, dir string
	standard  bool
	files     []splitFiles // none: the rules of names decide, below dir
}

// splitFiles are the patterns of one split's files.
type splitFiles struct {
	split    string
	patterns []string
}

// catalogue says what each file of a directory belongs to: as README.md has it,
// else by the rules of names. standard is the configuration that is meant where
// none is named.
func catalogue(dir *folder, l listing) (all []candidate, ignored []string, standard string, err error) {
	var configs []config
	if l.card {
		text, err := dir.readCard()
		if err != nil {
			return nil, nil, "", err
		}
		if configs, err = parseCard(text); err != nil {
			return nil, nil, "", fmt.Errorf("README.md: configs: %w", err)
		}
	}
	for _, c := range configs {
		files, err := c.assign(l.data)
		if err != nil {
			return nil, nil, "", fmt.Errorf("README.md: configuration %.128q: %w", c.name, err)
		}
		all = append(all, files...)
		if len(files) > 0 && standard == "" && (c.standard || len(configs) == 1) {
			standard = c.name
		}
	}
	// A card whose patterns fit none of the files here was written for others: the
	// files' names decide then, as if there were none.
	if len(all) == 0 {
		all, ignored, err = assign(l.data)
		return all, ignored, "", err
	}
	for _, name := range l.data {
		if !slices.ContainsFunc(all, func(c candidate) bool { return c.name == name }) {
			ignored = append(ignored, name)
		}
	}
	return all, ignored, standard, nil
}

// assign returns the files that a configuration names, with their splits.
func (c config) assign(names []string) ([]candidate, error) {
	if len(c.files) == 0 {
		var below []string
		for _, name := range names {
			if rel, ok := strings.CutPrefix(name, c.dir+"/"); ok || c.dir == "" {
				below = append(below, rel)
			}
		}
		if len(below) == 0 {
			return nil, nil
		}
		found, _, err := assign(below)
		for i := range found {
			found[i].name, found[i].config = path.Join(c.dir, found[i].name), c.name
		}
		return found, err
	}
	var out []candidate
	for _, s := range c.files {
		for _, pattern := range s.patterns {
			if strings.Contains(pattern, "://") || path.IsAbs(pattern) || slices.Contains(strings.Split(pattern, "/"), "..") {
				return nil, fmt.Errorf("the files %.128q lie outside the directory", pattern)
			}
			pattern = path.Join(c.dir, pattern)
			for _, name := range names {
				if match(pattern, name) {
					out = append(out, candidate{name, c.name, s.split})
				}
			}
		}
	}
	return out, nil
}

// parseCard reads the configurations of a card: the member "configs" of the YAML
// between its first two lines of "---". Other members are not looked at. A card
// without them has no configurations.
func parseCard(text []byte) ([]config, error) {
	block := configsOf(text)
	if block == nil {
		return nil, nil
	}
	if len(block) > maxConfigs {
		return nil, fmt.Errorf("more than %d bytes", maxConfigs)
	}
	items, err := parseYAML(block)
	if err != nil {
		return nil, err
	}
	var out []config
	for i, item := range items {
		c, err := parseConfig(item)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// parseYAML reads the list that block names configs. The library panics on some
// texts that are no YAML, which is an error here like any other.
func parseYAML(block []byte) (items []any, err error) {
	defer func() {
		if r := recover(); r != nil {
			items, err = nil, fmt.Errorf("no YAML: %.100q", fmt.Sprint(r))
		}
	}()
	depth := 0
	for _, t := range lexer.Tokenize(string(block)) {
		switch t.Type {
		case token.AnchorType, token.AliasType:
			return nil, fmt.Errorf("line %d: anchors are not read", t.Position.Line)
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		}
		if depth > maxFlow {
			return nil, fmt.Errorf("line %d: nested deeper than %d", t.Position.Line, maxFlow)
		}
	}
	var doc struct{ Configs []any }
	if err := yaml.Unmarshal(block, &doc); err != nil {
		return nil, errors.New(strings.Join(strings.Fields(yaml.FormatError(err, false, false)), " "))
	}
	return doc.Configs, nil
}

// configsOf cuts the lines of the member "configs" out of a card, nil if it has
// none.
func configsOf(text []byte) []byte {
	var block []byte
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		bare := bytes.TrimRight(line, " \t\r\n")
		switch {
		case i == 0 && !bytes.Equal(bytes.TrimPrefix(bare, []byte("\ufeff")), []byte("---")):
			return nil
		case i == 0:
		case bytes.Equal(bare, []byte("---")):
			return block
		case bytes.HasPrefix(line, []byte("configs:")) && block == nil:
			block = append([]byte{}, line...)
		case block == nil:
		case len(bare) == 0 || strings.IndexByte(" -#", line[0]) >= 0:
			block = append(block, line...)
		default:
			return block
		}
	}
	return nil // no end: the header is cut, or it is none
}

func parseConfig(item any) (config, error) {
	m, ok := item.(map[string]any)
	if !ok {
		return config{}, fmt.Errorf("want config_name and data_files")
	}
	c := config{name: "default"}
	if name, ok := m["config_name"]; ok {
		c.name = fmt.Sprint(name)
	}
	c.standard = m["default"] == true || c.name == "default"
	if dir, ok := m["data_dir"].(string); ok {
		if c.dir = path.Clean(dir); c.dir == "." {
			c.dir = ""
		}
		if path.IsAbs(c.dir) || strings.HasPrefix(c.dir, "..") {
			return c, fmt.Errorf("data_dir %.128q lies outside the directory", dir)
		}
	}
	switch files := m["data_files"].(type) {
	case nil:
	case map[string]any:
		for split, paths := range files {
			p, err := patterns(paths)
			if err != nil {
				return c, fmt.Errorf("split %.128q: %w", split, err)
			}
			c.files = append(c.files, splitFiles{split, p})
		}
		slices.SortFunc(c.files, func(a, b splitFiles) int { return strings.Compare(a.split, b.split) })
	case []any:
		return c, c.list(files)
	default:
		p, err := patterns(files)
		c.files = []splitFiles{{"train", p}}
		return c, err
	}
	return c, nil
}

// list reads data_files where it is a list: of splits with their paths, or of
// paths, which are all train.
func (c *config) list(files []any) error {
	for i, f := range files {
		m, ok := f.(map[string]any)
		if !ok {
			p, err := patterns(files)
			c.files = []splitFiles{{"train", p}}
			return err
		}
		split, ok := m["split"].(string)
		p, err := patterns(m["path"])
		if !ok || err != nil {
			return fmt.Errorf("data_files %d: want split and path", i)
		}
		c.files = append(c.files, splitFiles{split, p})
	}
	return nil
}

// patterns reads a pattern or a list of them.
func patterns(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case []any:
		var out []string
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, fmt.Errorf("%.64q is no path", fmt.Sprint(x))
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%.64q is no path", fmt.Sprint(v))
}

// match reports whether a name fits a pattern of the hub: * is any text without a
// slash, ** with slashes, [a-z] a character. A pattern path.Match cannot read fits
// nothing.
func match(pattern, name string) bool {
	parts, names := strings.Split(pattern, "/"), strings.Split(name, "/")
	// reach[j]: the parts so far fit the first j names.
	reach := make([]bool, len(names)+1)
	reach[0] = true
	for i, part := range parts {
		next := make([]bool, len(names)+1)
		some := false
		for j := range names {
			switch {
			case part == "**" && i < len(parts)-1:
				some = some || reach[j]
				next[j] = some
			case part == "**": // all below
				some = some || reach[j]
				next[j+1] = some
			case reach[j]:
				next[j+1], _ = path.Match(part, names[j])
			}
		}
		reach = next
	}
	return reach[len(names)]
}
