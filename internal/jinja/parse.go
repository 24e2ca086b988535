package jinja

import (
	"fmt"
	"strconv"
)

// maxDepth bounds parentheses, lists and statements inside each other.
const maxDepth = 64

// parser reads the tokens of one expression or statement.
type parser struct {
	tokens []token
	pos    int
	depth  int
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: %w", p.peek().line, fmt.Errorf(format, args...))
}

// is reports whether the next token is an operator or a name.
func (p *parser) is(kind kind, text string) bool {
	t := p.peek()
	return t.kind == kind && t.text == text
}

// take takes the next token if it is the operator or the name.
func (p *parser) take(kind kind, text string) bool {
	if !p.is(kind, text) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) op(text string) bool   { return p.take(tokenOperator, text) }
func (p *parser) word(text string) bool { return p.take(tokenName, text) }

func (p *parser) expect(text string) error {
	if p.op(text) {
		return nil
	}
	return p.errorf("found %q, want %q", p.peek().text, text)
}

func (p *parser) name() (string, error) {
	t := p.peek()
	if t.kind != tokenName {
		return "", p.errorf("found %q, want a name", t.text)
	}
	p.pos++
	return t.text, nil
}

func (p *parser) end() error {
	if t := p.peek(); t.kind != tokenEnd {
		return p.errorf("unexpected %q", t.text)
	}
	return nil
}

// expression reads "a if b else c", or one without a condition.
func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.errorf("nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	e, err := p.or()
	for err == nil && p.word("if") {
		c := &condition{then: e}
		if c.test, err = p.or(); err == nil && p.word("else") {
			c.other, err = p.expression()
		}
		e = c
	}
	return e, err
}

func (p *parser) or() (expr, error)  { return p.logic("or", p.and) }
func (p *parser) and() (expr, error) { return p.logic("and", p.not) }

func (p *parser) logic(word string, next func() (expr, error)) (expr, error) {
	e, err := next()
	for err == nil && p.word(word) {
		l := &logic{or: word == "or", left: e}
		l.right, err = next()
		e = l
	}
	return e, err
}

func (p *parser) not() (expr, error) {
	inverted := false
	for p.word("not") {
		inverted = !inverted
		if p.is(tokenName, "not") {
			continue
		}
		e, err := p.compare()
		return &negation{e, inverted}, err
	}
	return p.compare()
}

// comparisons are the operators between two values of a chain.
var comparisons = []string{"==", "!=", "<=", ">=", "<", ">"}

func (p *parser) compare() (expr, error) {
	e, err := p.binary(0)
	var chain *comparison
	for err == nil {
		op := p.comparison()
		if op == "" {
			break
		}
		if chain == nil {
			chain = &comparison{first: e}
			e = chain
		}
		var right expr
		right, err = p.binary(0)
		chain.ops = append(chain.ops, op)
		chain.rest = append(chain.rest, right)
	}
	return e, err
}

// comparison takes an operator of comparison, "" if there is none.
func (p *parser) comparison() string {
	for _, op := range comparisons {
		if p.op(op) {
			return op
		}
	}
	if p.word("in") {
		return "in"
	}
	if p.is(tokenName, "not") && p.tokens[p.pos+1].kind == tokenName && p.tokens[p.pos+1].text == "in" {
		p.pos += 2
		return "not in"
	}
	return ""
}

// levels are the arithmetic operators, the loosest first.
var levels = [...][]string{{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

func (p *parser) binary(level int) (expr, error) {
	if level == len(levels) {
		return p.unary(true)
	}
	e, err := p.binary(level + 1)
	for err == nil {
		op := ""
		for _, o := range levels[level] {
			if p.op(o) {
				op = o
				break
			}
		}
		if op == "" {
			break
		}
		a := &arithmetic{op: op, left: e}
		a.right, err = p.binary(level + 1)
		e = a
	}
	return e, err
}

func (p *parser) unary(filters bool) (e expr, err error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.errorf("nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.op("-"):
		e, err = p.unary(false)
		e = &sign{e, true}
	case p.op("+"):
		e, err = p.unary(false)
		e = &sign{e, false}
	default:
		e, err = p.primary()
	}
	if err == nil {
		e, err = p.postfix(e)
	}
	if err == nil && filters {
		e, err = p.filters(e)
	}
	return e, err
}

// primary reads a name or a literal.
func (p *parser) primary() (expr, error) {
	t := p.peek()
	p.pos++
	switch t.kind {
	case tokenName:
		switch t.text {
		case "true", "True":
			return literal{true}, nil
		case "false", "False":
			return literal{false}, nil
		case "none", "None":
			return literal{nil}, nil
		}
		return &name{t.text, t.line}, nil
	case tokenText:
		text := t.text
		for p.peek().kind == tokenText {
			text += p.peek().text
			p.pos++
		}
		return literal{text}, nil
	case tokenInt:
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil || len(t.text) > 1 && t.text[0] == '0' && n != 0 {
			return nil, fmt.Errorf("line %d: %.32q is no whole number that can be used", t.line, t.text)
		}
		return literal{n}, nil
	case tokenFloat:
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %.32q is no number that can be used", t.line, t.text)
		}
		return literal{f}, nil
	case tokenOperator:
		switch t.text {
		case "(":
			items, comma, err := p.items(")")
			if err == nil && len(items) == 1 && !comma {
				return items[0], nil
			}
			return &sequence{items, true}, err
		case "[":
			items, _, err := p.items("]")
			return &sequence{items, false}, err
		case "{":
			return p.dict()
		}
	}
	p.pos--
	return nil, p.errorf("found %q, want a value", t.text)
}

// items reads expressions up to shut, and whether a comma stood among them.
func (p *parser) items(shut string) (items []expr, comma bool, err error) {
	for !p.op(shut) {
		if len(items) > 0 {
			if err := p.expect(","); err != nil {
				return nil, false, err
			}
			comma = true
			if p.op(shut) {
				break
			}
		}
		e, err := p.expression()
		if err != nil {
			return nil, false, err
		}
		items = append(items, e)
	}
	return items, comma, nil
}

func (p *parser) dict() (expr, error) {
	d := &dictionary{}
	for !p.op("}") {
		if len(d.keys) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			if p.op("}") {
				break
			}
		}
		key, err := p.expression()
		if err == nil {
			err = p.expect(":")
		}
		var v expr
		if err == nil {
			v, err = p.expression()
		}
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, v)
	}
	return d, nil
}

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
				return nil, p.errorf("found %q, want a name", t.text)
			}
			p.pos++
		case p.op("["):
			var err error
			if e, err = p.subscript(e, line); err != nil {
				return nil, err
			}
		case p.op("("):
			args, err := p.arguments()
			if err != nil {
				return nil, err
			}
			e = &call{e, args, line}
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
			return nil, p.errorf("found %q, want %q", p.peek().text, "]")
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
		case p.op("|"):
			name, err := p.name()
			if err != nil {
				return nil, err
			}
			f := &filtered{of: e, name: name, line: line}
			if f.filter = filterOf(name); f.filter == nil {
				return nil, fmt.Errorf("line %d: the filter %.64q is not known: want one of %s", line, name, filterNames)
			}
			if p.op("(") {
				if f.args, err = p.arguments(); err != nil {
					return nil, err
				}
			}
			e = f
		case p.word("is"):
			t, err := p.test(e, line)
			if err != nil {
				return nil, err
			}
			e = t
		case p.op("("):
			args, err := p.arguments()
			if err != nil {
				return nil, err
			}
			e = &call{e, args, line}
		default:
			return e, nil
		}
	}
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
	case p.op("("):
		t.args, err = p.arguments()
	case next.kind == tokenText || next.kind == tokenInt || next.kind == tokenFloat,
		next.kind == tokenOperator && (next.text == "[" || next.text == "{"),
		next.kind == tokenName && next.text != "else" && next.text != "or" && next.text != "and" && next.text != "is" && next.text != "if" && next.text != "in" && next.text != "not":
		var e expr
		if e, err = p.primary(); err == nil {
			e, err = p.postfix(e)
		}
		t.args.values = []expr{e}
	}
	return t, err
}
