package taskfile

import (
	"fmt"
	"slices"
	"strings"

	"lamina/eval/task"
	"lamina/internal/jinja"
)

// filters reads filter_list: chains of filters, each under a name.
func (f *File) filters(e entry, d *task.Definition) error {
	chains, is := e.value.([]node)
	if !is || len(chains) == 0 {
		return e.wrong("a list of chains of filters")
	}
	if len(chains) > maxPatterns {
		return e.at.errorf("filter_list: %d chains, more than %d", len(chains), maxPatterns)
	}
	for _, n := range chains {
		c, err := f.chain(entry{"filter_list", n.at, n})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(d.Chains, func(other task.Chain) bool { return other.Name == c.Name }) {
			return n.at.errorf("filter_list: the name %.64q comes twice", c.Name)
		}
		d.Chains = append(d.Chains, c)
	}
	return nil
}

// chain reads a name and its filters.
func (f *File) chain(e entry) (c task.Chain, err error) {
	list, err := e.entries()
	if err != nil {
		return c, err
	}
	for _, e := range list {
		if e.key == "name" {
			if c.Name, err = e.text(); err != nil {
				return c, err
			}
			continue
		}
		steps, is := e.value.([]node)
		if e.key != "filter" || !is {
			return c, e.at.errorf("filter_list: want \"name\" and \"filter\", a list")
		}
		if len(steps) > maxPatterns {
			return c, e.at.errorf("filter_list: %d filters in a chain, more than %d", len(steps), maxPatterns)
		}
		for _, step := range steps {
			filter, err := f.step(entry{"filter", step.at, step})
			if err != nil {
				return c, err
			}
			c.Filters = append(c.Filters, filter)
		}
	}
	if c.Name == "" || len(c.Filters) == 0 {
		return c, e.at.errorf("filter_list: want \"name\" and \"filter\", a list")
	}
	return c, nil
}

// filterNames are those that are known.
var filterNames = []string{"take_first", "take_first_k", "majority_vote", "remove_whitespace", "lowercase", "uppercase", "map", "regex", "multi_choice_regex"}

// step reads one filter.
func (f *File) step(e entry) (task.Filter, error) {
	list, err := e.entries()
	if err != nil {
		return nil, err
	}
	with := arguments{at: e.at, of: map[string]entry{}}
	for _, e := range list {
		if e.key == "function" {
			if with.name, err = e.text(); err != nil {
				return nil, err
			}
			continue
		}
		with.of[e.key] = e
	}
	if !slices.Contains(filterNames, with.name) {
		return nil, e.at.errorf("the filter %.64q is not known: want one of %s", with.name, strings.Join(filterNames, ", "))
	}
	if f.Output != "generate_until" && with.name != "take_first" {
		return nil, e.at.errorf("the filter %s is for generated texts: %s has none", with.name, f.Output)
	}
	filter := with.filter()
	for key, e := range with.of {
		if with.err == nil && !slices.Contains(with.read, key) {
			with.err = e.at.errorf("the filter %s: the key %.64q is not known", with.name, key)
		}
	}
	return filter, with.err
}

// arguments are those of a filter; the first error stays.
type arguments struct {
	name string
	at   place
	of   map[string]entry
	read []string
	err  error
}

// filter makes the filter of the name.
func (a *arguments) filter() task.Filter {
	switch a.name {
	case "take_first":
		return task.TakeFirst{}
	case "take_first_k":
		if k := a.whole("k", 0); a.err == nil && k != 1 {
			a.err = a.at.errorf("take_first_k: %d of one text: a text is generated once: want k: 1", k)
		}
		return task.MajorityVote{} // the one text as it is
	case "majority_vote":
		return task.MajorityVote{}
	case "remove_whitespace":
		return task.RemoveWhitespace{}
	case "lowercase":
		return task.Lowercase{}
	case "uppercase":
		return task.Uppercase{}
	case "map":
		return a.mapping()
	}
	x := task.Regex{Pattern: a.pattern("regex_pattern", `#### (\-?[0-9\.\,]+)`), Select: a.whole("group_select", 0), Fallback: a.text("fallback", "[invalid]")}
	if a.name == "regex" {
		return x
	}
	return task.MultiChoice{Regex: x, IgnoreCase: a.flag("ignore_case"), IgnorePunctuation: a.flag("ignore_punctuation"), Ignore: a.patterns("regexes_to_ignore")}
}

// get returns an argument, if it is there.
func (a *arguments) get(key string) (entry, bool) {
	a.read = append(a.read, key)
	e, ok := a.of[key]
	return e, ok && e.value != nil
}

func (a *arguments) note(err error) {
	if a.err == nil {
		a.err = err
	}
}

func (a *arguments) text(key, absent string) string {
	e, ok := a.get(key)
	if !ok {
		return absent
	}
	s, err := e.text()
	a.note(err)
	return s
}

func (a *arguments) whole(key string, absent int) int {
	e, ok := a.get(key)
	if !ok {
		return absent
	}
	i, is := e.value.(int64)
	if !is || i < -1<<30 || i > 1<<30 {
		a.note(e.wrong("a whole number"))
	}
	return int(i)
}

func (a *arguments) flag(key string) bool {
	e, ok := a.get(key)
	if !ok {
		return false
	}
	b, err := e.flag()
	a.note(err)
	return b
}

func (a *arguments) pattern(key, absent string) *task.Pattern {
	p, err := newPattern(a.text(key, absent))
	if err != nil {
		a.note(a.at.errorf("%s: %w", a.name, err))
	}
	return p
}

func (a *arguments) patterns(key string) []*task.Pattern {
	e, ok := a.get(key)
	if !ok {
		return nil
	}
	list, err := patternsOf(e)
	a.note(err)
	return list
}

// patternsOf reads a list of regular expressions.
func patternsOf(e entry) ([]*task.Pattern, error) {
	texts, err := e.texts()
	if err != nil {
		return nil, err
	}
	if len(texts) > maxPatterns {
		return nil, e.at.errorf("%s: %d patterns, more than %d", e.key, len(texts), maxPatterns)
	}
	var list []*task.Pattern
	for _, text := range texts {
		p, err := newPattern(text)
		if err != nil {
			return nil, e.at.errorf("%s: %w", e.key, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// Limits of regular expressions.
const (
	maxPattern  = 4096 // bytes
	maxPatterns = 64   // in a list
)

func newPattern(text string) (*task.Pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("the pattern %.64q has %d bytes, more than %d", text, len(text), maxPattern)
	}
	return task.NewPattern(text)
}

// mapping reads the filter map. What it gives is compared as a text.
func (a *arguments) mapping() task.Filter {
	m := task.Map{To: map[string]string{}}
	if e, ok := a.get("mapping_dict"); ok {
		list, err := e.entries()
		a.note(err)
		for _, e := range list {
			to, err := scalar(e)
			a.note(err)
			m.To[e.key] = to
		}
	}
	e, ok := a.get("default_value")
	if !ok {
		a.note(a.at.errorf("map: default_value is missing: what stands for a text that is in no key"))
		return m
	}
	var err error
	m.Default, err = scalar(e)
	a.note(err)
	return m
}

// scalar returns a text, or a whole number as one.
func scalar(e entry) (string, error) {
	switch v := e.value.(type) {
	case string:
		return v, nil
	case int64:
		return jinja.Str(v), nil
	}
	return "", e.wrong("a text or a whole number")
}
