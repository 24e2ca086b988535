package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestEveryCommandHasAnExample that parses, and that its help ends with.
func TestEveryCommandHasAnExample(t *testing.T) {
	var line commands
	found := 0
	leaves(offered.parser(&line).Model.Node, func(path string, n *kong.Node) {
		found++
		example, ok := examples[path]
		words := strings.Fields(example)
		if !ok || !strings.HasPrefix(example+" ", "lamina "+path+" ") {
			t.Errorf("lamina %s has the example %q: want one in examples.go", path, example)
			return
		}
		var line commands
		parsed, err := offered.parser(&line).Parse(words[1:])
		if err != nil || parsed.Selected().Name != n.Name {
			t.Errorf("%s: %v", example, err)
			return
		}
		if err := wantCounts(parsed); err != nil {
			t.Errorf("%s: %v", example, err)
		}
		help := must(t, append(strings.Fields(path), "--help")...)
		if !strings.HasSuffix(help, "\nExample:\n  "+example+"\n") {
			t.Errorf("the help of %s does not end with its example: %.200q", path, help[max(0, len(help)-200):])
		}
	})
	if found != len(examples) {
		t.Errorf("%d examples for %d commands", len(examples), found)
	}
}

// completed are the words that a shell offers at the end of a line, by the script for it.
func completed(t *testing.T, shell, line string) []string {
	t.Helper()
	script := write(t, t.TempDir(), "script", must(t, "completion", shell))
	ask := map[string][]string{
		"bash": {"-c", `source "$0"; COMP_WORDS=(); rest=$1
			while [[ $rest == *' '* ]]; do COMP_WORDS+=("${rest%% *}"); rest=${rest#* }; done
			COMP_WORDS+=("$rest"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lamina; printf '%s\n' "${COMPREPLY[@]}"`, script, line},
		"fish": {"--no-config", "-c", `source $argv[1]; complete -C $argv[2] | string replace -r '\t.*' ''; true`, script, line},
		// What _arguments and _describe are given; what they do with it is zsh's.
		"zsh": {"-f", "-c", `compdef() { }; _describe() { print -l ${(P)2%%:*} }; _files() { }
			_arguments() { print -rl -- "$@" }; source "$1"; words=("${(@s: :)2}"); CURRENT=$#words; _lamina`, "zsh", script, line},
	}
	out, err := exec.Command(shell, ask[shell]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestCompletion runs the shells that are here: commands, flags, the words of a flag, files.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "cka.json", "{}")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("%s is not installed", shell)
			}
			for _, c := range []struct {
				line, zsh string
				want      []string
			}{
				{"lamina si", "", []string{"similarity"}},
				{"lamina hub ", "", []string{"get", "verify"}},
				{"lamina similarity --poo", "'--pool=[", []string{"--pool"}},
				{"lamina similarity --pool max", ":pool:(mean mean_weighted last max_nonpad", []string{"max", "max_nonpad"}},
				{"lamina completion ", "(bash zsh fish)", []string{"bash", "fish", "zsh"}},
				{"lamina hub get --repo-ty", "--repo-type=[", []string{"--repo-type"}},
				{"lamina plan crash --similarity " + filepath.Join(dir, "ck"), ":similarity:_files", []string{file}},
				{"lamina report " + filepath.Join(dir, "ck"), ":dir:_files", []string{file}},
			} {
				got := completed(t, shell, c.line)
				if shell == "zsh" && c.zsh != "" {
					if !strings.Contains(strings.Join(got, "\n"), strings.Trim(c.zsh, "'")) {
						t.Errorf("%s: %q, want %q in it", c.line, got, c.zsh)
					}
					continue
				}
				for _, want := range c.want {
					if !slices.Contains(got, want) {
						t.Errorf("%s: %q, want %q", c.line, got, want)
					}
				}
				if limited := strings.Contains(c.line, "--pool max") || c.line == "lamina hub "; limited && shell != "fish" && len(got) != len(c.want) {
					t.Errorf("%s: %q, want %q alone", c.line, got, c.want)
				}
			}
			if all := completed(t, shell, "lamina "); len(all) < len(offered.parser(new(commands)).Model.Children) {
				t.Errorf("commands: %q", all)
			}
		})
	}
	fails(t, exitUsage, "bash", "completion", "ksh")
}

// TestManPage has every command and flag, and no warning of what reads man pages here.
func TestManPage(t *testing.T) {
	page := must(t, "man")
	leaves(offered.parser(new(commands)).Model.Node, func(path string, n *kong.Node) {
		for _, want := range []string{".SS lamina " + roffWord(path) + "\n", roffWord(examples[path]) + "\n"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		for _, f := range flagsOf(n) {
			if !strings.Contains(page, `\-\-`+roffWord(f.Name)) {
				t.Errorf("the page lacks --%s of %s", f.Name, path)
			}
		}
	})
	file := write(t, t.TempDir(), "lamina.1", page)
	for _, check := range [][]string{{"mandoc", "-T", "lint", "-W", "warning", file}, {"groff", "-man", "-ww", "-z", "-Tutf8", file}} {
		if _, err := exec.LookPath(check[0]); err != nil {
			t.Logf("%s is not installed", check[0])
			continue
		}
		out, _ := exec.Command(check[0], check[1:]...).CombinedOutput()
		said := strings.Split(strings.TrimSpace(string(out)), "\n")
		said = slices.DeleteFunc(said, func(line string) bool {
			return line == "" || strings.Contains(line, "missing date") // of a binary that does not know its source's
		})
		if len(said) > 0 {
			t.Errorf("%s: %q", check[0], said)
		}
	}
}
