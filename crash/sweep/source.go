package sweep

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"lamina/internal/files"
	"lamina/internal/foreign"
)

// Limits of a study file, which is read by a parser that calls itself for each level.
const (
	maxFile  = 1 << 20
	maxDepth = 16
)

// source is a study file and where things stand in it.
type source struct {
	path string
	data []byte
	tree *ast.File
}

// errorf is an error of what a YAML path names: file:line:column: what is wrong.
func (s *source) errorf(at, format string, args ...any) error {
	line, column := s.position(at)
	return fmt.Errorf("%s:%d:%d: %w", s.path, line, column, fmt.Errorf(format, args...))
}

// position returns where a YAML path leads, or else the nearest thing above that is there.
func (s *source) position(at string) (line, column int) {
	for at != "$" && at != "" {
		if p, err := yaml.PathString(at); err == nil {
			if n, err := p.FilterFile(s.tree); err == nil && n != nil && n.GetToken() != nil {
				return where(n)
			}
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	return 1, 1
}

// where returns the first line and column of a node. The library gives a mapping the place
// of the colon behind its first key.
func where(n ast.Node) (line, column int) {
	for {
		switch m := n.(type) {
		case *ast.MappingNode:
			if len(m.Values) == 0 {
				return m.GetToken().Position.Line, m.GetToken().Position.Column
			}
			n = m.Values[0]
		case *ast.MappingValueNode:
			n = m.Key
		default:
			return n.GetToken().Position.Line, n.GetToken().Position.Column
		}
	}
}

// decode reads the file into v.
func decode(path string, v any) (*source, error) {
	data, err := files.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s: no UTF-8 text", path)
	}
	if line := tooDeep(string(data)); line > 0 {
		return nil, fmt.Errorf("%s:%d:1: nested deeper than %d", path, line, maxDepth)
	}
	s := &source{path: path, data: data}
	if s.tree, err = parse(data); err == nil {
		switch docs := s.tree.Docs; {
		case len(docs) == 0 || docs[0].Body == nil:
			return nil, fmt.Errorf("%s: holds no YAML keys: want those of a study", path)
		case len(docs) > 1:
			return nil, fmt.Errorf("%s: %d YAML documents: want one", path, len(docs))
		}
		if _, is := docs0(s.tree).(*ast.MappingNode); !is {
			return nil, fmt.Errorf("%s:1:1: want keys and values", path)
		}
		if err := s.plain(docs0(s.tree)); err != nil {
			return nil, err
		}
		err = unmarshal(data, v)
	}
	if err != nil {
		return nil, positioned(path, err)
	}
	return s, nil
}

func docs0(f *ast.File) ast.Node { return f.Docs[0].Body }

// plain refuses what lets a file be more than it shows: anchors, aliases, merges and tags.
func (s *source) plain(n ast.Node) (err error) {
	ast.Walk(visit(func(n ast.Node) bool {
		switch n.(type) {
		case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
			if at := n.GetToken().Position; err == nil {
				err = fmt.Errorf("%s:%d:%d: anchors, aliases and tags are not read here: write it out", s.path, at.Line, at.Column)
			}
			return false
		}
		return err == nil
	}), n)
	return err
}

type visit func(ast.Node) bool

func (v visit) Visit(n ast.Node) ast.Visitor {
	if v(n) {
		return v
	}
	return nil
}

func parse(data []byte) (f *ast.File, err error) {
	defer foreign.Recover(&err, "the YAML parser")
	return parser.ParseBytes(data, 0)
}

func unmarshal(data []byte, v any) (err error) {
	defer foreign.Recover(&err, "the YAML decoder")
	return yaml.UnmarshalWithOptions(data, v, yaml.Strict())
}

// goType is what the library says of types, which are ours and no business of a reader.
var goType = regexp.MustCompile(`(?:Go (?:struct field|value) [\w.]+ )?of type \*?[\w.\[\]]+`)

// positioned makes one line of the library's error.
func positioned(path string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil || e.GetToken().Position == nil {
		return fmt.Errorf("%s: is no YAML: %w", path, err)
	}
	at, text := e.GetToken().Position, e.GetMessage()
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		text = fmt.Sprintf("%.64q, want %s", e.GetToken().Value, yamlKind(wrong.DstType.String()))
	}
	var over *yaml.OverflowError
	if errors.As(err, &over) {
		text = fmt.Sprintf("%.64q is out of range: want %s", e.GetToken().Value, yamlKind(over.DstType.String()))
	}
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		text = fmt.Sprintf("unknown key %.64q", e.GetToken().Value)
	}
	text = strings.Join(strings.Fields(goType.ReplaceAllString(text, "")), " ")
	return fmt.Errorf("%s:%d:%d: %s", path, at.Line, at.Column, text)
}

// yamlKind names what a Go type is read from.
func yamlKind(t string) string {
	t = strings.TrimPrefix(t, "*")
	switch {
	case strings.HasPrefix(t, "[]"):
		return "a list"
	case strings.HasPrefix(t, "map"), strings.HasPrefix(t, "sweep."):
		return "keys and values"
	case t == "string":
		return "a text"
	case t == "bool":
		return "true or false"
	case strings.HasPrefix(t, "float"):
		return "a number"
	}
	return "a whole number, 0 or more"
}

// tooDeep returns the first line that opens more levels than the parser should be given; 0
// if there is none. It counts brackets in texts too, which never come near.
func tooDeep(text string) int {
	open, number := 0, 0
	for line := range strings.Lines(text) {
		number++
		open += strings.Count(line, "[") + strings.Count(line, "{") - strings.Count(line, "]") - strings.Count(line, "}")
		if indent := len(line) - len(strings.TrimLeft(line, " -?:\t")); open > maxDepth || indent > 4*maxDepth && strings.TrimSpace(line) != "" {
			return number
		}
		open = max(open, 0)
	}
	return 0
}

// variable is ${NAME} in a path.
var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// file returns where a path of the study leads: ${NAME} is a variable of the environment,
// and what is there beside the study file is meant before all else.
func (s *source) file(path string) (string, error) {
	missing := ""
	full := variable.ReplaceAllStringFunc(path, func(v string) string {
		value, ok := os.LookupEnv(v[2 : len(v)-1])
		if !ok || value == "" {
			missing = v[2 : len(v)-1]
		}
		return value
	})
	if missing != "" {
		return path, fmt.Errorf("%s: the environment has no %s: set it to the directory that is meant", path, missing)
	}
	if full == "" || filepath.IsAbs(full) {
		return full, nil
	}
	if beside := filepath.Join(filepath.Dir(s.path), full); exists(beside) {
		return beside, nil
	}
	return full, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
