package dataset

import (
	"strings"
	"testing"
)

func row(name string) string { return `{"f":"` + name + `"}` + "\n" }

// found is one line of show for the given rows.
func found(head string, names ...string) string {
	for _, n := range names {
		head += ` {"f": "` + n + `"}`
	}
	return head
}

// Directories as people have them.
func TestSplitsAreFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string // each with one row that holds its name
		o     Options
		want  string
	}{
		{"one file", []string{"rows.jsonl"}, Options{}, found("/train:", "rows.jsonl")},
		{"shards of one thing", []string{"part-1.jsonl", "part-2.jsonl", "part-10.jsonl"}, Options{Split: "train"}, found("/train:", "part-1.jsonl", "part-10.jsonl", "part-2.jsonl")},
		{"files of different things", []string{"arc.jsonl", "piqa.jsonl"}, Options{}, "error: DIR: holds files whose names tell no split (arc.jsonl, piqa.jsonl): name one of them"},
		{"splits", []string{"train.jsonl", "dev.jsonl", "test.jsonl"}, Options{}, "error: DIR: holds splits train, dev, test: say which with --split"},
		{"another name", []string{"train.jsonl", "dev.jsonl", "test.jsonl"}, Options{Split: "validation"}, found("/dev:", "dev.jsonl")},
		{"no such split", []string{"train.jsonl", "dev.jsonl"}, Options{Split: "test"}, `error: DIR: has no split "test", but train, dev`},
		{"dev beside validation", []string{"dev.jsonl", "validation.jsonl"}, Options{Split: "dev"}, found("/dev:", "dev.jsonl")},
		{"dev or val", []string{"dev.jsonl", "val.jsonl"}, Options{Split: "validation"}, `error: DIR: has no split "validation", but dev, val: say which with --split`},
		{"a file that tells none", []string{"train.jsonl", "extra.jsonl"}, Options{}, found("/train:", "train.jsonl") + " -extra.jsonl"},
		{"hub shards", []string{"data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl", "data/train_sft-00000-of-00001.jsonl", "old.jsonl"},
			Options{Split: "train"}, found("/train:", "data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl") + " -old.jsonl"},
		{"a split of its own name", []string{"data/train-00000-of-00001.jsonl", "data/train_sft-00000-of-00001.jsonl"}, Options{Split: "train_sft"},
			found("/train_sft:", "data/train_sft-00000-of-00001.jsonl")},
		{"configurations", []string{"ARC-Easy/test-00000-of-00001.jsonl", "ARC-Challenge/test-00000-of-00001.jsonl"}, Options{Split: "test"},
			"error: DIR: holds configurations ARC-Challenge, ARC-Easy: say which with --config"},
		{"a configuration", []string{"ARC-Easy/test-00000-of-00001.jsonl", "ARC-Challenge/test-00000-of-00001.jsonl"}, Options{Config: "ARC-Easy"},
			found("ARC-Easy/test:", "ARC-Easy/test-00000-of-00001.jsonl")},
		{"no such configuration", []string{"main/test-00000-of-00001.jsonl"}, Options{Config: "x"}, `error: DIR: has no configuration "x", but main`},
		{"no configurations", []string{"test.jsonl"}, Options{Config: "x"}, `error: DIR: has no configurations: leave out --config "x"`},
		{"converted on the hub", []string{"main/train/0000.jsonl", "main/partial-test/0000.jsonl"}, Options{Split: "test"}, found("main/test:", "main/partial-test/0000.jsonl")},
		{"directories of splits", []string{"train/0.jsonl", "train/1.jsonl", "test/0.jsonl"}, Options{Split: "train"}, found("/train:", "train/0.jsonl", "train/1.jsonl")},
		{"RACE", []string{"dev/high/10.txt", "dev/high/9.txt", "dev/middle/1.txt", "train/high/2.txt", "README.txt"}, Options{Config: "high", Split: "dev"},
			found("high/dev:", "dev/high/10.txt", "dev/high/9.txt") + " -README.txt"},
		{"RACE without a level", []string{"dev/high/10.txt", "dev/middle/1.txt"}, Options{Split: "dev"}, "error: DIR: holds configurations high, middle: say which with --config"},
		{"HellaSwag", []string{"hellaswag_train.jsonl", "hellaswag_val.jsonl", "hellaswag_test.jsonl"}, Options{Split: "validation"}, found("/val:", "hellaswag_val.jsonl")},
		{"WebQuestions", []string{"webquestions.examples.train.json", "webquestions.examples.test.json"}, Options{Split: "test"}, found("/test:", "webquestions.examples.test.json")},
		{"TriviaQA", []string{"unfiltered-web-train.json", "unfiltered-web-dev.json"}, Options{Split: "dev"}, found("/dev:", "unfiltered-web-dev.json")},
		{"StoryCloze", []string{"cloze_test_val__spring2016 - cloze_test_ALL_val.jsonl", "cloze_test_test__spring2016 - cloze_test_ALL_test.jsonl"}, Options{Split: "valid"},
			found("/val:", "cloze_test_val__spring2016 - cloze_test_ALL_val.jsonl")},
		{"WinoGrande", []string{"train_xs.jsonl", "train_xl.jsonl", "train_debiased.jsonl", "dev.jsonl"}, Options{Config: "winogrande_xl", Split: "train"}, found("winogrande_xl/train:", "train_xl.jsonl")},
		{"WinoGrande, no size", []string{"train_xs.jsonl", "train_xl.jsonl", "dev.jsonl"}, Options{Split: "train"}, "error: DIR: holds configurations winogrande_xl, winogrande_xs: say which with --config"},
		{"WinoGrande, dev", []string{"train_xs.jsonl", "train_xl.jsonl", "dev.jsonl"}, Options{Config: "winogrande_xs", Split: "dev"}, found("winogrande_xs/dev:", "dev.jsonl")},
		{"WinoGrande, dev of all", []string{"train_xs.jsonl", "train_xl.jsonl", "dev.jsonl"}, Options{Split: "dev"}, found("/dev:", "dev.jsonl")},
		{"two forms", []string{"train.jsonl", "train.tsv"}, Options{}, "error: DIR: split train comes in two forms (train.jsonl and train.tsv): name one of the files"},
		{"hidden files", []string{".train.jsonl", "__pycache__/train.jsonl", ".git/train.jsonl", "config.json", "test.jsonl"}, Options{}, found("/test:", "test.jsonl")},
		{"no data", []string{"README.rst"}, Options{}, "error: DIR: holds no data: want .jsonl, .json, .csv, .tsv or .parquet files, also .gz or .zst"},
		{"plain text only", []string{"train.txt"}, Options{}, "error: DIR: holds no data: of train.txt none is known"},
	} {
		files := map[string]string{}
		for _, name := range c.files {
			files[name] = row(name)
		}
		if got := show(t, tree(t, files), c.o); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

func TestSingleFiles(t *testing.T) {
	dir := tree(t, map[string]string{"dev.jsonl": row("dev"), "rows.jsonl": row("rows")})
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"dev.jsonl", Options{}, found("/:", "dev")},
		{"dev.jsonl", Options{Split: "validation"}, found("/validation:", "dev")},
		{"dev.jsonl", Options{Split: "test"}, "error: DIR: a file of split dev, not test"},
		{"rows.jsonl", Options{Split: "test"}, found("/test:", "rows")},
		{"rows.jsonl", Options{Config: "x"}, `error: DIR: one file has no configuration "x": name its directory`},
	} {
		if got := show(t, dir+"/"+c.name, c.o); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestCardDecides(t *testing.T) {
	const card = `---
license: mit
dataset_info:
- config_name: easy
  features: [{name: x}]
configs:
- config_name: easy
  data_files:
  - split: train
    path: e/part-*
  - split: validation
    path: ["e/held.jsonl"]
- config_name: main
  default: true
  data_dir: m
- config_name: gone
  data_files: gone/*.jsonl
tags: &a [1]
---
# Words
configs: none
`
	files := map[string]string{"README.md": card, "e/part-1.jsonl": row("1"), "e/part-2.jsonl": row("2"), "e/held.jsonl": row("h"),
		"m/train.jsonl": row("m"), "m/test.jsonl": row("t"), "other.jsonl": row("o")}
	dir := tree(t, files)
	for want, o := range map[string]Options{
		found("easy/train:", "1", "2") + " -other.jsonl":                                  {Config: "easy", Split: "train"},
		found("easy/validation:", "h") + " -other.jsonl":                                  {Config: "easy", Split: "dev"},
		found("main/test:", "t") + " -other.jsonl":                                        {Split: "test"},
		"error: DIR: configuration main holds splits train, test: say which with --split": {},
		`error: DIR: has no configuration "gone", but easy, main`:                         {Config: "gone"},
	} {
		if got := show(t, dir, o); got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
	}
}

func TestCards(t *testing.T) {
	wrap := func(s string) string { return "---\n" + s + "---\n" }
	for text, want := range map[string]string{
		"no header\n":                                              "[]",
		wrap("license: mit\n"):                                     "[]",
		"---\nconfigs:\n- config_name: x\n":                        "[]", // no end
		wrap("configs:\n- data_files: a.csv\n"):                    "[{default  true [{train [a.csv]}]}]",
		wrap("configs:\n- config_name: 1\n  data_files: [a, b]\n"): "[{1  false [{train [a b]}]}]",
		wrap("configs:\n- config_name: x\n  data_files:\n    test: b\n    dev: [a]\n"):                           "[{x  false [{dev [a]} {test [b]}]}]",
		wrap("configs:\n# a comment\n\n- config_name: x\n  data_dir: ./d/\n"):                                    "[{x d false []}]",
		wrap("configs:\n- config_name: x\n  data_files:\n  - split: a\n    path: \"**/x[0-9]-*.jsonl\"\nb: 1\n"): "[{x  false [{a [**/x[0-9]-*.jsonl]}]}]",
	} {
		got, err := parseCard([]byte(text))
		if s := strings.ReplaceAll(sprint(got), "map", ""); s != want || err != nil {
			t.Errorf("%q: %s, %v; want %s", text, s, err, want)
		}
	}
	for text, want := range map[string]string{
		wrap("configs:\n- &a x\n- *a\n"):                                       "line 2: anchors are not read",
		wrap("configs: " + strings.Repeat("[", 40) + "\n"):                     "line 1: nested deeper than 32",
		wrap("configs:\n- x\n"):                                                "item 0: want config_name and data_files",
		wrap("configs:\n- data_dir: ../x\n"):                                   `item 0: data_dir "../x" lies outside the directory`,
		wrap("configs:\n- data_files: [1]\n"):                                  `item 0: "1" is no path`,
		wrap("configs:\n- data_files:\n  - split: a\n"):                        `item 0: data_files 0: want split and path`,
		wrap("configs:\n- data_files:\n    a: 3\n"):                            `item 0: split "a": "3" is no path`,
		wrap("configs:\n !\x10\x104##### \n-### \n'\x13\a#PP####P#####\x00\n"): "no YAML: ",
		wrap("configs: {\n"):                                                   "",
		wrap("configs:\n" + strings.Repeat("- config_name: x\n", 20000)):       "more than 262144 bytes",
	} {
		got, err := parseCard([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, pattern := range []string{"../x/*.jsonl", "/etc/*", "hf://x/y", "a/../../b"} {
		c := config{files: []splitFiles{{"train", []string{pattern}}}}
		if _, err := c.assign([]string{"x.jsonl"}); err == nil || !strings.Contains(err.Error(), "outside the directory") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a/train-*", "a/train-00000-of-00001.parquet", true}, {"a/train-*", "a/b/train-0", false}, {"a/*", "a/x", true}, {"*", "a/x", false},
		{"**", "a/b/c", true}, {"**", "a", true}, {"a/**", "a/b/c", true}, {"a/**", "b/c", false}, {"**/x.csv", "x.csv", true},
		{"**/x.csv", "a/b/x.csv", true}, {"a/**/c", "a/c", true}, {"a/**/c", "a/b/b/c", true}, {"a/**/c", "a/b/d", false}, {"x[0-9]", "x5", true},
		{"x?.csv", "xy.csv", true}, {"[", "[", false}, {"a", "a/b", false}, {"", "a", false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// A split that is nowhere is said of the configuration there is.
func TestMissingSplitOfTheOnlyConfiguration(t *testing.T) {
	all := []candidate{{name: "A/train.jsonl", config: "A", split: "train"}, {name: "A/test.jsonl", config: "A", split: "test"}}
	config, err := pickConfig(all, Options{Split: "validation"}, "")
	if err != nil || config != "A" {
		t.Fatalf("%q, %v", config, err)
	}
	want := `configuration A has no split "validation", but train, test`
	if _, err := pickSplit(all, config, "validation"); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	two := append(all, candidate{name: "B/test.jsonl", config: "B", split: "test"})
	if _, err := pickConfig(two, Options{Split: "validation"}, ""); err == nil {
		t.Error("two configurations, and one was taken")
	}
}
