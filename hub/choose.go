package hub

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// modelCompanions are the files beside the weights that a model is opened with, or
// that say what may be done with it.
var modelCompanions = []string{
	"config.json", "generation_config.json", "lamina.json", "MANIFEST.json",
	"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
	"README.md", "LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*",
}

// weights are the formats that weights come in, the preferred one first. Beside an index,
// shards are the files it names when their names are the usual ones; a repository
// that has no such file is taken to mean others.
var weights = []struct{ main, shards, others string }{
	{"model.safetensors", "", ""},
	{"model.safetensors.index.json", "model-*-of-*.safetensors", "*.safetensors"},
	{"pytorch_model.bin", "", ""},
	{"pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin", "pytorch_model*.bin"},
}

// ModelFiles is the [Select] of a model that can be opened as a directory: its
// configuration, tokenizer, licence, and its weights in one form, safetensors
// rather than PyTorch's archives.
func ModelFiles(names []string) ([]string, error) {
	chosen := companions(names)
	top := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.Contains(name, "/") })
	if !slices.Contains(chosen, "config.json") {
		return nil, noModel(names, "config.json")
	}
	for _, w := range weights {
		if !slices.Contains(top, w.main) {
			continue
		}
		chosen = append(chosen, w.main)
		if w.shards != "" {
			shards := matching(top, w.shards)
			if len(shards) == 0 {
				shards = matching(top, w.others)
			}
			chosen = append(chosen, shards...)
		}
		return chosen, nil
	}
	return nil, noModel(names, "weights (model.safetensors or pytorch_model.bin)")
}

// TokenizerFiles is the [Select] of a model that is opened for its tokenizer: all
// of [ModelFiles] but the weights.
func TokenizerFiles(names []string) ([]string, error) {
	chosen := companions(names)
	for _, main := range []string{"tokenizer.json", "tokenizer.model", "vocab.json"} {
		if slices.Contains(chosen, main) {
			return chosen, nil
		}
	}
	return nil, noModel(names, "tokenizer (tokenizer.json, tokenizer.model or vocab.json)")
}

// companions returns the files of a model beside its weights.
func companions(names []string) []string {
	var chosen []string
	for _, pattern := range modelCompanions {
		chosen = append(chosen, matching(names, pattern)...)
	}
	return slices.DeleteFunc(chosen, func(name string) bool { return strings.Contains(name, "/") })
}

// noModel says what a repository lacks, and what to do with one of GGUF files.
func noModel(names []string, what string) error {
	var gguf []string
	for _, name := range names {
		if strings.HasSuffix(name, ".gguf") {
			gguf = append(gguf, fmt.Sprintf("%.128q", name))
		}
	}
	if len(gguf) == 0 {
		return fmt.Errorf("there is no %s", what)
	}
	return fmt.Errorf("there is no %s, but GGUF files (%s): fetch one by lamina hub get --include and give its path", what, some(gguf))
}

// dataForms are the endings of files that hold documents, and of packed ones.
var dataForms = []string{".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".gz", ".zst"}

// DatasetFiles is the [Select] of a dataset: its data files in any folder, its
// description and its licence.
func DatasetFiles(names []string) ([]string, error) {
	var chosen []string
	data := false
	for _, name := range names {
		isData := slices.Contains(dataForms, strings.ToLower(path.Ext(name)))
		if strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
			continue
		}
		if isData || !strings.Contains(name, "/") && (name == "README.md" || strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE")) {
			chosen = append(chosen, name)
		}
		data = data || isData
	}
	if !data {
		return nil, fmt.Errorf("there are no data files (%s)", strings.Join(dataForms, ", "))
	}
	return chosen, nil
}

// Patterns returns the [Select] of names that fit one of include and none of
// exclude. Patterns are those of Python's fnmatch, as huggingface_hub has them: *
// for any text, slashes too, ? for a character, [abc], [a-z] and [!abc]; one that
// ends in a slash means all that lies below. Without include every name fits.
func Patterns(include, exclude []string) (Select, error) {
	yes, err := compile(include)
	if err != nil {
		return nil, err
	}
	no, err := compile(exclude)
	if err != nil {
		return nil, err
	}
	return func(names []string) ([]string, error) {
		var chosen []string
		for _, name := range names {
			fits := func(r *regexp.Regexp) bool { return r.MatchString(name) }
			if (len(yes) == 0 || slices.ContainsFunc(yes, fits)) && !slices.ContainsFunc(no, fits) {
				chosen = append(chosen, name)
			}
		}
		if len(chosen) == 0 {
			return nil, errors.New("no file fits the patterns; there are " + some(quote(names)))
		}
		return chosen, nil
	}, nil
}

// Choose returns the [Select] of patterns as [Patterns] has them; without any to include it
// takes what Lamina reads of a model or data set.
func Choose(kind Type, include, exclude []string) (Select, error) {
	fits, err := Patterns(include, exclude)
	if err != nil || len(include) > 0 {
		return fits, err
	}
	if kind == Dataset {
		return Both(DatasetFiles, fits), nil
	}
	return Both(ModelFiles, fits), nil
}

// Both returns the names that fit two selections: what first chooses, without what
// then leaves out.
func Both(first, then Select) Select {
	return func(names []string) ([]string, error) {
		chosen, err := first(names)
		if err != nil {
			return nil, err
		}
		return then(chosen)
	}
}

func quote(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%.128q", name)
	}
	return quoted
}

// matching returns the names that fit a pattern without brackets.
func matching(names []string, pattern string) []string {
	r, err := compileOne(pattern)
	if err != nil {
		panic("hub: matching: " + err.Error()) // only patterns of this file come here
	}
	var fit []string
	for _, name := range names {
		if r.MatchString(name) {
			fit = append(fit, name)
		}
	}
	return fit
}

func compile(patterns []string) ([]*regexp.Regexp, error) {
	compiled := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		var err error
		if compiled[i], err = compileOne(p); err != nil {
			return nil, err
		}
	}
	return compiled, nil
}

// setEscapes quotes what means something inside brackets of a regular expression.
var setEscapes = strings.NewReplacer(`[`, `\[`, `]`, `\]`, `\`, `\\`, `^`, `\^`)

// compileOne turns a pattern into a regular expression.
func compileOne(pattern string) (*regexp.Regexp, error) {
	rest := pattern
	if strings.HasSuffix(rest, "/") {
		rest += "*"
	}
	var b strings.Builder
	for rest != "" {
		c := rest[0]
		if c == '[' {
			// A bracket right after the opening one, or after '!', is one of the set.
			skip := 1
			if strings.HasPrefix(rest[1:], "!") {
				skip = 2
			}
			if end := strings.IndexByte(rest[min(skip+1, len(rest)):], ']'); end >= 0 {
				end += skip + 1
				set := setEscapes.Replace(rest[skip:end])
				b.WriteString("[" + strings.Repeat("^", skip-1) + set + "]")
				rest = rest[end+1:]
				continue
			}
		}
		switch c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
		rest = rest[1:]
	}
	r, err := regexp.Compile(`(?s)\A` + b.String() + `\z`)
	if err != nil {
		return nil, fmt.Errorf("hub: pattern %.128q: a range that is none", pattern)
	}
	return r, nil
}
