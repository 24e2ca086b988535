package ptx

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// kind of a type: the letter of it.
type typ struct {
	kind byte // 'u', 's', 'b', 'f' (and 'h': bf16, 't': tf32), 'p': predicate
	bits int
	pair bool // x2
}

var types = map[string]typ{
	"u8": {'u', 8, false}, "u16": {'u', 16, false}, "u32": {'u', 32, false}, "u64": {'u', 64, false},
	"s8": {'s', 8, false}, "s16": {'s', 16, false}, "s32": {'s', 32, false}, "s64": {'s', 64, false},
	"b8": {'b', 8, false}, "b16": {'b', 16, false}, "b32": {'b', 32, false}, "b64": {'b', 64, false},
	"b128": {'b', 128, false},
	"f16":  {'f', 16, false}, "f32": {'f', 32, false}, "f64": {'f', 64, false},
	"f16x2": {'f', 16, true}, "bf16": {'h', 16, false}, "bf16x2": {'h', 16, true}, "tf32": {'t', 32, false},
	"pred": {'p', 1, false},
}

func (t typ) bytes() int {
	if t.pair {
		return t.bits / 4
	}
	return t.bits / 8
}

func (t typ) float() bool { return t.kind == 'f' || t.kind == 'h' || t.kind == 't' }

// variables reads "TYPE a, b[3] = {…};" of a space.
func (p *parser) variables(s space, extern bool) ([]*variable, error) {
	var all []*variable
	for {
		v, err := p.variable(s, extern)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		if p.take(";") {
			return all, nil
		}
		if err := p.want(","); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(p.peek().text, ".") {
			return nil, p.fail("one variable a statement is understood")
		}
	}
}

// variable reads one declaration, from its alignment and type on.
func (p *parser) variable(s space, extern bool) (*variable, error) {
	v := &variable{space: s}
	vector := 1
	var t typ
	for t.kind == 0 {
		word := p.next()
		switch word.text {
		case ".align":
			n, err := p.integer()
			if err != nil {
				return nil, err
			}
			if n <= 0 || n > 1<<16 || n&(n-1) != 0 {
				return nil, p.fail("no alignment: %d", n)
			}
			v.align = int(n)
		case ".v2":
			vector = 2
		case ".v4":
			vector = 4
		case ".ptr", ".global", ".shared", ".const", ".local":
		default:
			var ok bool
			if t, ok = types[strings.TrimPrefix(word.text, ".")]; !ok || t.kind == 'p' {
				return nil, p.fail("unknown type %q", word.text)
			}
		}
	}
	for p.is(".ptr") || p.is(".global") || p.is(".align") || p.is(".shared") || p.is(".const") || p.is(".local") {
		if p.next().text == ".align" {
			if _, err := p.integer(); err != nil {
				return nil, err
			}
		}
	}
	if v.align == 0 {
		v.align = t.bytes() * vector
	}
	name := p.next()
	if name.kind != tokenName {
		return nil, p.fail("the name of a variable expected, not %q", name.text)
	}
	v.name = name.text
	count, err := p.dimensions(extern)
	if err != nil {
		return nil, err
	}
	if count > maxArray {
		return nil, p.fail("%s is too large", v.name)
	}
	v.size = count * vector * t.bytes()
	if p.take("=") {
		if err := p.initial(v, t); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// dimensions reads [n][m]…; a dynamic array, [], has zero elements.
func (p *parser) dimensions(extern bool) (int, error) {
	count := 1
	for p.take("[") {
		if p.take("]") {
			if !extern {
				return 0, p.fail("an array without a size")
			}
			return 0, nil
		}
		n, err := p.integer()
		if err != nil {
			return 0, err
		}
		if n < 0 || n > maxArray || n > 0 && int64(count) > maxArray/n {
			return 0, p.fail("an array of %d elements", n)
		}
		count *= int(n)
		if err := p.want("]"); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// initial reads an initial value: a number, a name, or a list of them.
func (p *parser) initial(v *variable, t typ) error {
	depth := 0
	for {
		switch {
		case p.take("{"):
			depth++
		case p.take("}"):
			depth--
		case p.take(","):
		case p.peek().kind == tokenName:
			name := p.next().text
			if name == "generic" && p.take("(") {
				name = p.next().text
				if err := p.want(")"); err != nil {
					return err
				}
			}
			ref := reference{at: len(v.init), name: name}
			if p.take("+") {
				n, err := p.integer()
				if err != nil {
					return err
				}
				ref.off = n
			}
			v.refs = append(v.refs, ref)
			v.init = append(v.init, make([]byte, t.bytes())...)
		default:
			n, err := p.number()
			if err != nil {
				return err
			}
			v.init = append(v.init, n.as(t)[:t.bytes()]...)
		}
		if depth < 0 {
			return p.fail("} without {")
		}
		if len(v.init) > v.size {
			return p.fail("%s has more initial values than elements", v.name)
		}
		if depth == 0 {
			return nil
		}
	}
}

// number is a literal: an integer, or a float by its bits.
type number struct {
	float byte // 0, 'f' or 'd'
	bits  uint64
}

// as returns the little-endian bytes of a number of a type.
func (n number) as(t typ) []byte { return binary.LittleEndian.AppendUint64(nil, n.value(t)) }

// value returns the bits of a number as a register of the type holds them.
func (n number) value(t typ) uint64 {
	switch {
	case n.float == 0 && t.kind == 'f' && t.bits == 32 && n.bits != 0:
		return uint64(math.Float32bits(float32(int64(n.bits))))
	case n.float == 0 && t.kind == 'f' && t.bits == 64 && n.bits != 0:
		return math.Float64bits(float64(int64(n.bits)))
	case n.float == 'f' && t.bits == 64 && t.kind == 'f':
		return math.Float64bits(float64(math.Float32frombits(uint32(n.bits))))
	case n.float == 'd' && t.bits == 32 && t.kind == 'f':
		return uint64(math.Float32bits(float32(math.Float64frombits(n.bits))))
	}
	return n.bits & widthMask(t.bits)
}

func widthMask(bits int) uint64 {
	if bits >= 64 || bits <= 0 {
		return math.MaxUint64
	}
	return 1<<bits - 1
}

// number reads a literal with its sign.
func (p *parser) number() (number, error) {
	negative := p.take("-")
	t := p.next()
	if t.kind != tokenNumber {
		return number{}, p.fail("a number expected, not %q", t.text)
	}
	n, ok := literal(t.text)
	if !ok {
		return number{}, p.fail("no number: %q", t.text)
	}
	if negative {
		switch n.float {
		case 0:
			n.bits = -n.bits
		case 'f':
			n.bits ^= 1 << 31
		case 'd':
			n.bits ^= 1 << 63
		}
	}
	return n, nil
}

func literal(s string) (number, bool) {
	if len(s) > 2 && s[0] == '0' && (s[1] == 'f' || s[1] == 'F' || s[1] == 'd' || s[1] == 'D') {
		kind, digits := s[1]|0x20, 8
		if kind == 'd' {
			digits = 16
		}
		bits, err := strconv.ParseUint(s[2:], 16, 64)
		return number{kind, bits}, err == nil && len(s) == 2+digits
	}
	if strings.ContainsAny(s, ".") {
		f, err := strconv.ParseFloat(s, 64)
		return number{'d', math.Float64bits(f)}, err == nil
	}
	bits, err := strconv.ParseUint(strings.TrimRight(s, "U"), 0, 64)
	return number{0, bits}, err == nil
}

// integer reads an integer.
func (p *parser) integer() (int64, error) {
	n, err := p.number()
	if err == nil && n.float != 0 {
		return 0, p.fail("an integer expected")
	}
	return int64(n.bits), err
}
