package dataset

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// classes are the names under which the three usual splits come.
var classes = map[string]string{
	"train": "train", "training": "train", "trn": "train",
	"validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
	"test": "test", "tests": "test", "testing": "test", "eval": "test", "evaluation": "test",
}

// class returns which of the usual splits a name means; another name means itself.
func class(name string) string {
	if c, ok := classes[name]; ok {
		return c
	}
	return name
}

var (
	// shard is the name of a part of a split as the hub writes it.
	shard = regexp.MustCompile(`^(.+)-[0-9]{5}-of-[0-9]{5}[^/]*$`)
	// sized are WinoGrande's training sets, one inside the other.
	sized = regexp.MustCompile(`^train_(xs|s|m|l|xl|debiased)\.jsonl$`)
	apart = regexp.MustCompile(`[-._ 0-9]+`)
	digit = regexp.MustCompile(`[0-9]+`)
)

// candidate is a file with the configuration and the split that it belongs to.
type candidate struct {
	name, config, split string
}

// choice is the configuration and split that Open decided on, and their files.
type choice struct {
	config, split  string
	names, ignored []string
}

// splitOfFile returns the split that a file's name states: the part before its
// number among shards, else the last of the words between -, ., _, spaces and
// digits that is a name of a split.
func splitOfFile(base string) string {
	plain, _ := plainName(base)
	plain = strings.TrimSuffix(plain, path.Ext(plain))
	if m := shard.FindStringSubmatch(plain); m != nil {
		return m[1]
	}
	return splitOfWords(plain)
}

func splitOfWords(name string) string {
	words := apart.Split(strings.ToLower(name), -1)
	for _, w := range slices.Backward(words) {
		if _, ok := classes[w]; ok {
			return w
		}
	}
	return ""
}

// candidateOf derives a file's configuration and split from its path. A directory with
// the name of a split says the split; other directories, but data/, are the
// configuration. Without such a directory the file's own name tells the split, and if
// it does not, a directory that has a split's name among its words.
func candidateOf(name string) candidate {
	c := candidate{name: name}
	dir, base := path.Split(name)
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		_, is := classes[strings.ToLower(part)]
		switch {
		case is && c.split == "":
			c.split = strings.ToLower(part)
		case part != "data" && part != "":
			parts = append(parts, part)
		}
	}
	if m := sized.FindStringSubmatch(base); m != nil {
		parts = append(parts, "winogrande_"+m[1])
	}
	if c.split == "" {
		c.split = splitOfFile(base)
	}
	for i, part := range parts {
		if s := splitOfWords(part); c.split == "" && s != "" {
			c.split = s
			parts = slices.Delete(parts, i, i+1)
			break
		}
	}
	c.config = strings.Join(parts, "/")
	return c
}

// assign gives each file its configuration and split. Files of which no split is
// known are left over where others have one; where none has, they are train if
// they are parts of one thing.
func assign(names []string) (taken []candidate, ignored []string, err error) {
	sharded := slices.ContainsFunc(names, func(n string) bool { return inData(n) })
	known := false
	var all []candidate
	for _, name := range names {
		c := candidateOf(name)
		if formOf(name) == passageForm && !(c.split != "" && c.config != "") || sharded && !inData(name) {
			ignored = append(ignored, name)
			continue
		}
		known = known || c.split != ""
		all = append(all, c)
	}
	for _, c := range all {
		switch {
		case c.split != "":
			taken = append(taken, c)
		case known:
			ignored = append(ignored, c.name)
		default:
			if like(c.name) != like(all[0].name) {
				return nil, nil, fmt.Errorf("holds files whose names tell no split (%s): name one of them", list(names))
			}
			c.split = "train"
			taken = append(taken, c)
		}
	}
	return taken, ignored, nil
}

// inData reports whether a file is a shard in data/, which on the hub is all there
// is to a data set.
func inData(name string) bool {
	plain, _ := plainName(strings.TrimPrefix(name, "data/"))
	return strings.HasPrefix(name, "data/") && shard.MatchString(strings.TrimSuffix(plain, path.Ext(plain)))
}

// like returns a name without its numbers: the shards of one split differ in nothing
// else.
func like(name string) string { return digit.ReplaceAllString(name, "#") }

// list names things for a message.
func list(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s, … (%d)", strings.Join(names[:most], ", "), len(names))
	}
	return strings.Join(names, ", ")
}

// choose picks the files of the configuration and split that o asks for.
func choose(dir *folder, l listing, o Options) (choice, error) {
	if len(l.data) == 0 {
		return choice{}, fmt.Errorf("holds no data: want .jsonl, .json, .csv, .tsv or .parquet files, also .gz or .zst")
	}
	all, ignored, standard, err := catalogue(dir, l)
	if err != nil {
		return choice{}, err
	}
	if len(all) == 0 {
		return choice{}, fmt.Errorf("holds no data: of %s none is known", list(l.data))
	}
	c := choice{ignored: ignored}
	if c.config, err = pickConfig(all, o, standard); err != nil {
		return c, err
	}
	mine := slices.DeleteFunc(slices.Clone(all), func(x candidate) bool { return x.config != c.config && x.config != "" })
	if c.split, err = pickSplit(mine, c.config, o.Split); err != nil {
		return c, err
	}
	// Files of all configurations serve where a configuration has none of its own.
	for _, own := range []string{c.config, ""} {
		for _, x := range mine {
			if x.split == c.split && x.config == own && !slices.Contains(c.names, x.name) {
				c.names = append(c.names, x.name)
			}
		}
		if len(c.names) > 0 {
			break
		}
	}
	for _, name := range c.names {
		if formOf(name) != formOf(c.names[0]) {
			return c, fmt.Errorf("split %s comes in two forms (%s and %s): name one of the files", c.split, c.names[0], name)
		}
	}
	return c, nil
}

// pickConfig returns the configuration that is meant.
func pickConfig(all []candidate, o Options, standard string) (string, error) {
	configs := names(all, func(c candidate) string { return c.config })
	if o.Config != "" {
		if slices.Contains(configs, o.Config) {
			return o.Config, nil
		}
		below := slices.DeleteFunc(slices.Clone(configs), func(c string) bool { return !strings.HasSuffix(c, "/"+o.Config) })
		if len(below) == 1 { // in a directory that an archive was unpacked to
			return below[0], nil
		}
		if len(configs) == 0 {
			return "", fmt.Errorf("has no configurations: leave out --config %.128q", o.Config)
		}
		return "", fmt.Errorf("has no configuration %.128q, but %s", o.Config, list(configs))
	}
	if standard != "" {
		return standard, nil
	}
	some := all
	if o.Split != "" {
		some = slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return c.split != o.Split && class(c.split) != class(o.Split) })
	}
	if len(some) == 0 { // a split that is nowhere: pickSplit says so of the only configuration
		some = all
	}
	switch wanted := names(some, func(c candidate) string { return c.config }); len(wanted) {
	case 0:
		return "", nil
	case 1:
		return wanted[0], nil
	default:
		return "", fmt.Errorf("holds configurations %s: say which with --config", list(wanted))
	}
}

// pickSplit returns the split that is meant: the one of that name, else the one
// that is another name for it.
func pickSplit(some []candidate, config, want string) (string, error) {
	splits := names(some, func(c candidate) string { return c.split })
	where := ""
	if config != "" {
		where = fmt.Sprintf("configuration %s ", config)
	}
	if want == "" {
		if len(splits) == 1 {
			return splits[0], nil
		}
		return "", fmt.Errorf("%sholds splits %s: say which with --split", where, list(splits))
	}
	if slices.Contains(splits, want) {
		return want, nil
	}
	same := slices.DeleteFunc(slices.Clone(splits), func(s string) bool { return class(s) != class(want) })
	switch len(same) {
	case 1:
		return same[0], nil
	case 0:
		return "", fmt.Errorf("%shas no split %.128q, but %s", where, want, list(splits))
	}
	return "", fmt.Errorf("%shas no split %.128q, but %s: say which with --split", where, want, list(same))
}

// names returns the different names that of gives, but "": train, validation and
// test first, others sorted behind them.
func names(all []candidate, of func(candidate) string) []string {
	var out []string
	for _, c := range all {
		if n := of(c); n != "" {
			out = append(out, n)
		}
	}
	order := []string{"train", "validation", "test"}
	rank := func(n string) int {
		if i := slices.Index(order, class(n)); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortFunc(out, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(out)
}
