package jinja

import (
	"fmt"
	"strings"

	"lamina/internal/record"
)

// Template is a template that can be rendered any number of times, from several
// goroutines.
type Template struct{ body []statement }

// Parse reads a template. Errors name the line in it.
func Parse(source string) (*Template, error) {
	pieces, err := lex(source)
	if err != nil {
		return nil, err
	}
	b := builder{pieces: pieces}
	body, end, err := b.block(0)
	if err == nil && end != "" {
		err = fmt.Errorf("line %d: %q without what it ends", b.tag.peek().line, end)
	}
	if err != nil {
		return nil, err
	}
	return &Template{body}, nil
}

// Render writes the template over the fields of a row. A field that is not there
// is an error naming it.
func (t *Template) Render(fields record.Object) (string, error) {
	r := &run{scopes: []map[string]value{{}}}
	for _, f := range fields {
		r.scopes[0][f.Name] = fromRecord(f.Value)
	}
	if err := r.statements(t.body); err != nil {
		return "", err
	}
	return r.out.String(), nil
}

// statement is a part of a template that writes something or changes a name.
type statement interface{ do(r *run) error }

type (
	textStatement  string
	printStatement struct{ e expr }
	setStatement   struct {
		name string
		e    expr
	}
	ifStatement struct {
		tests  []expr
		bodies [][]statement // one more than tests where there is an else
	}
	forStatement struct {
		names       []string
		over, where expr // where: nil without an "if"
		body, empty []statement
		line        int
	}
)

func (r *run) statements(list []statement) error {
	for _, s := range list {
		if err := s.do(r); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) write(text string) error {
	r.out.WriteString(text)
	return r.spend(len(text))
}

func (s textStatement) do(r *run) error { return r.write(string(s)) }

func (s printStatement) do(r *run) error {
	v, err := r.strict(s.e)
	if err != nil {
		return err
	}
	text, err := r.str(v)
	if err != nil {
		return err
	}
	return r.write(text)
}

func (s setStatement) do(r *run) error {
	v, err := s.e.eval(r)
	if err == nil {
		r.scopes[len(r.scopes)-1][s.name] = v
	}
	return err
}

func (s ifStatement) do(r *run) error {
	for i, test := range s.tests {
		yes, err := r.truth(test)
		if err != nil {
			return err
		}
		if yes {
			return r.statements(s.bodies[i])
		}
	}
	if len(s.bodies) > len(s.tests) {
		return r.statements(s.bodies[len(s.tests)])
	}
	return nil
}

func (s forStatement) do(r *run) error {
	v, err := r.strict(s.over)
	if err != nil {
		return err
	}
	items, err := r.items(v)
	if err != nil {
		return fmt.Errorf("line %d: %w", s.line, err)
	}
	r.scopes = append(r.scopes, nil)
	defer func() { r.scopes = r.scopes[:len(r.scopes)-1] }()
	if s.where != nil {
		var kept []value
		for _, v := range items {
			if err := s.bind(r, v); err != nil {
				return err
			}
			yes, err := r.truth(s.where)
			if err != nil {
				return err
			}
			if yes {
				kept = append(kept, v)
			}
		}
		items = kept
	}
	for i, v := range items {
		if err := s.bind(r, v); err != nil {
			return err
		}
		r.scopes[len(r.scopes)-1]["loop"] = loopAt(i, len(items))
		if err := r.statements(s.body); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		return r.statements(s.empty)
	}
	return nil
}

// bind gives an item its names in a scope of its own.
func (s forStatement) bind(r *run, v value) error {
	scope := map[string]value{}
	r.scopes[len(r.scopes)-1] = scope
	if err := r.spend(2 * itemWork); err != nil {
		return err
	}
	if len(s.names) == 1 {
		scope[s.names[0]] = v
		return nil
	}
	parts, err := r.items(v)
	if err != nil {
		return fmt.Errorf("line %d: %w", s.line, err)
	}
	if len(parts) != len(s.names) {
		return fmt.Errorf("line %d: %d values for %d names", s.line, len(parts), len(s.names))
	}
	for i, name := range s.names {
		scope[name] = parts[i]
	}
	return nil
}

// loopAt is what "loop" is in a loop.
func loopAt(i, n int) *dict {
	return &dict{
		{"index", int64(i + 1)}, {"index0", int64(i)}, {"revindex", int64(n - i)}, {"revindex0", int64(n - i - 1)},
		{"first", i == 0}, {"last", i == n-1}, {"length", int64(n)},
	}
}

// builder makes statements of pieces.
type builder struct {
	pieces []piece
	pos    int
	tag    *parser // of the statement that ended the last block
}

// block reads statements up to one that ends or goes on a block, whose word it
// returns; "" at the end of the template.
func (b *builder) block(depth int) (list []statement, end string, err error) {
	if depth > maxDepth {
		return nil, "", fmt.Errorf("line %d: statements nested deeper than %d", b.pieces[b.pos-1].line, maxDepth)
	}
	for b.pos < len(b.pieces) {
		piece := b.pieces[b.pos]
		b.pos++
		if piece.open == "" {
			list = append(list, textStatement(piece.text))
			continue
		}
		p := &parser{tokens: piece.tokens}
		if piece.open == "{{" {
			e, err := p.expression()
			if err == nil {
				err = p.end()
			}
			if err != nil {
				return nil, "", err
			}
			list = append(list, printStatement{e})
			continue
		}
		word, err := p.name()
		if err != nil {
			return nil, "", err
		}
		b.tag = p
		var s statement
		switch word {
		case "if":
			s, err = b.ifBlock(p, depth)
		case "for":
			s, err = b.forBlock(p, depth)
		case "set":
			s, err = setOf(p)
		case "elif", "else", "endif", "endfor":
			return list, word, nil
		default:
			err = fmt.Errorf("line %d: the statement %.64q is not known: want if, for, set or raw", piece.line, word)
		}
		if err != nil {
			return nil, "", err
		}
		list = append(list, s)
	}
	return list, "", nil
}

func setOf(p *parser) (statement, error) {
	name, err := p.name()
	if err == nil {
		err = p.expect("=")
	}
	if err != nil {
		return nil, err
	}
	e, err := p.expression()
	if err == nil {
		err = p.end()
	}
	return setStatement{name, e}, err
}

func (b *builder) ifBlock(p *parser, depth int) (statement, error) {
	var s ifStatement
	line := p.peek().line
	word := "elif"
	for {
		if word == "elif" {
			test, err := p.expression()
			if err != nil {
				return nil, err
			}
			s.tests = append(s.tests, test)
		}
		if err := p.end(); err != nil {
			return nil, err
		}
		body, end, err := b.block(depth + 1)
		if err != nil {
			return nil, err
		}
		s.bodies = append(s.bodies, body)
		switch {
		case end == "endif":
			return s, b.tag.end()
		case word == "else" || end == "endfor" || end == "":
			return nil, fmt.Errorf("line %d: %q without %q", line, "if", "endif")
		}
		word, p = end, b.tag
	}
}

func (b *builder) forBlock(p *parser, depth int) (statement, error) {
	s := forStatement{line: p.peek().line}
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, name)
		if !p.op(",") {
			break
		}
	}
	if !p.word("in") {
		return nil, p.errorf("found %q, want %q", p.peek().text, "in")
	}
	var err error
	if s.over, err = p.or(); err != nil {
		return nil, err
	}
	if p.word("if") {
		if s.where, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	body, end, err := b.block(depth + 1)
	if err != nil {
		return nil, err
	}
	s.body = body
	if end == "else" {
		if err := b.tag.end(); err != nil {
			return nil, err
		}
		if s.empty, end, err = b.block(depth + 1); err != nil {
			return nil, err
		}
	}
	if end != "endfor" {
		return nil, fmt.Errorf("line %d: %q without %q", s.line, "for", "endfor")
	}
	return s, b.tag.end()
}

// run is one rendering.
type run struct {
	out    strings.Builder
	scopes []map[string]value
	work   int
}

// maxWork bounds a rendering: one unit for each step and each byte that is read or
// made, itemWork for each item of a list. At the worst it takes about a second and
// some tens of megabytes.
const (
	maxWork  = 16 << 20
	itemWork = 16
)

func (r *run) spend(n int) error {
	if r.work += n + 1; r.work > maxWork {
		return fmt.Errorf("does more than %d steps", maxWork)
	}
	return nil
}
