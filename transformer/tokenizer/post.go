package tokenizer

import (
	"slices"
)

// A template is what a post-processor makes of the ids of a text: before and
// after are put around them, and for every entry of trims the spaces at the
// ends of tokens are taken out of their offsets (see trim).
type template struct {
	before, after []int32
	trims         []bool
}

// maxAround bounds the tokens that stand around every text.
const maxAround = 256

// parsePost reads a "post_processor" member. vocab tells whether a token
// name has an id at all; the ids themselves stand in the file.
func parsePost(f field, depth int) (template, error) {
	if f.null() {
		return template{}, nil
	}
	if depth > maxNesting {
		return template{}, f.errorf("components nested deeper than %d", maxNesting)
	}
	kind, err := f.at("type").text("")
	if err != nil {
		return template{}, err
	}
	switch kind {
	case "ByteLevel":
		trims, err := parseTrim(f)
		if err != nil {
			return template{}, err
		}
		return template{trims: trims}, f.only("type", "add_prefix_space", "trim_offsets", "use_regex")
	case "TemplateProcessing":
		return parseTemplate(f)
	case "RobertaProcessing":
		return parseAround(f, "trim_offsets", "add_prefix_space")
	case "BertProcessing":
		return parseAround(f)
	case "Sequence":
		if err := f.only("type", "processors"); err != nil {
			return template{}, err
		}
		parts, err := f.at("processors").each()
		if err != nil {
			return template{}, err
		}
		var out template
		for _, p := range parts {
			t, err := parsePost(p, depth+1)
			if err != nil {
				return template{}, err
			}
			out.before = slices.Concat(t.before, out.before)
			out.after = slices.Concat(out.after, t.after)
			out.trims = append(out.trims, t.trims...)
			if len(out.before)+len(out.after) > maxAround {
				return template{}, f.errorf("more than %d tokens around a text", maxAround)
			}
		}
		return out, nil
	}
	return template{}, f.at("type").errorf("unknown post-processor %s (known: BertProcessing ByteLevel RobertaProcessing Sequence TemplateProcessing)", quote(kind))
}

// parseTrim reads trim_offsets and add_prefix_space, both true by default.
func parseTrim(f field) ([]bool, error) {
	var b bag
	trim := b.boolean(f.at("trim_offsets"), true)
	prefix := b.boolean(f.at("add_prefix_space"), true)
	if !trim || b.err != nil {
		return nil, b.err
	}
	return []bool{prefix}, nil
}

// parseAround reads {"cls": [token, id], "sep": [token, id]} and, where the
// component has them, the members of parseTrim.
func parseAround(f field, trimming ...string) (template, error) {
	if err := f.only(append([]string{"type", "sep", "cls"}, trimming...)...); err != nil {
		return template{}, err
	}
	var ids [2]int32
	for i, name := range []string{"cls", "sep"} {
		parts, err := f.at(name).each()
		if err != nil {
			return template{}, err
		}
		if len(parts) != 2 {
			return template{}, f.at(name).errorf("want [token, id]")
		}
		id, err := parts[1].integer(0, maxID)
		if err != nil {
			return template{}, err
		}
		ids[i] = int32(id)
	}
	out := template{before: ids[:1], after: ids[1:]}
	var err error
	if len(trimming) > 0 {
		out.trims, err = parseTrim(f)
	}
	return out, err
}

func parseTemplate(f field) (template, error) {
	if err := f.only("type", "single", "pair", "special_tokens"); err != nil {
		return template{}, err
	}
	parts, err := f.at("single").each()
	if err != nil {
		return template{}, err
	}
	if len(parts) > maxAround {
		return template{}, f.at("single").errorf("more than %d tokens around a text", maxAround)
	}
	var out template
	texts := 0
	for _, p := range parts {
		if err := p.only("SpecialToken", "Sequence"); err != nil {
			return template{}, err
		}
		if !p.at("Sequence").null() {
			if name, err := p.at("Sequence").at("id").text(""); err != nil || name != "A" {
				return template{}, p.at("Sequence").errorf("want sequence A")
			}
			texts++
			continue
		}
		name, err := p.at("SpecialToken").at("id").text("")
		if err != nil {
			return template{}, err
		}
		ids, err := f.at("special_tokens").at(name).at("ids").each()
		if err != nil {
			return template{}, err
		}
		if len(ids) == 0 {
			return template{}, p.errorf("special token %s has no ids in special_tokens", quote(name))
		}
		for _, one := range ids {
			id, err := one.integer(0, maxID)
			if err != nil {
				return template{}, err
			}
			if texts == 0 {
				out.before = append(out.before, int32(id))
			} else {
				out.after = append(out.after, int32(id))
			}
			if len(out.before)+len(out.after) > maxAround {
				return template{}, f.at("single").errorf("more than %d tokens around a text", maxAround)
			}
		}
	}
	if texts != 1 {
		return template{}, f.at("single").errorf("want sequence A once, got it %d times", texts)
	}
	return out, nil
}
