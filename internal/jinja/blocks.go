package jinja

import "fmt"

// builder makes statements of pieces.
type builder struct {
	pieces  []piece
	pos     int
	tag     *parser // of the statement that ended the last block
	options Options
	loops   int // loops around the statement, of its macro

	generates bool // there was a generation block
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
		p := &parser{tokens: piece.tokens, options: b.options}
		if piece.open == "{{" {
			e, err := p.tuple(p.expression)
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
		switch word {
		case "elif", "else", "endif", "endfor", "endset", "endmacro", "endgeneration":
			return list, word, nil
		}
		s, err := b.statement(word, p, depth)
		if err != nil {
			return nil, "", err
		}
		list = append(list, s)
	}
	return list, "", nil
}

// statement reads one that begins with a word.
func (b *builder) statement(word string, p *parser, depth int) (statement, error) {
	switch word {
	case "if":
		return b.ifBlock(p, depth)
	case "for":
		return b.forBlock(p, depth)
	case "set":
		return b.setOf(p, depth)
	case "macro":
		return b.macroOf(p, depth)
	}
	known := "if, for, set, macro or raw"
	if b.options.Chat {
		switch word {
		case "break", "continue":
			if b.loops == 0 {
				return nil, p.errorf("%q outside a loop", word)
			}
			why := errBreak
			if word == "continue" {
				why = errContinue
			}
			return leaveStatement{why}, p.end()
		case "generation":
			if err := p.end(); err != nil {
				return nil, err
			}
			b.generates = true
			body, err := b.until("endgeneration", "generation", p.peek().line, depth)
			return generationStatement{body}, err
		}
		known = "if, for, break, continue, set, macro, generation or raw"
	}
	return nil, p.errorf("the statement %.64q is not known: want %s", word, known)
}

// until reads the body of a statement up to the word that ends it.
func (b *builder) until(end, word string, line, depth int) ([]statement, error) {
	body, found, err := b.block(depth + 1)
	if err != nil {
		return nil, err
	}
	if found != end {
		return nil, fmt.Errorf("line %d: %q without %q", line, word, end)
	}
	return body, b.tag.end()
}

// targets reads names up to "in" or "=".
func targets(p *parser) (t target, err error) {
	t.line = p.peek().line
	for {
		name, err := p.name()
		if err != nil {
			return t, err
		}
		t.names = append(t.names, name)
		if !p.op(",") {
			return t, nil
		}
	}
}

func (b *builder) setOf(p *parser, depth int) (statement, error) {
	t, err := targets(p)
	if err == nil && len(t.names) == 1 && p.op(".") {
		t.field, err = p.name()
	}
	if err != nil {
		return nil, err
	}
	if p.op("=") {
		e, err := p.tuple(p.expression)
		if err == nil {
			err = p.end()
		}
		return setStatement{t, e}, err
	}
	s := captureStatement{target: t}
	for p.is(tokenOperator, "|") {
		f, err := p.filter(nil)
		if err != nil {
			return nil, err
		}
		s.filters = append(s.filters, f)
	}
	if p.end() != nil {
		return nil, p.errorf("found %.64q, want %q", p.peek().text, "=")
	}
	s.body, err = b.until("endset", "set", t.line, depth)
	return s, err
}

func (b *builder) ifBlock(p *parser, depth int) (statement, error) {
	var s ifStatement
	line := p.peek().line
	word := "elif"
	for {
		if word == "elif" {
			test, err := p.tuple(p.or)
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
		case word == "else" || end != "elif" && end != "else":
			return nil, fmt.Errorf("line %d: %q without %q", line, "if", "endif")
		}
		word, p = end, b.tag
	}
}

func (b *builder) forBlock(p *parser, depth int) (statement, error) {
	t, err := targets(p)
	if err != nil {
		return nil, err
	}
	s := forStatement{names: t.names, line: t.line}
	if !p.word("in") {
		return nil, p.errorf("found %.64q, want %q", p.peek().text, "in")
	}
	if s.over, err = p.tuple(p.or); err != nil {
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
	b.loops++
	body, end, err := b.block(depth + 1)
	b.loops--
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

// macroOf reads the head of a macro, its names and what they are by default, and
// its body.
func (b *builder) macroOf(p *parser, depth int) (statement, error) {
	line := p.peek().line
	name, err := p.name()
	if err == nil {
		err = p.expect("(")
	}
	if err != nil {
		return nil, err
	}
	s := macroStatement{name: name}
	for !p.op(")") {
		if len(s.names) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		var e expr
		if p.op("=") {
			if e, err = p.expression(); err != nil {
				return nil, err
			}
		} else if n := len(s.defaults); n > 0 && s.defaults[n-1] != nil {
			return nil, p.errorf("%.64q has no default and stands after a name that has one", name)
		}
		s.names, s.defaults = append(s.names, name), append(s.defaults, e)
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	loops := b.loops
	b.loops = 0
	s.body, err = b.until("endmacro", "macro", line, depth)
	b.loops = loops
	return s, err
}
