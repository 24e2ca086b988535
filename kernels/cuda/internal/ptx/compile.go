package ptx

import "strings"

// scope holds the names of a block { … } of a function.
type scope struct {
	parent *scope
	names  map[string]symbol
	ranges map[string]registers // %r<8>: by prefix
	labels map[string]int32
	tables map[string][]string // .branchtargets
}

// registers is what ".reg .b32 %r<8>" declares.
type registers struct {
	typ   typ
	count int
}

// symbol is what a name of a function stands for.
type symbol struct {
	typ  typ
	slot int32 // of a register or a predicate
	v    *variable
}

// addressKey is an address within a variable.
type addressKey struct {
	v   *variable
	off int64
}

// fixup is a label that an instruction waits for.
type fixup struct {
	label string
	scope *scope
	set   func(pc int32)
	token token
}

// compiler decodes the body of a function.
type compiler struct {
	p       *parser
	f       *function
	scope   *scope
	consts  map[uint64]int32
	special map[string]int32
	address map[addressKey]int32
	fixups  []fixup
	s       *statement // the one at hand
	uses    []access   // of registers: the first time
	count   int32      // registers so far
	slots   []int32    // of the registers: the second time
	reads   []named    // by the statement at hand
}

func newCompiler(p *parser, f *function, slots []int32) *compiler {
	c := &compiler{p: p, f: f, consts: map[uint64]int32{}, special: map[string]int32{}, address: map[addressKey]int32{}, slots: slots}
	c.push()
	for _, v := range append(f.params[:len(f.params):len(f.params)], f.rets...) {
		c.scope.names[v.name] = symbol{v: v}
	}
	return c
}

// compile decodes the body of a function: once to see how long registers live, and once
// more with slots for them.
func (p *parser) compile(f *function) error {
	at, order := p.at, len(p.out.order)
	first := *f
	first.uses, first.calls = map[*variable]bool{}, map[*function]bool{}
	c := newCompiler(p, &first, nil)
	if err := c.body(); err != nil {
		return err
	}
	slots, n := allocate(first.code, c.uses, int(c.count))
	p.at, p.out.order = at, p.out.order[:order]
	f.slots = make([]slot, n)
	return newCompiler(p, f, slots).body()
}

func (c *compiler) push() {
	c.scope = &scope{c.scope, map[string]symbol{}, map[string]registers{}, map[string]int32{}, map[string][]string{}}
}

// body reads { … } and decodes it.
func (c *compiler) body() error {
	p := c.p
	if err := p.want("{"); err != nil {
		return err
	}
	for depth := 1; depth > 0; {
		t := p.peek()
		switch {
		case t.kind == tokenEnd:
			return p.fail("%s has no end", c.f.name)
		case p.take("{"):
			c.push()
			depth++
		case p.take("}"):
			if depth > 1 {
				c.scope = c.scope.parent
			}
			depth--
		case p.take(";"):
		case t.text == ".loc" || t.text == ".file":
			p.skipLine()
		case t.text == ".pragma":
			p.skipPast(";")
		case strings.HasPrefix(t.text, "."):
			if err := c.declare(); err != nil {
				return err
			}
		case t.kind == tokenName && p.tokens[p.at+1].text == ":":
			p.at += 2
			if _, twice := c.scope.labels[t.text]; twice {
				return p.fail("label %s stands twice", t.text)
			}
			if p.is(".branchtargets") {
				c.targets(t.text)
				continue
			}
			if p.is(".callprototype") {
				p.skipPast(";")
				continue
			}
			c.scope.labels[t.text] = int32(len(c.f.code))
		default:
			if err := c.statement(); err != nil {
				return err
			}
		}
	}
	return c.finish()
}

// targets reads ".branchtargets A, B;" behind its label.
func (c *compiler) targets(label string) {
	c.p.at++
	var names []string
	for c.p.peek().kind == tokenName {
		names = append(names, c.p.next().text)
		c.p.take(",")
	}
	c.scope.tables[label] = names
}

// finish sets the labels, and where the ways of branches meet.
func (c *compiler) finish() error {
	// Falling off the end returns.
	c.f.code = append(c.f.code, instr{run: runReturn, pred: -1, text: "ret;", line: c.p.peek().line, target: -1})
	for _, f := range c.fixups {
		pc, ok := int32(0), false
		for s := f.scope; s != nil && !ok; s = s.parent {
			pc, ok = s.labels[f.label]
		}
		if !ok {
			return &Error{int(f.token.line), f.label, "no such label"}
		}
		f.set(pc)
	}
	for i := range c.f.code {
		c.f.code[i].pc = int32(i)
	}
	meet(c.f.code)
	c.f.ready = make([]uint32, len(c.f.slots))
	for i, s := range c.f.slots {
		if s.kind != slotRegister {
			c.f.ready[i] = everyLane
		}
		if s.kind == slotSpecial || s.kind == slotAddress {
			c.f.varying = append(c.f.varying, int32(i))
		}
	}
	return nil
}

// declare reads the declaration of registers or variables within a function.
func (c *compiler) declare() error {
	p := c.p
	t := p.next()
	if t.text == ".reg" {
		return c.registers()
	}
	extern := false
	if t.text == ".extern" {
		extern = true
		t = p.next()
	}
	s, ok := spaces[t.text]
	if !ok {
		p.at--
		return p.fail("unknown directive %q", t.text)
	}
	vars, err := p.variables(s, extern)
	if err != nil {
		return err
	}
	for _, v := range vars {
		switch s {
		case local:
			c.f.localBytes = align(c.f.localBytes, v.align)
			v.offset = c.f.localBytes
			c.f.localBytes += v.size + guard
			c.f.locals = append(c.f.locals, v)
		case param:
			c.f.frameBytes = align(c.f.frameBytes, v.align)
			v.offset = c.f.frameBytes
			c.f.frameBytes += v.size
			if c.f.frameBytes > maxParams {
				return p.fail("more than %d bytes of parameters", maxParams)
			}
		case global, constant:
			p.out.order = append(p.out.order, v)
		}
		c.scope.names[v.name] = symbol{v: v}
	}
	return nil
}

// registers reads "T a, %r<8>;".
func (c *compiler) registers() error {
	p := c.p
	t, ok := types[strings.TrimPrefix(p.next().text, ".")]
	if !ok {
		p.at--
		return p.fail("unknown type of registers %q", p.peek().text)
	}
	for {
		name := p.next()
		if name.kind != tokenName {
			return p.fail("the name of a register expected")
		}
		if p.take("<") {
			n, err := p.integer()
			if err != nil {
				return err
			}
			if err := p.want(">"); err != nil {
				return err
			}
			if n < 0 || n > maxSlots {
				return p.fail("%d registers", n)
			}
			c.scope.ranges[name.text] = registers{t, int(n)}
		} else {
			c.scope.names[name.text] = c.register(t, name.text)
		}
		if p.take(";") {
			return nil
		}
		if err := p.want(","); err != nil {
			return err
		}
	}
}

// register gives a new register a slot: the first time its number.
func (c *compiler) register(t typ, name string) symbol {
	if t.kind == 'p' {
		c.f.preds = append(c.f.preds, name)
		return symbol{typ: t, slot: int32(len(c.f.preds) - 1)}
	}
	c.count++
	if c.slots != nil {
		return symbol{typ: t, slot: c.slots[c.count-1]}
	}
	return symbol{typ: t, slot: c.count - 1}
}

func (c *compiler) slot(s slot) int32 {
	c.f.slots = append(c.f.slots, s)
	return int32(len(c.f.slots) - 1)
}

// find looks a name up: in the scopes from within, then in the module.
func (c *compiler) find(name string) (symbol, bool) {
	prefix := strings.TrimRight(name, "0123456789")
	for s := c.scope; s != nil; s = s.parent {
		if sym, ok := s.names[name]; ok {
			return sym, true
		}
		if r, ok := s.ranges[prefix]; ok && len(prefix) < len(name) && len(name)-len(prefix) < 8 {
			index := 0
			for _, digit := range name[len(prefix):] {
				index = index*10 + int(digit-'0')
			}
			if index < r.count {
				sym := c.register(r.typ, name)
				s.names[name] = sym
				return sym, true
			}
		}
	}
	if v := c.p.out.vars[name]; v != nil {
		return symbol{v: v}, true
	}
	return symbol{}, false
}
