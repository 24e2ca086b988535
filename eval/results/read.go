package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"lamina/internal/files"
	"lamina/internal/strictjson"
)

// maxResults bounds a file of results, which is read whole. The harness's largest,
// of some hundred tasks with their settings, have a few megabytes.
const maxResults = 256 << 20

// Run is what one call of the harness, or of lamina eval, wrote.
type Run struct {
	Path   string
	Scores []Score // in the order of the file

	about    map[string]string // of the whole run, see aboutKeys
	perTask  map[string]map[string]json.RawMessage
	lookedAt map[string]*samples
	sums     map[string]string // digests of files of samples, by task, and of the file
	seal     string
}

// Score is one number of the file: a metric of a task.
type Score struct {
	Task, Metric, Filter string
	Value, Stderr        float64 // NaN: none
	HigherIsBetter       bool
	how                  string // how values of documents become it, see aggregate
}

// Name is the metric with its filter, where there is one.
func (s Score) Name() string {
	if s.Filter == "" || s.Filter == "none" {
		return s.Metric
	}
	return s.Metric + "," + s.Filter
}

// member is a name of a JSON object and its value.
type member struct {
	name  string
	value json.RawMessage
}

// maxDepth is how deep a file of results nests at most.
const maxDepth = 500

// object reads a JSON object in order, and nothing behind it. A name that comes twice is an
// error.
func object(text json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("want an object {…}")
	}
	var out []member
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: fmt.Sprint(t)}
		if seen[m.name] {
			return nil, fmt.Errorf("%.128q comes twice", m.name)
		}
		seen[m.name] = true
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if _, err := d.Token(); err != nil { // the bracket
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one object")
	}
	return out, nil
}

// Read reads a file of results, or the one in a directory. Samples that lie beside
// it are read when they are asked for.
func Read(path string) (*Run, error) {
	file, err := find(path)
	if err != nil {
		return nil, err
	}
	text, err := files.Read(file, maxResults)
	if err != nil {
		return nil, err
	}
	raw := text
	text = quoteSpecials(text)
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("%s: is empty: want a file of results", file)
	}
	if err := strictjson.CheckUnique(text, strictjson.Rules{Depth: maxDepth}); err != nil {
		return nil, fmt.Errorf("%s: is no file of results: %w", file, err)
	}
	r := &Run{Path: file, about: map[string]string{}, perTask: map[string]map[string]json.RawMessage{}, lookedAt: map[string]*samples{}}
	if err := r.read(text); err != nil {
		return nil, fmt.Errorf("%s: is no file of results: %w", file, err)
	}
	if err := checkSeal(raw, r.seal); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// find returns path, or the file of results in the directory path or right below.
func find(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: no such file", path)
	case info.Mode().IsRegular():
		return path, nil
	case !info.IsDir():
		return "", fmt.Errorf("%s: want a file of results, or a directory with one", path)
	}
	root, err := os.OpenRoot(path) // links do not lead out of the directory
	if err != nil {
		return "", err
	}
	defer root.Close()
	for _, pattern := range []string{"results*.json", "*/results*.json"} {
		found, err := fs.Glob(root.FS(), pattern)
		switch {
		case err != nil:
			return "", fmt.Errorf("%s: %w", path, err)
		case len(found) == 1:
			return filepath.Join(path, filepath.FromSlash(found[0])), nil
		case len(found) > 1 && dated(found):
			return filepath.Join(path, filepath.FromSlash(slices.Max(found))), nil
		case len(found) > 1:
			return "", fmt.Errorf("%s: holds %d files of results, such as %.128q and %.128q: name one", path, len(found), found[0], found[1])
		}
	}
	return "", fmt.Errorf("%s: holds no results_….json: want a directory that the harness or lamina eval wrote", path)
}

// dated reports whether files of results are of one folder and called by their dates: the
// last is then what a model came to, as scripts of the harness take it.
func dated(found []string) bool {
	return !slices.ContainsFunc(found, func(name string) bool {
		return path.Dir(name) != path.Dir(found[0]) || !datedName.MatchString(path.Base(name))
	})
}

var datedName = regexp.MustCompile(`^results_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+\.json$`)

// aboutKeys are settings of results.json that must be alike for two runs to be comparable.
var aboutKeys = []string{"system_instruction_sha", "chat_template_sha", "fewshot_as_multiturn"}

// read takes what is needed from the text of a file.
func (r *Run) read(text json.RawMessage) error {
	top, err := object(text)
	if err != nil {
		return err
	}
	var scores []member
	found := false
	for _, m := range top {
		switch m.name {
		case "results":
			found = true
			if scores, err = object(m.value); err != nil {
				return fmt.Errorf("results: %w", err)
			}
		case "configs", "versions", "n-shot", "higher_is_better", "task_hashes", "n-samples":
			if r.perTask[m.name], err = byName(m.value); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		case "config":
			config, err := byName(m.value)
			if err != nil {
				return fmt.Errorf("config: %w", err)
			}
			for _, key := range []string{"limit", "fewshot_seed"} {
				if v, ok := config[key]; ok {
					r.about[key] = string(v)
				}
			}
		case "lamina":
			r.readOurs(m.value)
		default:
			if slices.Contains(aboutKeys, m.name) {
				r.about[m.name] = string(m.value)
			}
		}
	}
	switch {
	case !found:
		return fmt.Errorf("the key \"results\" is missing: want what lm_eval --output_path or lamina eval writes")
	case len(scores) == 0:
		return fmt.Errorf("\"results\" is empty")
	}
	for _, m := range scores {
		if err := r.scores(m); err != nil {
			return fmt.Errorf("results: %.128q: %w", m.name, err)
		}
	}
	if len(r.Scores) == 0 {
		return fmt.Errorf("\"results\" holds no numbers")
	}
	return nil
}

// readOurs takes what lamina eval adds to what the harness writes: the rules that were
// scored by, and the digests of the files. Another program's is left.
func (r *Run) readOurs(text json.RawMessage) {
	var extra struct {
		Rules   string            `json:"rules"`
		Samples map[string]string `json:"samples_sha256"`
		File    string            `json:"file_sha256"`
	}
	if strictjson.Decode(text, strictjson.Rules{Depth: maxDepth}, &extra) != nil {
		return
	}
	r.sums, r.seal = extra.Samples, extra.File
	if extra.Rules != "" {
		r.about["rules"] = extra.Rules
	}
}

func byName(text json.RawMessage) (map[string]json.RawMessage, error) {
	list, err := object(text)
	out := map[string]json.RawMessage{}
	for _, m := range list {
		out[m.name] = m.value
	}
	return out, err
}

// scores reads a task's entry: "metric,filter" and "metric_stderr,filter"; before
// 0.4 there were no filters.
func (r *Run) scores(task member) error {
	list, err := object(task.value)
	if err != nil {
		return err
	}
	better, _ := byName(r.perTask["higher_is_better"][task.name])
	errs := map[string]float64{}
	first := len(r.Scores)
	for _, m := range list {
		name, filter, _ := strings.Cut(m.name, ",")
		if name == "alias" || name == "samples" || name == "name" || name == "sample_len" {
			continue
		}
		v, is := number(m.value)
		if !is {
			continue // "N/A", or a text
		}
		if metric, is := strings.CutSuffix(name, "_stderr"); is {
			errs[metric+","+filter] = v
			continue
		}
		s := Score{Task: task.name, Metric: name, Filter: filter, Value: v, how: r.aggregation(task.name, name)}
		if text, ok := better[name]; ok {
			s.HigherIsBetter = string(text) == "true"
		} else {
			s.HigherIsBetter = s.how == "mean"
		}
		r.Scores = append(r.Scores, s)
	}
	for i := range r.Scores[first:] {
		s := &r.Scores[first+i]
		stderr, ok := errs[s.Metric+","+s.Filter]
		if !ok {
			stderr = math.NaN()
		}
		s.Stderr = stderr
	}
	return nil
}

// aggregation returns how a metric is summed up: as the task's settings say, else
// as the harness does by default.
func (r *Run) aggregation(task, metric string) string {
	var config struct {
		List []map[string]any `json:"metric_list"`
	}
	if strictjson.Decode(r.perTask["configs"][task], strictjson.Rules{Depth: maxDepth}, &config) == nil {
		for _, m := range config.List {
			if how, is := m["aggregation"].(string); is && m["metric"] == metric {
				return how
			}
		}
	}
	switch metric {
	case "perplexity", "ppl":
		return "perplexity"
	case "word_perplexity", "byte_perplexity":
		return "weighted_perplexity"
	case "bits_per_byte":
		return "bits_per_byte"
	}
	return "mean"
}

// quoteSpecials puts quotes around NaN, Infinity and -Infinity, which Python writes
// and JSON has not.
func quoteSpecials(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	var out []byte
	inside := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inside && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
			c = text[i]
		case c == '"':
			inside = !inside
		case !inside && (c == 'N' || c == 'I' || c == '-'):
			if word := special(text[i:]); word != "" {
				out = append(append(append(out, '"'), word...), '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func special(text []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(text, []byte(word)) {
			return word
		}
	}
	return ""
}

// errNotThere says that a run has no samples of a task.
var errNotThere = errors.New("no file of samples")

// openSamples opens the samples of a task, which lie beside the results, with the same
// date. What stands there and is no file, or a link to none, is an error.
func (r *Run) openSamples(task string) (io.ReadCloser, string, error) {
	if task != filepath.Base(task) || strings.ContainsAny(task, `/\`) {
		return nil, "", errNotThere
	}
	dir, file := filepath.Split(r.Path)
	date := strings.TrimSuffix(strings.TrimPrefix(file, "results"), ".json")
	path := filepath.Join(dir, "samples_"+task+date+".jsonl")
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
		return nil, "", errNotThere
	}
	f, _, err := files.Open(path, files.Unlimited)
	return f, path, err
}
