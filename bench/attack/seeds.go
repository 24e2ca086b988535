package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"lamina/bench/attack/mutate"
)

// mutator reads the seeds of a reader. A pattern is of files of the module; after "in:"
// of the inputs; after "texts:" the templates in JSON files are meant.
func (r reader) mutator(source, inputs string) (*mutate.Mutator, error) {
	m := &mutate.Mutator{Form: r.form}
	for _, word := range strings.Split(r.words, " ") {
		if word != "" {
			m.Words = append(m.Words, word)
		}
	}
	for _, pattern := range strings.Fields(r.seeds) {
		below, texts := source, false
		if rest, ok := strings.CutPrefix(pattern, "in:"); ok {
			below, pattern = inputs, rest
		}
		if rest, ok := strings.CutPrefix(pattern, "texts:"); ok {
			texts, pattern = true, rest
		}
		found, err := filesOf(filepath.Join(below, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if seed, ok := corpus(data); ok {
				data = seed
			}
			if !texts {
				m.Seeds = append(m.Seeds, data)
				continue
			}
			if m.Seeds, err = templates(m.Seeds, data); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if len(m.Seeds) == 0 {
		return nil, fmt.Errorf("%s: no seeds", r.name)
	}
	return m, nil
}

// filesOf lists the files that a pattern names, and those in directories that it names.
func filesOf(pattern string) ([]string, error) {
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: no such file", pattern)
	}
	var all []string
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			inside, err := filepath.Glob(filepath.Join(path, "*"))
			if err != nil {
				return nil, err
			}
			all = append(all, inside...)
			continue
		}
		all = append(all, path)
	}
	return all, err
}

// corpus takes the first value out of a file that go test -fuzz keeps.
func corpus(data []byte) ([]byte, bool) {
	lines := strings.SplitN(string(data), "\n", 3)
	if len(lines) < 2 || lines[0] != "go test fuzz v1" {
		return nil, false
	}
	var value string
	for _, form := range []string{"[]byte(%q)", "string(%q)"} {
		if n, err := fmt.Sscanf(lines[1], form, &value); n == 1 && err == nil {
			return []byte(value), true
		}
	}
	return nil, false
}

// templates adds the texts in a JSON document that are templates.
func templates(to [][]byte, data []byte) ([][]byte, error) {
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if strings.Contains(v, "{{") || strings.Contains(v, "{%") {
				to = append(to, []byte(v))
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key])
			}
		}
	}
	walk(document)
	return to, nil
}

// seeded makes the inputs of the readers: all that commands read, and files of further forms.
func (l *lab) seeded(ctx context.Context) (string, error) {
	dir, err := l.readable(ctx)
	if err != nil {
		return "", err
	}
	rows := documents(0, 8) + `{"q":"is it \u00fc","choices":["yes","no"],"gold":0}` + "\n"
	var packed bytes.Buffer
	g := gzip.NewWriter(&packed)
	if _, err := g.Write([]byte(rows)); err != nil {
		return "", err
	}
	if err := g.Close(); err != nil {
		return "", err
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"talk.jsonl.gz":     packed.String(),
		"talk.jsonl.zst":    string(z.EncodeAll([]byte(rows), nil)),
		"talk.csv":          "question,answer,gold\nis it,\"yes, it is\",1\n\"two\nlines\",\"a \"\"word\"\"\",0\n",
		"rows.json":         `[{"query":"a","choices":["b","c"],"gold":1},{"query":"d","choices":["e","f"],"gold":0}]`,
		"plan.json":         `{"plan":"0* 1 2","kind":"uniform","kept":[0,1,2],"trainable":[0]}`,
		"list.json":         listing(),
		"cards/README.md":   "---\nconfigs:\n- config_name: a\n  default: true\n  data_files:\n  - split: train\n    path: \"*.jsonl\"\n---\ntext\n",
		"cards/train.jsonl": rows,
	} {
		if err := put(name, text)(dir); err != nil {
			return "", err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "words"), 0o755); err != nil {
		return "", err
	}
	for _, name := range []string{"vocab.json", "merges.txt"} {
		data, err := os.ReadFile(l.testdata("transformer/tokenizer/testdata/" + name))
		if err != nil {
			return "", err
		}
		if err := put("words/"+name, string(data))(dir); err != nil {
			return "", err
		}
	}
	return dir, nil
}
