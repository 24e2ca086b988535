package jinja

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDepth bounds parentheses, lists and statements inside each other.
const maxDepth = 64

// parser reads the tokens of one expression or statement.
type parser struct {
	tokens  []token
	pos     int
	depth   int
	options Options
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
	return p.errorf("found %.64q, want %q", p.peek().text, text)
}

func (p *parser) name() (string, error) {
	t := p.peek()
	if t.kind != tokenName {
		return "", p.errorf("found %.64q, want a name", t.text)
	}
	p.pos++
	return t.text, nil
}

func (p *parser) end() error {
	if t := p.peek(); t.kind != tokenEnd {
		return p.errorf("unexpected %.64q", t.text)
	}
	return nil
}

// tuple reads what next reads, or several with commas between, which are a tuple.
func (p *parser) tuple(next func() (expr, error)) (expr, error) {
	e, err := next()
	if err != nil || !p.is(tokenOperator, ",") {
		return e, err
	}
	items := []expr{e}
	for p.op(",") {
		if p.peek().kind == tokenEnd {
			break
		}
		if e, err = next(); err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	return &sequence{items, true}, nil
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
		var text strings.Builder
		text.WriteString(t.text)
		for p.peek().kind == tokenText {
			text.WriteString(p.peek().text)
			p.pos++
		}
		return literal{text.String()}, nil
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
	return nil, p.errorf("found %.64q, want a value", t.text)
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
