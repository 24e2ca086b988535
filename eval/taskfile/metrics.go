package taskfile

import (
	"slices"
	"strings"

	"lamina/eval/task"
)

// metricsOf are the metrics of each output type that are known, those by default;
// and how the harness sums each up.
var (
	metricsOf = map[string][]string{
		"multiple_choice":       {"acc", "acc_norm"},
		"loglikelihood":         {"perplexity", "acc"},
		"loglikelihood_rolling": {"word_perplexity", "byte_perplexity", "bits_per_byte"},
		"generate_until":        {"exact_match"},
	}
	aggregations = map[string]string{
		"acc": "mean", "acc_norm": "mean", "exact_match": "mean", "perplexity": "perplexity",
		"word_perplexity": "weighted_perplexity", "byte_perplexity": "weighted_perplexity", "bits_per_byte": "bits_per_byte",
	}
)

// metrics reads metric_list and filter_list.
func (f *File) metrics(k keys, d *task.Definition) error {
	f.Metrics = metricsOf[f.Output]
	if e, ok := k["metric_list"]; ok {
		f.Metrics = nil
		list, is := e.value.([]node)
		if !is || len(list) == 0 {
			return e.wrong("a list of metrics")
		}
		for _, n := range list {
			if err := f.metric(entry{"metric_list", n.at, n}, d); err != nil {
				return err
			}
		}
	}
	d.AccOnly, d.Metrics = !slices.Contains(f.Metrics, "acc_norm"), f.Metrics
	if e, ok := k["filter_list"]; ok {
		return f.filters(e, d)
	}
	return nil
}

func (f *File) metric(e entry, d *task.Definition) error {
	list, err := e.entries()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(e entry) bool { return e.key == "metric" })
	if at < 0 {
		return e.at.errorf("metric_list: an item without the key \"metric\"")
	}
	name, err := list[at].text()
	if err != nil {
		return err
	}
	if !slices.Contains(metricsOf[f.Output], name) {
		return list[at].at.errorf("metric_list: %.64q is not known of %s: want of %s", name, f.Output, strings.Join(metricsOf[f.Output], ", "))
	}
	f.Metrics = append(f.Metrics, name)
	for _, e := range list {
		var flag *bool
		switch e.key {
		case "metric", "higher_is_better", "weight_by_size":
		case "aggregation":
			if e.value != aggregations[name] {
				return e.at.errorf("aggregation: %s is summed up by %s", name, aggregations[name])
			}
		case "hf_evaluate":
			if e.value != false {
				return e.at.errorf("hf_evaluate: metrics of other libraries are not known: leave it out")
			}
		case "ignore_case":
			flag = &d.Match.Case
		case "ignore_punctuation":
			flag = &d.Match.Punctuation
		case "ignore_numbers":
			flag = &d.Match.Digits
		case "regexes_to_ignore":
			if d.Match.Ignore, err = patternsOf(e); err != nil {
				return err
			}
		default:
			return e.at.errorf("metric_list: the key %.64q is not known", e.key)
		}
		if flag != nil {
			if *flag, err = e.flag(); err != nil {
				return err
			}
		}
	}
	return nil
}

// generation reads generation_kwargs. Texts are generated greedily.
func (f *File) generation(k keys, d *task.Definition) error {
	e, ok := k["generation_kwargs"]
	if !ok {
		return nil
	}
	if f.Output != "generate_until" {
		return e.at.errorf("generation_kwargs: %s generates nothing", f.Output)
	}
	list, err := e.entries()
	if err != nil {
		return err
	}
	var sample, heat any
	for _, e := range list {
		switch e.key {
		case "until":
			if d.Until, err = e.texts(); err == nil && (len(d.Until) == 0 || slices.Contains(d.Until, "")) {
				err = e.at.errorf("until: want texts, none of them empty")
			}
		case "max_gen_toks":
			d.MaxTokens, err = e.whole(1)
		case "do_sample":
			sample, err = e.flag()
		case "temperature":
			switch v := e.value.(type) {
			case int64:
				heat = float64(v)
			case float64:
				heat = v
			default:
				err = e.wrong("a number")
			}
		case "top_p", "top_k":
		default:
			err = e.at.errorf("generation_kwargs: the key %.64q is not known", e.key)
		}
		if err != nil {
			return err
		}
	}
	if sample != false && heat != nil && heat != 0.0 || sample == true && heat != 0.0 {
		return e.at.errorf("generation_kwargs: texts are generated greedily: want do_sample: false")
	}
	return nil
}
