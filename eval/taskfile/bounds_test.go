package taskfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/eval/taskfile"
	"lamina/internal/cases"
	"lamina/internal/heaptest"
)

// takes reports a call that allocates more than 16 times the bytes present and 64 MB.
func takes(t testing.TB, present int, call func()) {
	t.Helper()
	took := heaptest.Allocated(call)
	if may := heaptest.Limit(present); took > may && heaptest.Counts {
		t.Errorf("%d bytes allocate %d, want at most %d", present, took, may)
	}
}

// A file of 256 kB of anything takes no more memory than a few times what is there, and so
// do the largest that are still read.
func TestParseTakesLittle(t *testing.T) {
	const most = 256<<10 - 64
	for i, c := range []struct{ head, repeated string }{
		{"a: [", "[],"}, {"a: [", "0,"}, {"a: {", "a: 0,"}, {"a: [", "{a: 0},"}, {"a: [", "a: 0,"}, {"a:\n", "- 0\n"}, {"a:\n", "-\n"}, {"a:\n", "- - - 0\n"},
		{"a:\n", " a: 0\n"}, {"", "a: 0\n"}, {"a:\n", "- a: 0\n"}, {"a:\n", "- a: 0\n  b: 0\n"}, {"", "\n"}, {"", "#\n"}, {"a: 0\n", "#\n"}, {"a:\n", "- 0 #\n"}, {"", "a: 0 #\n"}, {"", "#\na: 0\n"},
		{"", "---\n"}, {"", "a\n---\n"}, {"a: \"", "\\n"}, {"a: \"", "\n"}, {"a: \"", " "}, {"a: \"", "x\n"}, {"a: '", "''"}, {"a: |\n", " a\n"}, {"a: >\n", " a\n"}, {"a: >\n", " \n"}, {"a: |\n", " \n"},
		{"a: >\n", strings.Repeat(" \n", 900) + " a\n"}, {"a: >\n", " a\n\n"}, {"a: >\n", "  a\n a\n"}, {"a: ", "a "}, {"a: a\n", " a\n"}, {"a:\n", "- &a 0\n"}, {"a:\n", "- *a\n"}, {"a: &a [a]\nb: [", "*a, "}, {"a:\n", "- !!str a\n"}, {"a: ", "!a "}, {"", "!"},
		{"", ":"}, {"", ": "}, {"", "? "}, {"", "? a\n"}, {"", "- "}, {"", "-\t"}, {"", "& "}, {"a: ", "&"}, {"", "*a "}, {"", "%a\n"}, {"", "% "}, {"a:\n", " <<: {}\n"}, {"", "|\n"}, {"a:\n", "- |\n"}, {"", "{"}, {"[", ","},
		{"a: [", "a,"}, {"", "]"}, {"", "\""}, {"", "'"}, {"a:\n", "- ''\n"}, {"a:\n", "- \"\"\n"}, {"", "\t"}, {"", " "}, {"", "\r"}, {"", "a: 0\r\n"}, {"a: ", "é"}, {"a:\n", "- é\n"}, {"", "@ "}, {"a: ", "1"}, {"a: ", "1_"}, {"a: ", "1:"},
		{"", "a:\n b:\n  c:\n   d: 0\n"}, {"a: [", "a\n,"}, {"a: [", "#\n"}, {"a: [", "a, #\n"}, {"", "? [a]\n: 0\n"}, {"", "[a]: 0\n"}, {"", "{a: b}: 0\n"},
	} {
		if i%cases.Each(3) != 0 {
			continue
		}
		t.Run(fmt.Sprintf("%.8q%.8q", c.head, c.repeated), func(t *testing.T) {
			for _, n := range []int{most, 60 << 10, 2600, 900} { // bytes, and then of a line, and times
				times := min(n, most/len(c.repeated))
				if n >= 60<<10 {
					times = (n - len(c.head)) / len(c.repeated)
				}
				text := c.head + strings.Repeat(c.repeated, times)
				ends := []string{""}
				switch { // what closes it, if anything is open
				case strings.Contains(c.head, "["):
					ends = append(ends, "]\n")
				case strings.Contains(c.head, "\""):
					ends = append(ends, "\"\n")
				}
				for _, end := range ends {
					takes(t, len(text), func() { taskfile.Parse([]byte(text+end), "f.yaml") })
				}
			}
		})
	}
}

// What is long and honest is read.
func TestParseTakesLongFiles(t *testing.T) {
	var mapping, samples strings.Builder
	for i := range 900 {
		fmt.Fprintf(&mapping, "          key %d: %d\n", i, i)
	}
	for range 300 {
		samples.WriteString("    - question: |\n        " + strings.Repeat("Why? Let us: think, [step] {by} step. # no comment\n        ", 8) + "\n      answer: \"yes\" # it is\n")
	}
	file := filterHead + "      - function: map\n        default_value: x\n        mapping_dict:\n" + mapping.String() +
		"fewshot_config:\n  sampler: first_n\n  doc_to_text: '{{question}}'\n  doc_to_target: '{{answer}}'\n  samples:\n" + samples.String()
	file = strings.Replace(file, "doc_to_text: x\ngold: y\n", "doc_to_text: '{{question}}'\ngold: '{{answer}}'\n", 1)
	if _, err := taskfile.Parse([]byte(file), "f.yaml"); err != nil {
		t.Errorf("%d bytes: %v", len(file), err)
	}
}

// Files that include many, or each other many times over, and groups that do, are one
// error.
func TestManyFilesRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 7 { // 10^7 files, in eight
		write(fmt.Sprintf("fan%d.yaml", i), fmt.Sprintf("include: [%s]\n", strings.Repeat(fmt.Sprintf("fan%d.yaml, ", i+1), 10)))
	}
	write("fan7.yaml", "task: x\n")
	for i := range 8 {
		write(fmt.Sprintf("group%d.yaml", i), fmt.Sprintf("group: g%d\ntask: [%s]\n", i, strings.Repeat(fmt.Sprintf("g%d, ", i+1), 1000)))
	}
	write("group8.yaml", "task: g8\n"+choice)
	write("honest.yaml", "group: honest\ntask: [g8]\n")
	for name, want := range map[string]string{"fan0.yaml": "more than 64 files", "group0.yaml": "more than 10000 tasks"} {
		takes(t, 0, func() {
			if _, _, err := taskfile.ReadGroup(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 2000 {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		})
	}
	if _, g, err := taskfile.ReadGroup(filepath.Join(dir, "honest.yaml")); err != nil || len(g.Tasks()) != 1 {
		t.Errorf("%v, %v", g, err)
	}
}

// What templates write of rows is bounded all together, not only by row.
func TestTemplatesWriteLittle(t *testing.T) {
	large := "output_type: loglikelihood\ndoc_to_text: \"{{ 'x' * 5000000 }}\"\ngold: y z\n"
	for _, c := range []struct{ name, file, want string }{
		{"samples", large + "fewshot_config:\n  samples:\n" + strings.Repeat("    - a: 0\n", 500), "the templates write"},
		{"a pattern", filterHead + "      - function: regex\n        regex_pattern: '" + strings.Repeat("a", 5000) + "'\n", "5000 bytes, more than 4096"},
		{"patterns", "doc_to_text: x\ngold: y\nmetric_list:\n  - metric: exact_match\n    regexes_to_ignore: [" + strings.Repeat("a, ", 99) + "a]\n", "100 patterns, more than 64"},
	} {
		if _, err := taskfile.Parse([]byte(c.file), "f.yaml"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	f, err := taskfile.Parse([]byte(large), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.Task.Read(strings.NewReader(strings.Repeat("{\"a\":0}\n", 1000)), "rows.jsonl"); err == nil || !strings.Contains(err.Error(), "the templates write") {
		t.Errorf("rows: %v", err)
	}
	if f, err = taskfile.Parse([]byte("output_type: loglikelihood\ndoc_to_text: \""+strings.Repeat("An example of what to do. ", 600)+"{{a}}\"\ngold: y z\n"), "f.yaml"); err != nil {
		t.Fatal(err)
	}
	if docs, err := f.Task.Read(strings.NewReader(strings.Repeat("{\"a\":0}\n", 8000)), "rows.jsonl"); err != nil || len(docs) != 8000 {
		t.Errorf("a long prompt of many rows: %d, %v", len(docs), err)
	}
}
