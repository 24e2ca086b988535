package ptx

// operandKind says what an operand is.
type operandKind uint8

const (
	operandName   operandKind = iota // a register, a variable, a label or a function
	operandNumber                    // a literal
	operandMemory                    // [name+off]
	operandVector                    // {a, b}
	operandList                      // (a, b)
)

// operand is an operand as the text has it.
type operand struct {
	kind   operandKind
	name   string
	second string // of a|b
	number number
	off    int64
	not    bool
	list   []operand
}

// operands reads what follows an opcode, up to the semicolon.
func (c *compiler) operands() error {
	p := c.p
	for !p.take(";") {
		if len(c.s.ops) > 0 {
			if err := p.want(","); err != nil {
				return err
			}
		}
		o, err := c.operand(0)
		if err != nil {
			return err
		}
		c.s.ops = append(c.s.ops, o)
	}
	return nil
}

func (c *compiler) operand(depth int) (operand, error) {
	p := c.p
	switch {
	case depth > 2:
		return operand{}, p.fail("operands within operands")
	case p.take("{"):
		list, err := c.list("}", depth)
		return operand{kind: operandVector, list: list}, err
	case p.take("("):
		list, err := c.list(")", depth)
		return operand{kind: operandList, list: list}, err
	case p.take("["):
		return c.memory()
	case p.take("!"):
		o, err := c.operand(depth + 1)
		o.not = true
		return o, err
	case p.peek().kind == tokenName:
		o := operand{kind: operandName, name: p.next().text}
		if p.take("|") {
			o.second = p.next().text
		}
		if p.take("+") {
			n, err := p.integer()
			o.off = n
			return o, err
		}
		return o, nil
	}
	n, err := p.number()
	return operand{kind: operandNumber, number: n}, err
}

func (c *compiler) list(end string, depth int) ([]operand, error) {
	var list []operand
	for !c.p.take(end) {
		if len(list) > 0 {
			if err := c.p.want(","); err != nil {
				return nil, err
			}
		}
		o, err := c.operand(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// memory reads name+off] or number].
func (c *compiler) memory() (operand, error) {
	p := c.p
	o := operand{kind: operandMemory}
	if p.peek().kind == tokenName {
		o.name = p.next().text
		if p.take("]") {
			return o, nil
		}
		if !p.take("+") && !p.is("-") {
			return o, p.fail("no address")
		}
	}
	n, err := p.integer()
	if err != nil {
		return o, err
	}
	o.off = n
	return o, p.want("]")
}

// dst returns the slot of a result; "_" is a place that nobody reads.
func (c *compiler) dst(o operand) (int32, error) {
	if o.kind == operandName && o.name == "_" {
		return c.touch(c.register(types["b64"], "_").slot, true), nil
	}
	if o.kind == operandName {
		if sym, ok := c.find(o.name); ok && sym.v == nil && sym.typ.kind != 'p' {
			return c.touch(sym.slot, true), nil
		}
	}
	return 0, c.fail("no register for the result: %s", o.name)
}

// touch notes the use of a register.
func (c *compiler) touch(slot int32, def bool) int32 {
	if c.slots == nil {
		c.uses = append(c.uses, access{int32(len(c.f.code)), slot, def})
	}
	return slot
}

// predicate returns a predicate's index.
func (c *compiler) predicate(name string) (int32, error) {
	if name == "_" {
		return c.register(types["pred"], "_").slot, nil
	}
	if sym, ok := c.find(name); ok && sym.v == nil && sym.typ.kind == 'p' {
		return sym.slot, nil
	}
	return 0, c.fail("no predicate: %s", name)
}

// src returns the slot of an operand of a type: a register, a literal, a special
// register, or the address of a variable.
func (c *compiler) src(o operand, t typ) (int32, error) {
	switch o.kind {
	case operandNumber:
		if t.pair {
			t.bits = 32
		}
		return c.constant(o.number.value(t)), nil
	case operandName:
		if o.not {
			return 0, c.fail("! stands before what is no predicate")
		}
		sym, ok := c.find(o.name)
		switch {
		case ok && sym.v != nil:
			return c.addressOf(sym.v, o.off), nil
		case ok && sym.typ.kind != 'p' && o.off == 0:
			c.reads = append(c.reads, named{sym.slot, o.name})
			return c.touch(sym.slot, false), nil
		case !ok && o.off == 0:
			if at, ok := c.special[o.name]; ok {
				return at, nil
			}
			if which, ok := specials[o.name]; ok {
				at := c.slot(slot{kind: slotSpecial, value: uint64(which)})
				c.special[o.name] = at
				return at, nil
			}
		}
	}
	return 0, c.fail("no such operand: %s", o.name)
}

// constant returns the slot of a number.
func (c *compiler) constant(bits uint64) int32 {
	if at, ok := c.consts[bits]; ok {
		return at
	}
	at := c.slot(slot{kind: slotConst, value: bits})
	c.consts[bits] = at
	return at
}

// addressOf returns the slot of a variable's address.
func (c *compiler) addressOf(v *variable, off int64) int32 {
	c.f.uses[v] = true
	key := addressKey{v, off}
	if at, ok := c.address[key]; ok {
		return at
	}
	at := c.slot(slot{kind: slotAddress, v: v, value: uint64(off)})
	c.address[key] = at
	return at
}

// want checks the number of operands, and that there is a type.
func (c *compiler) want(operands, ofTypes int) error {
	if len(c.s.ops) != operands {
		return c.fail("%s takes %d operands, not %d", c.s.op, operands, len(c.s.ops))
	}
	if len(c.s.types) != ofTypes {
		return c.fail("%s takes %d types, not %d", c.s.op, ofTypes, len(c.s.types))
	}
	return nil
}

// three sets result and up to three operands of one type.
func (c *compiler) three(in *instr, t typ) error {
	var err error
	if in.d, err = c.dst(c.s.ops[0]); err != nil {
		return err
	}
	for i, at := range []*int32{&in.a, &in.b, &in.c} {
		if i+1 < len(c.s.ops) {
			if *at, err = c.src(c.s.ops[i+1], t); err != nil {
				return err
			}
		}
	}
	return nil
}
