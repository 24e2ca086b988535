package results

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"strings"

	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/record"
)

// field makes objects readable where they are built.
func field(name string, v record.Value) record.Field { return record.Field{Name: name, Value: v} }

// Write writes the evaluation below dir as lm_eval --output_path does: in a folder
// with the model's name results_<date>.json and, if samples is set, a
// samples_<task>_<date>.jsonl for each task. It returns the paths.
func (e *Evaluation) Write(dir string, samples bool) ([]string, error) {
	folder := sanitize(e.Model.Name)
	if !filepath.IsLocal(folder) {
		return nil, fmt.Errorf("%s: the model's name %.128q is none for a folder", dir, e.Model.Name)
	}
	dir = filepath.Join(dir, folder)
	if err := files.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	date := e.Date.Format("2006-01-02T15-04-05.000000")
	var paths []string
	if err := files.Sweep(dir, false); err != nil {
		return nil, err
	}
	hashes, sums := record.Object{}, record.Object{}
	for i := range e.Tasks {
		t := &e.Tasks[i]
		if !samples {
			break
		}
		path := filepath.Join(dir, "samples_"+t.Name()+"_"+date+".jsonl")
		var all strings.Builder
		sum := sha256.New()
		err := files.Write(path, func(w io.Writer) error {
			return t.samples(io.MultiWriter(w, sum), &all)
		})
		if err != nil {
			return paths, err
		}
		hashes = append(hashes, field(t.Name(), hash(all.String())))
		sums = append(sums, field(t.Name(), hex.EncodeToString(sum.Sum(nil))))
		paths = append(paths, path)
	}
	path := filepath.Join(dir, "results_"+date+".json")
	text := record.AppendPython(nil, e.object(hashes, sums), 2)
	return append(paths, path), files.WriteBytes(path, sealed(text))
}

var unsafe = regexp.MustCompile(`["<>:/|\\?*\[\]]+`)

// sanitize is the harness's sanitize_model_name.
func sanitize(name string) string { return unsafe.ReplaceAllString(name, "__") }

// hash is the harness's hash_string.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// object is results.json: the keys of lm-eval 0.4.8 in its order.
func (e *Evaluation) object(taskHashes, sums record.Object) record.Object {
	results, groups, configs, versions, shots, better, samples := record.Object{}, record.Object{}, record.Object{}, record.Object{}, record.Object{}, record.Object{}, record.Object{}
	for i := range e.Tasks {
		t := &e.Tasks[i]
		name := t.Name()
		higher := record.Object{}
		for _, m := range t.reported() {
			if _, there := higher.Get(m.Name); !there {
				higher = append(higher, field(m.Name, m.HigherIsBetter))
			}
		}
		results = append(results, field(name, t.metrics()))
		groups = append(groups, field(name, record.List{}))
		configs = append(configs, field(name, t.config()))
		versions = append(versions, field(name, version(t.Task.Version(e.Rules))))
		shots = append(shots, field(name, int64(t.Shots)))
		better = append(better, field(name, higher))
		samples = append(samples, field(name, record.Object{
			field("original", int64(t.Documents)), field("effective", int64(len(t.Items)))}))
	}
	groupResults, groupTasks, groupVersions := e.groupObjects()
	results, groups, versions = append(results, groupResults...), append(groups, groupTasks...), append(versions, groupVersions...)
	head := record.Object{field("results", results)}
	if len(groupResults) > 0 {
		head = append(head, field("groups", groupResults))
	}
	limit := record.Value(nil)
	if e.Limit > 0 {
		limit = float64(e.Limit)
	}
	start := e.Date.Add(-e.Took)
	generated := record.Value(nil)
	for i := range e.Tasks {
		if n := e.Tasks[i].MaxTokens; n > 0 {
			generated = record.Object{field("max_gen_toks", int64(n))}
		}
	}
	return append(append(append(head,
		field("group_subtasks", groups), field("configs", configs), field("versions", versions),
		field("n-shot", shots), field("higher_is_better", better), field("n-samples", samples),
		field("config", record.Object{
			field("model", "lamina"), field("model_args", e.Model.Args), field("model_num_parameters", int64(e.Model.Params)),
			field("model_dtype", e.Model.DType), field("model_revision", ""), field("model_sha", ""), field("batch_size", nil),
			field("batch_sizes", record.List{}), field("device", "cpu"), field("use_cache", nil), field("limit", limit),
			field("bootstrap_iters", int64(100000)), field("gen_kwargs", generated), field("random_seed", int64(0)),
			field("numpy_seed", int64(1234)), field("torch_seed", int64(1234)), field("fewshot_seed", e.Seed),
		}),
		field("git_hash", nil), field("date", float64(start.UnixMicro())/1e6), field("pretty_env_info", nil),
		field("transformers_version", nil), field("upper_git_hash", nil),
	), e.tokens()...), append(record.Object{
		field("max_length", int64(e.Model.MaxLength)), field("task_hashes", taskHashes), field("model_source", "lamina"),
		field("model_name", e.Model.Name), field("model_name_sanitized", sanitize(e.Model.Name)), field("system_instruction", nil),
		field("system_instruction_sha", nil), field("fewshot_as_multiturn", false), field("chat_template", nil),
		field("chat_template_sha", nil), field("start_time", 0.0), field("end_time", e.Took.Seconds()),
		field("total_evaluation_time_seconds", record.PythonFloat(e.Took.Seconds())),
	}, field("lamina", append(e.Extra[:len(e.Extra):len(e.Extra)], field(sumsKey, sums), field(sealKey, noSeal))))...)
}

func (e *Evaluation) tokens() record.Object {
	pair := func(t Token) record.Value {
		if !t.Some {
			return record.List{nil, "None"}
		}
		return record.List{t.Text, string(record.AppendPython(nil, int64(t.ID), 0))}
	}
	eot := record.Value(nil)
	if e.Model.EOS.Some {
		eot = int64(e.Model.EOS.ID)
	}
	return record.Object{
		field("tokenizer_pad_token", pair(e.Model.Pad)), field("tokenizer_eos_token", pair(e.Model.EOS)),
		field("tokenizer_bos_token", pair(e.Model.BOS)), field("eot_token_id", eot),
	}
}

// metrics is a task's entry of results: "metric,filter" and
// "metric_stderr,filter".
func (t *Task) metrics() record.Object {
	out := record.Object{field("alias", t.Name())}
	for _, m := range t.reported() {
		got, _ := t.Result.Metric(m.Metric)
		stderr := record.Value("N/A")
		if !math.IsNaN(got.Stderr) {
			stderr = got.Stderr
		}
		out = append(out, field(m.Name+","+m.Filter, got.Value), field(m.Name+"_stderr,"+m.Filter, stderr))
	}
	return out
}

// version is a number where it is one.
func version(text string) record.Value {
	if text == "" {
		return nil
	}
	return record.Number(text)
}

// aggregations are the harness's names of how a metric's values become one number.
var aggregations = map[string]string{
	"ppl": "perplexity", "word_perplexity": "weighted_perplexity", "byte_perplexity": "weighted_perplexity", "bits_per_byte": "bits_per_byte",
}

// config is a task's entry of configs. The prompts are functions here, and left
// out; the name says which.
func (t *Task) config() record.Object {
	source := t.Task.Source()
	out := record.Object{field("task", t.Name())}
	if source.Path != "" {
		out = append(out, field("dataset_path", source.Path))
		if source.Config != "" {
			out = append(out, field("dataset_name", source.Config))
		}
	}
	if split := t.Task.Split(); t.Task.Name() != "" {
		key := "test_split"
		if split == "validation" {
			key = "validation_split"
		}
		out = append(out, field(key, split))
	}
	metrics := record.List{}
	for _, m := range t.reported() {
		if m.Filter != t.filters()[0] {
			continue
		}
		how := aggregations[m.Metric]
		if how == "" {
			how = "mean"
		}
		metrics = append(metrics, record.Object{field("metric", m.Name), field("aggregation", how), field("higher_is_better", m.HigherIsBetter)})
	}
	description, delimiter, shotDelimiter := t.Task.Frame()
	out = append(out, field("unsafe_code", false), field("description", description), field("target_delimiter", delimiter), field("fewshot_delimiter", shotDelimiter),
		field("num_fewshot", int64(t.Shots)), field("metric_list", metrics), field("output_type", task.OutputType(t.shape())))
	if t.shape() == task.Generation {
		out = append(out, field("generation_kwargs", t.generation(&t.Items[0])))
	}
	return append(out, field("repeats", int64(1)), field("should_decontaminate", false),
		field("metadata", record.Object{field("version", version(t.Task.Version(t.Result.Rules)))}))
}

// generation is how an answer was generated.
func (t *Task) generation(item *task.Item) record.Object {
	until := record.List{}
	for _, u := range item.Until {
		until = append(until, u)
	}
	out := record.Object{field("until", until), field("do_sample", false), field("temperature", 0.0)}
	if t.MaxTokens > 0 {
		out = append(out, field("max_gen_toks", int64(t.MaxTokens)))
	}
	return out
}
