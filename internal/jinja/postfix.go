package jinja

import (
	"fmt"
	"strconv"
)

// postfix reads attributes, items, slices and calls after a value.
func (p *parser) postfix(e expr) (expr, error) {
	for {
		line := p.peek().line
		switch {
		case p.op("."):
			t := p.peek()
			switch t.kind {
			case tokenName:
				e = &attribute{e, t.text, line}
			case tokenInt:
				n, err := strconv.ParseInt(t.text, 10, 64)
				if err != nil {
					return nil, p.errorf("%.32q is no index", t.text)
				}
				e = &item{e, literal{n}, line}
			default:
				return nil, p.errorf("found %.64q, want a name", t.text)
			}
			p.pos++
		case p.op("["):
			var err error
			if e, err = p.subscript(e, line); err != nil {
				return nil, err
			}
		case p.op("("):
			var err error
			if e, err = p.call(e, line); err != nil {
				return nil, err
			}
		default:
			return e, nil
		}
	}
}

// subscript reads what follows "[".
func (p *parser) subscript(of expr, line int) (expr, error) {
	s := &slice{of: of, line: line}
	colons := 0
	for {
		if p.op("]") {
			break
		}
		if p.op(":") {
			if colons++; colons > 2 {
				return nil, p.errorf("a slice of more than three parts")
			}
			continue
		}
		if s.parts[colons] != nil {
			return nil, p.errorf("found %.64q, want %q", p.peek().text, "]")
		}
		var err error
		if s.parts[colons], err = p.expression(); err != nil {
			return nil, err
		}
	}
	if colons > 0 {
		return s, nil
	}
	if s.parts[0] == nil {
		return nil, p.errorf("an index is missing before %q", "]")
	}
	return &item{of, s.parts[0], line}, nil
}

// call reads what follows "(" after a value.
func (p *parser) call(of expr, line int) (expr, error) {
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return &call{of, args, line}, nil
}

// argumentList is what a call, filter or test gets.
type argumentList struct {
	values []expr
	names  []string // of the last values
}

// arguments reads what follows "(".
func (p *parser) arguments() (a argumentList, err error) {
	for !p.op(")") {
		if len(a.values) > 0 {
			if err := p.expect(","); err != nil {
				return a, err
			}
			if p.op(")") {
				break
			}
		}
		next := p.tokens[min(p.pos+1, len(p.tokens)-1)]
		if p.peek().kind == tokenName && next.kind == tokenOperator && next.text == "=" {
			a.names = append(a.names, p.peek().text)
			p.pos += 2
		} else if a.names != nil {
			return a, p.errorf("an argument without a name after one with it")
		}
		e, err := p.expression()
		if err != nil {
			return a, err
		}
		a.values = append(a.values, e)
	}
	return a, nil
}

// filters reads "| filter" and "is test" after a value.
func (p *parser) filters(e expr) (expr, error) {
	for {
		line := p.peek().line
		switch {
		case p.is(tokenOperator, "|"):
			f, err := p.filter(e)
			if err != nil {
				return nil, err
			}
			e = f
		case p.word("is"):
			t, err := p.test(e, line)
			if err != nil {
				return nil, err
			}
			e = t
		case p.op("("):
			var err error
			if e, err = p.call(e, line); err != nil {
				return nil, err
			}
		default:
			return e, nil
		}
	}
}

// filter reads "|", the name of a filter and its arguments.
func (p *parser) filter(of expr) (*filtered, error) {
	f := &filtered{of: of, line: p.peek().line}
	if err := p.expect("|"); err != nil {
		return nil, err
	}
	var err error
	if f.name, err = p.name(); err != nil {
		return nil, err
	}
	if f.filter = filterOf(f.name, p.options); f.filter == nil {
		return nil, fmt.Errorf("line %d: the filter %.64q is not known: want one of %s", f.line, f.name, filterNames)
	}
	if p.op("(") {
		f.args, err = p.arguments()
	}
	return f, err
}

// test reads what follows "is".
func (p *parser) test(of expr, line int) (expr, error) {
	t := &tested{of: of, line: line}
	t.inverted = p.word("not")
	var err error
	if t.name, err = p.name(); err != nil {
		return nil, err
	}
	if t.test = tests[t.name]; t.test == nil {
		return nil, fmt.Errorf("line %d: the test %.64q is not known: want one of %s", line, t.name, testNames)
	}
	next := p.peek()
	switch {
	case p.is(tokenName, "is"):
		return nil, p.errorf("two tests in a row")
	case p.op("("):
		t.args, err = p.arguments()
	case next.kind == tokenText || next.kind == tokenInt || next.kind == tokenFloat,
		next.kind == tokenOperator && (next.text == "[" || next.text == "{"),
		next.kind == tokenName && next.text != "else" && next.text != "or" && next.text != "and" && next.text != "if" && next.text != "in" && next.text != "not":
		var e expr
		if e, err = p.primary(); err == nil {
			e, err = p.postfix(e)
		}
		t.args.values = []expr{e}
	}
	return t, err
}
