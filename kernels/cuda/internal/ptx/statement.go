package ptx

import (
	"fmt"
	"strings"
)

// statement is an instruction as the text has it.
type statement struct {
	op    string
	mods  []string
	used  uint64 // modifiers that were asked for
	types []typ
	ops   []operand
	token token
	text  string
}

// has reports whether the instruction has a modifier.
func (s *statement) has(mod string) bool {
	found := false
	for i, m := range s.mods {
		if m == mod {
			s.used |= 1 << i
			found = true
		}
	}
	return found
}

// oneOf returns which of some modifiers the instruction has; "" where it has none.
func (s *statement) oneOf(mods ...string) string {
	for _, m := range mods {
		if s.has(m) {
			return m
		}
	}
	return ""
}

// statement reads one instruction and decodes it.
func (c *compiler) statement() error {
	p := c.p
	s := &statement{token: p.peek()}
	c.s = s
	guard, not := int32(-1), false
	if p.take("@") {
		not = p.take("!")
		name := p.next().text
		sym, ok := c.find(name)
		if !ok || sym.typ.kind != 'p' {
			return p.fail("no predicate: %s", name)
		}
		guard = sym.slot
	}
	op := p.next()
	if op.kind != tokenName {
		return p.fail("an instruction expected, not %q", op.text)
	}
	parts := strings.Split(op.text, ".")
	s.op = parts[0]
	if len(parts) > 60 {
		return c.fail("too many modifiers")
	}
	for _, m := range parts[1:] {
		if t, ok := types[m]; ok {
			s.types = append(s.types, t)
		} else {
			s.mods = append(s.mods, m)
		}
	}
	if err := c.operands(); err != nil {
		return err
	}
	s.text = strings.Join(strings.Fields(p.src[s.token.start:p.tokens[p.at-1].end]), " ")
	decode, ok := opcodes[s.op]
	if !ok {
		return c.fail("unknown instruction %s", s.op)
	}
	in, err := decode(c, s)
	if err != nil {
		return err
	}
	for i, m := range s.mods {
		if s.used&(1<<i) == 0 {
			return c.fail("unknown modifier .%s of %s", m, s.op)
		}
	}
	if len(c.f.slots) > maxSlots {
		return c.fail("more than %d registers and numbers", maxSlots)
	}
	in.pred, in.not, in.line, in.text = guard, not, s.token.line, s.text
	in.reads, c.reads = c.reads, nil
	c.f.code = append(c.f.code, in)
	return nil
}

// fail makes the error of the statement at hand.
func (c *compiler) fail(format string, args ...any) error {
	text := c.s.text
	if text == "" {
		text = firstLine(c.p.src[c.s.token.start:])
	}
	return &Error{int(c.s.token.line), text, fmt.Sprintf(format, args...)}
}
