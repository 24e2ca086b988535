package ptx

import (
	"fmt"
	"maps"
	"strings"
)

// Limits on a text, so that a strange one costs no more memory than it has bytes.
const (
	maxSource = 64 << 20
	maxSlots  = 1 << 20
	maxArray  = 1 << 30 // bytes of a variable
	maxParams = 32764   // bytes of parameters: what PTX allows from 8.1 on
)

// Parse reads a PTX module and decodes every instruction of it. An instruction that is
// not known, or a wrong operand, is an *Error with its line.
func Parse(src []byte) (*Program, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("ptx: %d bytes of text, more than %d", len(src), maxSource)
	}
	text := strings.TrimRight(string(src), "\x00")
	all, err := tokens(text)
	if err != nil {
		return nil, err
	}
	p := &parser{src: text, tokens: all, out: &Program{functions: map[string]*function{}, vars: map[string]*variable{}}}
	if err := p.module(); err != nil {
		return nil, err
	}
	for _, f := range p.out.functions {
		p.reach(f)
	}
	return p.out, nil
}

// reach extends what a function uses by what the functions use that it calls.
func (p *parser) reach(f *function) {
	seen := map[*function]bool{f: true}
	var walk func(*function)
	walk = func(g *function) {
		for h := range g.calls {
			if !seen[h] {
				seen[h] = true
				maps.Copy(f.uses, h.uses)
				walk(h)
			}
		}
	}
	walk(f)
}

// parser reads the tokens of a module.
type parser struct {
	src    string
	tokens []token
	at     int
	out    *Program
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// is reports whether the next token is text.
func (p *parser) is(text string) bool { return p.tokens[p.at].text == text }

// take eats the next token if it is text.
func (p *parser) take(text string) bool {
	if p.is(text) && p.peek().kind != tokenEnd {
		p.at++
		return true
	}
	return false
}

func (p *parser) want(text string) error {
	if !p.take(text) {
		return p.fail("%q expected, not %q", text, p.peek().text)
	}
	return nil
}

func (p *parser) fail(format string, args ...any) error {
	t := p.peek()
	from := strings.LastIndexByte(p.src[:t.start], '\n') + 1
	return &Error{int(t.line), firstLine(p.src[from:]), fmt.Sprintf(format, args...)}
}

// skipPast eats tokens up to text, which it eats too.
func (p *parser) skipPast(text string) {
	for p.peek().kind != tokenEnd && p.next().text != text {
	}
}

// skipLine eats what is left of a line.
func (p *parser) skipLine() {
	line := p.peek().line
	for p.peek().kind != tokenEnd && p.peek().line == line {
		p.at++
	}
}

func (p *parser) module() error {
	for {
		t := p.peek()
		if t.kind == tokenEnd {
			return nil
		}
		switch t.text {
		case ".version", ".target", ".address_size", ".file", ".loc":
			p.skipLine()
		case ".pragma":
			p.skipPast(";")
		case ".section":
			p.skipPast("}")
		case ";":
			p.at++
		case ".visible", ".weak", ".extern", ".common", ".entry", ".func", ".global", ".const", ".shared":
			if err := p.declaration(); err != nil {
				return err
			}
		default:
			return p.fail("unknown directive %q", t.text)
		}
	}
}

// declaration reads a function or a variable of the module, with its linkage.
func (p *parser) declaration() error {
	extern := false
	for {
		switch {
		case p.take(".visible"), p.take(".weak"), p.take(".common"):
		case p.take(".extern"):
			extern = true
		case p.is(".entry"), p.is(".func"):
			return p.function(p.next().text == ".entry")
		default:
			s, ok := spaces[p.peek().text]
			if !ok || s == param || s == local {
				return p.fail("no variable of the module: %q", p.peek().text)
			}
			p.at++
			vars, err := p.variables(s, extern)
			for _, v := range vars {
				if p.out.vars[v.name] != nil {
					return p.fail("%s is declared twice", v.name)
				}
				p.out.vars[v.name] = v
				p.out.order = append(p.out.order, v)
			}
			return err
		}
	}
}

// function reads the head of a function, and its body where it has one.
func (p *parser) function(entry bool) error {
	f := &function{entry: entry, line: p.peek().line, uses: map[*variable]bool{}, calls: map[*function]bool{}}
	var err error
	if p.is("(") {
		if f.rets, err = p.formals(); err != nil {
			return err
		}
	}
	name := p.next()
	if name.kind != tokenName {
		return p.fail("the name of a function expected")
	}
	f.name = name.text
	if p.is("(") {
		if f.params, err = p.formals(); err != nil {
			return err
		}
	}
	if err := p.limits(f); err != nil {
		return err
	}
	if known := p.out.functions[f.name]; known != nil {
		if known.defined && p.is("{") {
			return p.fail("%s is defined twice", f.name)
		}
		known.params, known.rets, known.maxThreads, known.reqThreads = f.params, f.rets, f.maxThreads, f.reqThreads
		f = known
	}
	p.out.functions[f.name] = f
	for _, v := range append(f.params[:len(f.params):len(f.params)], f.rets...) {
		f.paramBytes = align(f.paramBytes, v.align)
		v.offset = f.paramBytes
		if f.paramBytes += v.size; f.paramBytes > maxParams {
			return p.fail("more than %d bytes of parameters", maxParams)
		}
	}
	if p.take(";") {
		return nil
	}
	f.defined = true
	if !entry {
		f.frameBytes = f.paramBytes
	}
	return p.compile(f)
}

// limits reads the directives between a function's head and its body.
func (p *parser) limits(f *function) error {
	for !p.is("{") && !p.is(";") {
		t := p.next()
		switch t.text {
		case ".maxntid", ".reqntid":
			var dims [3]int
			for i := range dims {
				n, err := p.integer()
				if err != nil {
					return err
				}
				dims[i] = int(n)
				if i < 2 && !p.take(",") {
					for i++; i < 3; i++ {
						dims[i] = 1
					}
					break
				}
			}
			if t.text == ".reqntid" {
				f.reqThreads = dims
			} else {
				f.maxThreads = dims[0] * dims[1] * dims[2]
			}
		case ".minnctapersm", ".maxnctapersm", ".maxnreg":
			if _, err := p.integer(); err != nil {
				return err
			}
		case ".noreturn":
		case ".pragma":
			p.skipPast(";")
		default:
			return p.fail("unknown directive %q of a function", t.text)
		}
	}
	return nil
}

// formals reads (.param …, .param …).
func (p *parser) formals() ([]*variable, error) {
	p.at++ // (
	var all []*variable
	for !p.take(")") {
		if len(all) > 0 {
			if err := p.want(","); err != nil {
				return nil, err
			}
		}
		if !p.take(".param") {
			return nil, p.fail(".param expected, not %q", p.peek().text)
		}
		v, err := p.variable(param, false)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func align(n, to int) int { return (n + to - 1) / to * to }
