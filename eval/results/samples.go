package results

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"lamina/eval/task"
	"lamina/record"
)

// samples writes a line for each document, as EvaluationTracker.save_results_samples
// of the harness does, and adds each line's hashes to all, of which the harness
// makes the task's.
func (t *Task) samples(w io.Writer, all *strings.Builder) error {
	out := bufio.NewWriter(w)
	var line []byte
	for n := range len(t.filters()) * len(t.Items) {
		sample, err := t.sample(n%len(t.Items), n/len(t.Items))
		if err != nil {
			return err
		}
		for _, name := range []string{"doc_hash", "prompt_hash", "target_hash"} {
			v, _ := sample.Get(name)
			fmt.Fprint(all, v)
		}
		line = append(record.AppendPython(line[:0], sample, 0), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// filters are the names of what is done to answers, each of which has its lines.
func (t *Task) filters() []string {
	var names []string
	for _, m := range t.reported() {
		if !slices.Contains(names, m.Filter) {
			names = append(names, m.Filter)
		}
	}
	return names
}

// sample is what is logged of document i under a filter.
func (t *Task) sample(i, filter int) (record.Object, error) {
	item := &t.Items[i]
	doc := item.Document().Source.Fields
	target := task.PythonText(t.Task.Target(item))
	arguments, answers, filtered := record.Object{}, record.List{}, record.List{}
	add := func(values ...record.Value) {
		object := record.Object{}
		for j, v := range values {
			object = append(object, field(fmt.Sprintf("arg_%d", j), v))
		}
		arguments = append(arguments, field(fmt.Sprintf("gen_args_%d", len(arguments)), object))
	}
	prompt := ""
	switch item.Shape {
	case task.Generation:
		prompt = item.Prompt
		add(prompt, t.generation(item))
		answers = append(answers, record.List{t.Result.Texts[i]})
		text, err := t.Task.Filtered(filter, t.Result.Texts[i], item.Document())
		if err != nil {
			return nil, err
		}
		filtered = append(filtered, text)
	case task.Text:
		prompt = item.Requests[0].Continuation
		add(prompt)
		text := record.PythonFloat(t.Result.Rows[i][0].LogProb)
		answers, filtered = append(answers, record.List{text}), append(filtered, text)
	default:
		if len(item.Requests) > 0 {
			prompt = item.Requests[0].Context
		}
		for _, r := range item.Requests {
			add(r.Context, r.Continuation)
		}
		for _, s := range t.Result.Rows[i] {
			pair := record.List{record.PythonFloat(s.LogProb), map[bool]string{true: "True", false: "False"}[s.Greedy]}
			answers, filtered = append(answers, record.List{pair}), append(filtered, pair)
		}
	}
	names, values := record.List{}, record.Object{}
	name := t.filters()[filter]
	for _, m := range t.reported() {
		if m.Filter != name {
			continue
		}
		got, _ := t.Result.Metric(m.Metric)
		names = append(names, m.Name)
		values = append(values, field(m.Name, logged(item.Shape, m.Metric, got.Values[i])))
	}
	return append(record.Object{
		field("doc_id", int64(i)), field("doc", doc), field("target", target), field("arguments", arguments),
		field("resps", answers), field("filtered_resps", filtered), field("filter", name), field("metrics", names),
		field("doc_hash", hash(string(record.AppendPython(nil, doc, 2)))), field("prompt_hash", hash(prompt)), field("target_hash", hash(target)),
	}, values...), nil
}

// logged is a document's value of a metric in the form the harness logs it: a whole
// number where it asks for a greedy answer, with its size where it is rolling.
func logged(shape task.Shape, metric string, v task.Value) record.Value {
	switch {
	case shape == task.Text:
		return record.List{v.Of, int64(v.Weight)}
	case metric == "acc" && (shape == task.Continuation || shape == task.Tokens || shape == task.Answers):
		return int64(v.Of)
	}
	return v.Of
}
