// Command collect writes the licences of everything that is compiled into Lamina's
// binary, with CUDA and for any of the systems it is built for, to THIRD_PARTY_NOTICES in the folder
// internal/notices. The texts are those of the module cache.
//
//	go generate ./internal/notices
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// targets are the systems that releases are built for.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"}

// legal are the names of files that a licence may want to go along. Lists of authors are
// none: the texts ask for copyright lines, and those stand in them.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents|unlicense)([-.].*)?$`)

// elsewhere are files of modules that stand in no folder of a package that is compiled:
// what such a package was made from.
var elsewhere = map[string][]string{
	"github.com/golang/freetype":    {"licenses/ftl.txt"}, // the one chosen of two
	"github.com/dlclark/regexp2/v2": {"ATTRIB", "internal/unicodegen/UNICODE-LICENSE.txt"},
	"gonum.org/v1/gonum":            {"THIRD_PARTY_LICENSES/MT19937-LICENSE", "THIRD_PARTY_LICENSES/MT19937-64-LICENSE"},
}

func main() {
	text, err := collect("../..")
	if err == nil {
		err = os.WriteFile("THIRD_PARTY_NOTICES", []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "collect:", err)
		os.Exit(1)
	}
}

// listed is what go list says of one package.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// collect returns the notices of the command in the module whose root is root.
func collect(root string) (string, error) {
	n := notices{users: map[string][]string{}}
	for _, target := range targets {
		packages, err := list(root, target)
		if err != nil {
			return "", err
		}
		for _, p := range packages {
			if p.Standard || p.Module.Main {
				continue
			}
			if err := n.add(p); err != nil {
				return "", err
			}
		}
	}
	own, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return "", err
	}
	return n.text(string(own))
}

// list returns the packages of which the command consists on a system.
func list(root, target string) ([]listed, error) {
	system, architecture, _ := strings.Cut(target, "/")
	cmd := exec.Command("go", "list", "-deps", "-tags", "cuda", "-json=ImportPath,Dir,Standard,Module", "./cmd/lamina")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+architecture, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w: %s", target, err, bytes.TrimSpace(stderr.Bytes()))
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	return packages, nil
}

// notices are texts, and which modules' files hold each.
type notices struct {
	modules []string            // path and version
	users   map[string][]string // text → "module version: file"
}

// add takes in the files of a package's folder and of those above it in its module.
func (n *notices) add(p listed) error {
	module := p.Module.Path + " " + p.Module.Version
	if !slices.Contains(n.modules, module) {
		n.modules = append(n.modules, module)
		for _, name := range elsewhere[p.Module.Path] {
			if err := n.file(module, p.Module.Dir, name); err != nil {
				return err
			}
		}
	}
	inside, err := filepath.Rel(p.Module.Dir, p.Dir)
	if err != nil {
		return err
	}
	for ; ; inside = filepath.Dir(inside) {
		entries, err := os.ReadDir(filepath.Join(p.Module.Dir, inside))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && legal.MatchString(e.Name()) {
				if err := n.file(module, p.Module.Dir, filepath.Join(inside, e.Name())); err != nil {
					return err
				}
			}
		}
		if inside == "." {
			return nil
		}
	}
}

// file takes in one file of a module.
func (n *notices) file(module, dir, name string) error {
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	text := string(raw)
	if !utf8.ValidString(text) { // Latin-1, in which each byte is its code point
		runes := make([]rune, len(raw))
		for i, b := range raw {
			runes[i] = rune(b)
		}
		text = string(runes)
	}
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \n") + "\n"
	if user := module + ": " + filepath.ToSlash(name); !slices.Contains(n.users[text], user) {
		n.users[text] = append(n.users[text], user)
	}
	return nil
}

// text writes everything down: what is from where, the own licence, and each text once.
func (n *notices) text(own string) (string, error) {
	slices.Sort(n.modules)
	sections := []string{}
	for text, users := range n.users {
		slices.Sort(users)
		sections = append(sections, section(users, text))
	}
	slices.Sort(sections)
	all := strings.Join(sections, "")
	var b strings.Builder
	b.WriteString(preface)
	for _, module := range n.modules {
		if !strings.Contains(all, "\n"+module+": ") {
			return "", errors.New(module + ": no licence was found in it")
		}
		fmt.Fprintf(&b, "    %s\n", module)
	}
	b.WriteString(section([]string{"Lamina: LICENSE"}, own))
	b.WriteString(section([]string{"lm-evaluation-harness: LICENSE.md"}, harness))
	b.WriteString(all)
	return b.String(), nil
}

func section(users []string, text string) string {
	return "\n" + strings.Repeat("=", 80) + "\n" + strings.Join(users, "\n") + "\n" + strings.Repeat("-", 80) + "\n\n" + text
}
