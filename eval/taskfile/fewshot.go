package taskfile

import (
	"maps"
	"slices"

	"lamina/eval/task"
	"lamina/record"
)

// fewshot reads fewshot_config: how examples are chosen, rows to choose them from, and
// how they are written where that is not how documents are.
func (f *File) fewshot(file string, k keys, d *task.Definition) error {
	e, ok := k["fewshot_config"]
	if !ok {
		return nil
	}
	list, err := e.entries()
	if err != nil {
		return err
	}
	own := keys{}
	for _, e := range list {
		switch e.key {
		case "sampler":
			if e.value != "default" && e.value != "first_n" {
				return e.at.errorf("fewshot_config: sampler: want default or first_n")
			}
			d.FirstShots = e.value == "first_n"
		case "samples":
			if f.FewshotSplit == "" { // a split goes first
				if err := f.samples(e, d); err != nil {
					return err
				}
			}
		case "doc_to_text", "doc_to_target", "doc_to_choice":
			if e.value != nil {
				own[e.key] = e
			}
		case "fewshot_indices":
			if e.value != nil {
				return e.at.errorf("fewshot_config: fewshot_indices are not known: put those rows into samples")
			}
		default:
			return e.at.errorf("fewshot_config: the key %.64q is not known: want sampler, samples, doc_to_text, doc_to_target or doc_to_choice", e.key)
		}
	}
	if len(own) == 0 {
		return nil
	}
	of := maps.Clone(k)
	maps.Copy(of, own)
	s, err := newScheme(file, f.Output, of)
	if err == nil {
		d.ShotDocument = s.document
	}
	return err
}

// samples reads rows that stand in the file.
func (f *File) samples(e entry, d *task.Definition) error {
	list, is := e.value.([]node)
	if !is || len(list) == 0 {
		return e.wrong("a list of rows")
	}
	for _, n := range list {
		fields, is := valueOf(n).(record.Object)
		if !is {
			return n.at.errorf("samples: %s, want a row: keys and values", n.kind())
		}
		r := record.Record{Fields: fields, At: record.Location{File: n.at.file, Line: n.at.line, Byte: -1}}
		doc, err := d.Document(r)
		if err != nil {
			return n.at.errorf("samples: %w", err)
		}
		doc.Source = r
		d.Samples = append(d.Samples, doc)
	}
	return nil
}

// valueOf returns what stands in a file as a row would have it.
func valueOf(n node) record.Value {
	switch v := n.value.(type) {
	case []node:
		if len(v) > 0 && !slices.ContainsFunc(v, func(n node) bool { _, is := n.value.(int64); return !is }) {
			ints := make([]int64, len(v))
			for i := range v {
				ints[i] = v[i].value.(int64)
			}
			return ints
		}
		out := make(record.List, len(v))
		for i := range v {
			out[i] = valueOf(v[i])
		}
		return out
	case []entry:
		out := make(record.Object, len(v))
		for i, e := range v {
			out[i] = record.Field{Name: e.key, Value: valueOf(e.node)}
		}
		return out
	}
	return n.value
}
