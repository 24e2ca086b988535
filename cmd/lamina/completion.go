package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints what teaches a shell the command line: commands, flags, and the
// words that a flag takes, from the same structs that parse it. It is written here since the
// libraries that do this for kong (kongplete, kong-completion) have not been kept since 2023,
// and ask the binary at every tab; a script costs isSwitch and can be read.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish: source <(lamina completion bash) in ~/.bashrc; lamina completion zsh >_lamina in a folder of $fpath; lamina completion fish >~/.config/fish/completions/lamina.fish."`
}

// Run prints the script.
func (c completionCommand) Run(s *session, line *kong.Context) error {
	words := map[string]func(*kong.Node) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	s.printf("%s", words[c.Shell](line.Model.Node))
	return nil
}

// argument is what a flag or an argument takes.
type argument uint8

const (
	isSwitch argument = iota
	isWord            // any
	isOneOf           // of the enum's words
	isPath
)

// takes says which words a value is one of, and whether it names a file or directory.
func takes(v *kong.Value) (argument, []string) {
	var words []string
	for _, w := range v.EnumSlice() {
		if w != "" {
			words = append(words, w)
		}
	}
	switch {
	case v.IsBool():
		return isSwitch, nil
	case len(words) > 0:
		return isOneOf, words
	case slices.ContainsFunc([]string{"PATH", "FILE", "DIR", "RUN", "MODEL", "EMULATOR", "F.json", "PLAN"}, func(name string) bool { return strings.HasPrefix(v.Tag.PlaceHolder, name) }),
		v.Flag == nil && !strings.Contains(v.Name, "repo"):
		return isPath, nil
	}
	return isWord, nil
}

// flagsOf are the flags of a command, those of all commands among them, without hidden ones.
func flagsOf(n *kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for _, group := range n.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

// brief is the first sentence of a help, without what a shell could read otherwise.
func brief(help string) string {
	help, _, _ = strings.Cut(help, ". ")
	help, _, _ = strings.Cut(help, ": ")
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if strings.ContainsRune("[]:'\"`$\\{}()", r) {
			return -1
		}
		return r
	}, help), ". ")
}

// children are the names and helps of a node's commands.
func children(n *kong.Node) (names []string) {
	for _, c := range n.Children {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// bashCompletion walks over the words to the command and looks its flags up in two tables.
func bashCompletion(app *kong.Node) string {
	var commands, flags strings.Builder
	values := map[string][]string{} // pattern of command:flag → words
	var paths []string
	fmt.Fprintf(&commands, "      '') words='%s' ;;\n", strings.Join(children(app), " "))
	for _, n := range app.Children {
		if len(n.Children) > 0 {
			fmt.Fprintf(&commands, "      %s) words='%s' ;;\n", n.Name, strings.Join(children(n), " "))
		}
	}
	leaves(app, func(at string, n *kong.Node) {
		var names []string
		for _, f := range flagsOf(n) {
			names = append(names, "--"+f.Name)
			key := fmt.Sprintf("'%s:--%s'", at, f.Name)
			switch kind, words := takes(f.Value); kind {
			case isOneOf:
				values[strings.Join(words, " ")] = append(values[strings.Join(words, " ")], key)
			case isPath:
				paths = append(paths, key)
			case isWord:
				values[""] = append(values[""], key)
			}
		}
		for _, p := range n.Positional {
			switch kind, words := takes(p); kind {
			case isOneOf:
				names = append(names, words...)
			case isPath:
				names = append(names, "-f")
			}
		}
		fmt.Fprintf(&flags, "      '%s') words='%s' ;;\n", at, strings.Join(names, " "))
	})
	var cases strings.Builder
	for _, words := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&cases, "    %s) COMPREPLY=($(compgen -W '%s' -- \"$current\")); return ;;\n", strings.Join(values[words], "|"), words)
	}
	return strings.NewReplacer("@commands@", commands.String(), "@flags@", flags.String(), "@values@", cases.String(), "@paths@", strings.Join(paths, "|")).Replace(bashScript)
}

const bashScript = `# bash completion for lamina; made by: lamina completion bash
_lamina() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' words='' word i
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $before == '=' ]]; then
    before=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $command in
@commands@      *) break ;;
    esac
    [[ " $words " == *" $word "* ]] && command=${command:+$command }$word
  done
  case $command:$before in
@values@    @paths@) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  words=''
  case $command in
@commands@@flags@  esac
  if [[ $current != -* && " $words " == *' -f '* ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  words=${words// -f/}
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _lamina lamina
`

// zshCompletion is a function for each command.
func zshCompletion(app *kong.Node) string {
	var b strings.Builder
	b.WriteString("#compdef lamina\n# zsh completion for lamina; made by: lamina completion zsh\n")
	zshCommand(&b, "_lamina", app)
	b.WriteString("\nif [[ ${funcstack[1]} == _lamina ]]; then _lamina \"$@\"; else compdef _lamina lamina; fi\n")
	return b.String()
}

func zshCommand(b *strings.Builder, name string, n *kong.Node) {
	fmt.Fprintf(b, "\n%s() {\n", name)
	if len(n.Children) > 0 {
		b.WriteString("  if (( CURRENT == 2 )); then\n    local -a commands=(\n")
		for _, c := range n.Children {
			fmt.Fprintf(b, "      '%s:%s'\n", c.Name, brief(c.Help))
		}
		b.WriteString("    )\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n")
		for _, c := range n.Children {
			fmt.Fprintf(b, "    %s) %s_%s ;;\n", c.Name, name, c.Name)
		}
		b.WriteString("  esac\n}\n")
		for _, c := range n.Children {
			zshCommand(b, name+"_"+c.Name, c)
		}
		return
	}
	b.WriteString("  _arguments \\\n")
	action := func(v *kong.Value) string {
		switch kind, words := takes(v); kind {
		case isOneOf:
			return "(" + strings.Join(words, " ") + ")"
		case isPath:
			return "_files"
		}
		return " "
	}
	for _, f := range flagsOf(n) {
		many := ""
		if f.IsCumulative() {
			many = "*"
		}
		if f.IsBool() {
			fmt.Fprintf(b, "    '%s--%s[%s]' \\\n", many, f.Name, brief(f.Help))
			continue
		}
		fmt.Fprintf(b, "    '%s--%s=[%s]:%s:%s' \\\n", many, f.Name, brief(f.Help), f.Name, action(f.Value))
	}
	for i, p := range n.Positional {
		at := fmt.Sprint(i + 1)
		if p.IsCumulative() {
			at = "*"
		}
		fmt.Fprintf(b, "    '%s:%s:%s' \\\n", at, p.Name, action(p))
	}
	b.WriteString("    && return\n}\n")
}

// fishCompletion is a line for each command, and for each flag of it.
func fishCompletion(app *kong.Node) string {
	var b strings.Builder
	b.WriteString("# fish completion for lamina; made by: lamina completion fish\ncomplete -c lamina -f\n")
	for _, c := range app.Children {
		if !c.Hidden {
			fmt.Fprintf(&b, "complete -c lamina -n __fish_use_subcommand -a %s -d '%s'\n", c.Name, brief(c.Help))
		}
		for _, g := range c.Children {
			fmt.Fprintf(&b, "complete -c lamina -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from %s' -a %s -d '%s'\n", c.Name, strings.Join(children(c), " "), g.Name, brief(g.Help))
		}
	}
	leaves(app, func(at string, n *kong.Node) {
		seen := "__fish_seen_subcommand_from " + strings.ReplaceAll(at, " ", "; and __fish_seen_subcommand_from ")
		for _, f := range flagsOf(n) {
			fmt.Fprintf(&b, "complete -c lamina -n '%s' -l %s%s -d '%s'\n", seen, f.Name, fishValue(f.Value), brief(f.Help))
		}
		for _, p := range n.Positional {
			if kind, words := takes(p); kind == isOneOf {
				fmt.Fprintf(&b, "complete -c lamina -n '%s' -a '%s'\n", seen, strings.Join(words, " "))
			} else if kind == isPath {
				fmt.Fprintf(&b, "complete -c lamina -n '%s' -F\n", seen)
			}
		}
	})
	return b.String()
}

func fishValue(v *kong.Value) string {
	switch kind, words := takes(v); kind {
	case isOneOf:
		return " -x -a '" + strings.Join(words, " ") + "'"
	case isPath:
		return " -r -F"
	case isWord:
		return " -x"
	}
	return ""
}
