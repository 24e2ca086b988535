package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// manCommand prints the man page.
type manCommand struct{}

// Run prints it as roff of man(7): lamina man >lamina.1, or lamina man | man -l -.
func (manCommand) Run(s *session, line *kong.Context) error {
	s.printf("%s", manPage(line.Model.Node))
	return nil
}

// manPage is one page of all commands, made of what parses them.
func manPage(app *kong.Node) string {
	var b strings.Builder
	b.WriteString(".TH LAMINA 1 \"" + builtOn() + "\" lamina \"User Commands\"\n.SH NAME\nlamina \\- layer by layer through a decoder language model\n" +
		".SH SYNOPSIS\n.B lamina\n.I command\n.RI [ flags ]\n.SH DESCRIPTION\n" + roff(app.Help) + "\n" +
		".PP\nResults go to standard output, progress and errors to standard error.\n.BI \"lamina \" command \" \\-\\-help\"\ntells what follows here of one command.\n")
	b.WriteString(".SH COMMANDS\n")
	common := map[string]bool{}
	for _, f := range app.Flags {
		common[f.Name] = true
	}
	leaves(app, func(path string, n *kong.Node) {
		fmt.Fprintf(&b, ".SS lamina %s\n%s\n", roffWord(path), roff(n.Help))
		for _, p := range n.Positional {
			fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roffWord(p.Summary()), roff(p.Help))
		}
		for _, f := range flagsOf(n) {
			if !common[f.Name] {
				manFlag(&b, f)
			}
		}
		if e, ok := examples[path]; ok {
			fmt.Fprintf(&b, ".PP\nExample:\n.PP\n.RS 4\n.nf\n%s\n.fi\n.RE\n", roffWord(e))
		}
	})
	b.WriteString(".SH FLAGS OF EVERY COMMAND\n")
	for _, f := range app.Flags {
		manFlag(&b, f)
	}
	b.WriteString(".SH EXIT STATUS\n.TP\n.B 0\nAll went well.\n.TP\n.B 1\nAn error, told in one line on standard error.\n.TP\n.B 2\nWrong usage.\n" +
		".TP\n.B 130\nInterrupted; what was finished is kept, and the same command goes on there.\n.SH SEE ALSO\n" +
		roff("README.md and docs of the source: the exchange between two houses, what is read and written, what is measured and how.") + "\n")
	return b.String()
}

// builtOn is the day of the source's last change, "" where the binary does not know it.
func builtOn() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if day, _, _ := strings.Cut(s.Value, "T"); s.Key == "vcs.time" {
				return day
			}
		}
	}
	return ""
}

func manFlag(b *strings.Builder, f *kong.Flag) {
	if f.IsBool() {
		fmt.Fprintf(b, ".TP\n.B \\-\\-%s\n%s\n", roffWord(f.Name), roff(f.Help))
		return
	}
	fmt.Fprintf(b, ".TP\n.BI \\-\\-%s= %s\n%s\n", roffWord(f.Name), roffQuoted(f.FormatPlaceHolder()), roff(f.Help))
}

// roffWord is text without a meaning in roff: backslashes, and the dashes of flags, which are
// to be copied as they are.
func roffWord(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`, "'", `\(aq`, "`", `\(ga`).Replace(s)
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}

// roffQuoted is one argument of a macro.
func roffQuoted(s string) string { return `"` + strings.ReplaceAll(roffWord(s), `"`, `\(dq`) + `"` }

// roff is a paragraph, a sentence a line as roff wants it; none begins as a request does.
func roff(s string) string {
	lines := strings.Split(strings.ReplaceAll(roffWord(strings.Join(strings.Fields(s), " ")), ". ", ".\n"), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
