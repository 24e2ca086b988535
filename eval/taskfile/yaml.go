package taskfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file. Those of the harness stay below 100 kB and five levels.
const (
	maxFile  = 256 << 10
	maxDepth = 32
)

// place is where something stands in a file.
type place struct {
	file      string
	line, col int
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.col) }

func (p place) errorf(format string, args ...any) error {
	return fmt.Errorf("%v: %w", p, fmt.Errorf(format, args...))
}

// node is a value of a file: nil, bool, int64, float64, string, []node or []entry.
type node struct {
	at    place
	value any
}

// python is what stands for a function of Python. A file that includes another may put
// something in its place; else it is an error.
type python struct{}

// python returns where Python stands in a value.
func (n node) python() (place, bool) {
	switch v := n.value.(type) {
	case python:
		return n.at, true
	case []node:
		for _, one := range v {
			if at, is := one.python(); is {
				return at, true
			}
		}
	case []entry:
		for _, one := range v {
			if at, is := one.node.python(); is {
				return at, true
			}
		}
	}
	return place{}, false
}

// entry is a key of a mapping and its value.
type entry struct {
	key string
	at  place
	node
}

// parse reads a file that is one mapping.
func parse(data []byte, name string) (entries []entry, err error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: %d bytes, more than the %d a task file may have", name, len(data), maxFile)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: no UTF-8 text", name)
	}
	if line := tooDeep(string(data)); line > 0 {
		return nil, fmt.Errorf("%s:%d: nested deeper than %d", name, line, maxDepth)
	}
	defer func() {
		if r := recover(); r != nil { // the library panics on some broken files
			entries, err = nil, fmt.Errorf("%s: is no YAML: %v", name, r)
		}
	}()
	tokens, err := scan(string(data), name)
	if err != nil {
		return nil, err
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey()) // mapping sees to those
	if err != nil {
		return nil, syntax(name, err)
	}
	if len(f.Docs) == 0 || len(f.Docs) == 1 && f.Docs[0].Body == nil {
		return nil, fmt.Errorf("%s: of its YAML documents none holds keys: want a task or a group of tasks", name)
	}
	if len(f.Docs) != 1 {
		return nil, fmt.Errorf("%s: %d YAML documents: want one", name, len(f.Docs))
	}
	d := decoder{name}
	n, err := d.node(f.Docs[0].Body, 0)
	if err != nil {
		return nil, err
	}
	entries, is := n.value.([]entry)
	if !is {
		return nil, fmt.Errorf("%s: %s, want keys and values", name, n.kind())
	}
	return entries, nil
}

// tooDeep returns the first line that opens more than the parser, which calls
// itself for each level, should be given; 0 if there is none. It counts brackets in
// texts too, which never come near.
func tooDeep(text string) int {
	open, number := 0, 0
	for line := range strings.Lines(text) {
		number++
		open += strings.Count(line, "[") + strings.Count(line, "{") - strings.Count(line, "]") - strings.Count(line, "}")
		indent := len(line) - len(strings.TrimLeft(line, " -?:\t"))
		if open > 20*maxDepth || indent > 20*maxDepth {
			return number
		}
		open = max(open, 0)
	}
	return 0
}

// syntax makes one line of the library's error.
func syntax(name string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil || e.GetToken().Position == nil {
		return fmt.Errorf("%s: is no YAML: %w", name, err)
	}
	at := e.GetToken().Position
	return place{name, at.Line, at.Column}.errorf("is no YAML: %s", e.GetMessage())
}

// decoder turns the library's tree into nodes.
type decoder struct{ file string }

func (d decoder) at(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{file: d.file}
	}
	return place{d.file, t.Position.Line, t.Position.Column}
}

func (d decoder) node(n ast.Node, depth int) (node, error) {
	if n == nil {
		return node{at: place{file: d.file}}, nil
	}
	out := node{at: d.at(n.GetToken())}
	if depth > maxDepth {
		return out, out.at.errorf("nested deeper than %d", maxDepth)
	}
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		out.value = n.Value
	case *ast.IntegerNode:
		i, is := n.Value.(int64)
		if u, unsigned := n.Value.(uint64); unsigned && u < 1<<63 {
			i, is = int64(u), true
		}
		if !is {
			return out, out.at.errorf("%.32s is out of range", n.Token.Value)
		}
		out.value = i
	case *ast.FloatNode:
		out.value = n.Value
	case *ast.StringNode:
		out.value = n.Value
		if n.Token.Type == token.StringType && oldBool(n.Value) {
			return out, out.at.errorf("%s without quotes is true or false to the harness: write that, or put it in quotes", n.Value)
		}
	case *ast.LiteralNode:
		out.value = n.Value.Value
	case *ast.SequenceNode:
		list := make([]node, len(n.Values))
		for i, v := range n.Values {
			var err error
			if list[i], err = d.node(v, depth+1); err != nil {
				return out, err
			}
		}
		out.value = list
	case *ast.MappingNode:
		return d.mapping(out, n.Values, depth)
	case *ast.MappingValueNode:
		return d.mapping(out, []*ast.MappingValueNode{n}, depth)
	case *ast.TagNode:
		switch tag := n.Start.Value; tag {
		case "!!null":
			return out, nil
		case "!function":
			out.value = python{}
			return out, nil
		}
		return out, out.at.errorf("the tag %.64q is not known", n.Start.Value)
	case *ast.AnchorNode, *ast.AliasNode:
		return out, out.at.errorf("anchors and aliases are not known: write the value out")
	default:
		return out, out.at.errorf("%v is not known in a task file", n.Type())
	}
	return out, nil
}

// oldBool reports what is true or false in YAML 1.1, which the harness reads.
func oldBool(text string) bool {
	switch strings.ToLower(text) {
	case "yes", "no", "on", "off":
		return true
	}
	return false
}

func (d decoder) mapping(out node, values []*ast.MappingValueNode, depth int) (node, error) {
	entries := []entry{}
	for _, v := range values {
		at := d.at(v.Key.GetToken())
		key := v.Key.GetToken().Value
		if _, is := v.Key.(*ast.StringNode); !is {
			if _, plain := v.Key.(ast.ScalarNode); !plain {
				return out, at.errorf("the key %.64q: want a plain one", key)
			}
		}
		twice := slices.IndexFunc(entries, func(e entry) bool { return e.key == key })
		if twice >= 0 && depth == 0 {
			return out, at.errorf("the key %.64q comes twice, first in line %d", key, entries[twice].at.line)
		}
		n, err := d.node(v.Value, depth+1)
		if err != nil {
			return out, err
		}
		if n.at.line == 0 {
			n.at = at
		}
		if twice >= 0 { // the harness takes the last, and has files that need it
			entries = slices.Delete(entries, twice, twice+1)
		}
		entries = append(entries, entry{key, at, n})
	}
	out.value = entries
	return out, nil
}

func (n node) kind() string {
	switch n.value.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case []node:
		return "a list"
	}
	return "keys and values"
}

// The values of an entry; an error names key and line.

func (e entry) wrong(want string) error { return e.at.errorf("%s: %s, want %s", e.key, e.kind(), want) }

func (e entry) text() (string, error) {
	s, is := e.value.(string)
	if !is {
		return "", e.wrong("a text")
	}
	return s, nil
}

func (e entry) whole(least int) (int, error) {
	i, is := e.value.(int64)
	if !is {
		return 0, e.wrong("a whole number")
	}
	if i < int64(least) || i > 1<<30 {
		return 0, e.at.errorf("%s: %d: want %d or more", e.key, i, least)
	}
	return int(i), nil
}

// flag is a yes or no.
func (e entry) flag() (bool, error) {
	b, is := e.value.(bool)
	if !is {
		return false, e.wrong("true or false")
	}
	return b, nil
}

// texts returns a list of texts, or one text as such a list.
func (e entry) texts() ([]string, error) {
	if s, is := e.value.(string); is {
		return []string{s}, nil
	}
	list, is := e.value.([]node)
	if !is {
		return nil, e.wrong("a list of texts")
	}
	out := make([]string, len(list))
	for i, n := range list {
		s, is := n.value.(string)
		if !is {
			return nil, n.at.errorf("%s: item %d is %s, want a text: put it in quotes", e.key, i, n.kind())
		}
		out[i] = s
	}
	return out, nil
}

func (e entry) entries() ([]entry, error) {
	list, is := e.value.([]entry)
	if !is {
		return nil, e.wrong("keys and values")
	}
	return list, nil
}
