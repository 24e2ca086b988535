package parquet

import (
	"fmt"
)

// Physical types of parquet.thrift.
const (
	pBoolean = 0
	pInt32   = 1
	pInt64   = 2
	pInt96   = 3
	pFloat   = 4
	pDouble  = 5
	pBytes   = 6
	pFixed   = 7
)

const (
	maxNesting = 64
	maxName    = 1024 // bytes of a column's name
)

// form is what a node of a schema becomes in a record.
type form int8

const (
	asObject form = iota
	asList
	// The rest are leaves.
	asBool
	asInt
	asUnsigned
	asFloat
	asText
	asDate
	asMillis
	asMicros
	asNanos
	asTimeMillis
	asTimeMicros
	asTimeNanos
	asOldNanos // INT96
	asHalf
	asDecimal
	asUUID
	asBytes // text if it is UTF-8
)

// node is a field of a record, an item of a list, or the whole record. Parquet
// stores no structure beside the values: each value of a leaf has a definition
// level, how many of the optional and repeated fields on its path are there, and
// a repetition level, at which of the repeated ones it goes on (0: a new row).
type node struct {
	name   string
	parent *node
	form   form
	null   bool // may be null
	def    int  // definition level from which the node is not null
	lo, hi int  // its leaves

	fields []*node // of an object; a list has one, its item
	// Of a list: the definition level from which it has an item, and the
	// repetition level of its further items.
	itemDef, itemRep int

	physical, width int // of a leaf: type, bytes of a fixed-length one
	scale           int // of a decimal: digits behind the point
	maxDef, maxRep  int // of a leaf: levels of a value that is there

	// unread says why a leaf is not read, in words for who asks for it. lead is the first
	// leaf of a node that is read, -1 if there is none: the node is not read then.
	unread string
	lead   int
}

// path returns the names down to a node, joined by dots.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	if above := n.parent.path(); above != "" && n.name != "" {
		return above + "." + n.name
	}
	return n.parent.path() + n.name
}

// element is SchemaElement of parquet.thrift.
type element struct {
	physical, width, repetition, children int64
	name                                  []byte
	converted, logical                    int64
	scale                                 int64 // of a decimal
	signed                                bool  // of logical type INTEGER
	unit                                  int64 // of logical types TIME and TIMESTAMP
}

// schema reads a list of elements, which is a tree in depth-first order.
type schema struct {
	t      *thrift
	left   int // elements not read
	leaves []*node
}

// readSchema reads the schema and gives the tree of what records hold. Errors go
// to t.
func readSchema(t *thrift) (*node, []*node) {
	s := schema{t: t, left: t.list(tStruct)}
	if s.left == 0 {
		return nil, nil
	}
	e := s.element()
	root := &node{form: asObject}
	s.children(root, e, 0, 0, 0)
	switch {
	case t.err != nil:
		return nil, nil
	case s.left > 0:
		t.fail(fmt.Errorf("schema: %d elements belong to no column", s.left))
	case len(s.leaves) == 0:
		t.fail(fmt.Errorf("schema: no columns"))
	}
	return root, s.leaves
}

func (s *schema) element() element {
	t := s.t
	e := element{physical: -1, converted: -1, logical: -1, signed: true}
	if s.left == 0 {
		t.fail(fmt.Errorf("schema: fewer elements than it says"))
		return e
	}
	s.left--
	t.fields(2, func(id int, kind byte) bool {
		switch id {
		case 1:
			return t.number(kind, &e.physical)
		case 2:
			return t.number(kind, &e.width)
		case 3:
			return t.number(kind, &e.repetition)
		case 4:
			t.want(kind, tBinary)
			e.name = t.text()
			return true
		case 5:
			return t.number(kind, &e.children)
		case 6:
			return t.number(kind, &e.converted)
		case 7:
			return t.number(kind, &e.scale)
		case 10:
			t.want(kind, tStruct)
			s.logical(&e)
			return true
		}
		return false
	})
	return e
}

// logical reads the union LogicalType; its empty members say all by their number.
func (s *schema) logical(e *element) {
	t := s.t
	t.fields(3, func(id int, kind byte) bool {
		e.logical = int64(id)
		if kind != tStruct || id != logicalInteger && id != logicalTimestamp && id != logicalTime && id != logicalDecimal {
			return false
		}
		t.fields(4, func(inner int, kind byte) bool {
			switch {
			case id == logicalDecimal && inner == 1:
				return t.number(kind, &e.scale)
			case id == logicalInteger && inner == 2 && (kind == tTrue || kind == tFalse):
				e.signed = kind == tTrue
				return true
			case inner == 2 && kind == tStruct: // unit of TIME and TIMESTAMP
				t.fields(5, func(id int, _ byte) bool {
					e.unit = int64(id)
					return false
				})
				return true
			}
			return false
		})
		return true
	})
}

// children reads the fields of a group at the given levels.
func (s *schema) children(n *node, e element, def, rep, depth int) {
	n.lo = len(s.leaves)
	if s.t.err == nil && (e.children <= 0 || e.children > int64(s.left)) {
		s.t.fail(fmt.Errorf("schema: column %.128q: a group of %d, and %d elements are left", n.path(), e.children, s.left))
	}
	if depth >= maxNesting {
		s.t.fail(fmt.Errorf("schema: nested deeper than %d", maxNesting))
	}
	var names map[string]bool
	for range e.children {
		if s.t.err != nil {
			return
		}
		child := s.node(n, def, rep, depth+1)
		if names == nil && e.children > 1 {
			names = map[string]bool{}
		}
		if names[child.name] && s.t.err == nil {
			s.t.fail(fmt.Errorf("schema: column %.128q comes twice", child.path()))
		}
		if names != nil {
			names[child.name] = true
		}
		n.fields = append(n.fields, child)
	}
	n.hi = len(s.leaves)
}

// node reads an element and what is below it.
func (s *schema) node(parent *node, def, rep, depth int) *node {
	e := s.element()
	n := &node{parent: parent}
	if s.t.err == nil && (len(e.name) > maxName || e.repetition < 0 || e.repetition > 2) {
		s.t.fail(fmt.Errorf("schema: column %.128q: a name of %d bytes, repetition %d", e.name, len(e.name), e.repetition))
	}
	if s.t.err != nil {
		return n
	}
	n.name = string(e.name)
	if err := checkText(e.name); err != nil {
		s.t.fail(fmt.Errorf("schema: column %.128q: %w", n.name, err))
	}
	inner := n
	switch e.repetition {
	case 1:
		def++
		n.null = true
	case 2: // a list without a group around it, or the inside of one
		n.form, n.def = asList, def
		def, rep = def+1, rep+1
		n.itemDef, n.itemRep = def, rep
		n.lo = len(s.leaves)
		inner = &node{parent: n}
		n.fields = []*node{inner}
	}
	inner.def = def
	if e.physical >= 0 && e.children == 0 {
		s.leaf(inner, e, def, rep)
	} else {
		s.children(inner, e, def, rep, depth)
		if e.repetition != 2 {
			s.unwrap(inner, e)
		}
	}
	n.hi = len(s.leaves)
	return n
}

// unwrap makes a list of a group that is annotated as LIST or MAP and holds one
// repeated field. Which node is the item follows the format's rules for lists
// written before there was one form (LogicalTypes.md, "Backward-compatibility").
func (s *schema) unwrap(n *node, e element) {
	isMap := e.converted == convertedMap || e.converted == convertedMapKeyValue || e.logical == logicalMap
	isList := e.converted == convertedList || e.logical == logicalList
	if s.t.err != nil || !isMap && !isList {
		return
	}
	if len(n.fields) != 1 || n.fields[0].form != asList {
		s.t.fail(fmt.Errorf("schema: column %.128q: a list without one repeated field", n.path()))
		return
	}
	inside := n.fields[0]
	item := inside.fields[0]
	if isList && item.form == asObject && len(item.fields) == 1 && inside.name != "array" && inside.name != n.name+"_tuple" {
		item = item.fields[0]
	}
	n.form, n.fields = asList, []*node{item}
	n.itemDef, n.itemRep = inside.itemDef, inside.itemRep
}

// Converted types and members of LogicalType of parquet.thrift.
const (
	convertedUTF8        = 0
	convertedMap         = 1
	convertedMapKeyValue = 2
	convertedList        = 3
	convertedEnum        = 4
	convertedDecimal     = 5
	convertedDate        = 6
	convertedTimeMillis  = 7
	convertedTimeMicros  = 8
	convertedMillis      = 9
	convertedMicros      = 10
	convertedUint8       = 11
	convertedUint64      = 14
	convertedInt8        = 15
	convertedInt64       = 18
	convertedJSON        = 19

	logicalString    = 1
	logicalMap       = 2
	logicalList      = 3
	logicalEnum      = 4
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInteger   = 10
	logicalUnknown   = 11
	logicalJSON      = 12
	logicalUUID      = 14
	logicalHalf      = 15
)

func (s *schema) leaf(n *node, e element, def, rep int) {
	n.lo, n.hi = len(s.leaves), len(s.leaves)+1
	n.maxDef, n.maxRep = def, rep
	n.physical, n.width, n.scale = int(e.physical), int(e.width), int(e.scale)
	if n.lo == maxColumns {
		s.t.fail(fmt.Errorf("schema: column %.128q: more than %d columns", n.path(), maxColumns))
		return
	}
	var ok bool
	if n.form, ok = leafForm(e); !ok {
		n.unread = fmt.Sprintf("type %d (converted %d, logical %d) is not read: write it as text or as numbers", e.physical, e.converted, e.logical)
	}
	s.leaves = append(s.leaves, n)
}

// setLead finds the first leaf that is read, of the node and of all below it.
func (n *node) setLead(leaves []*node) {
	n.lead = -1
	for i := n.hi - 1; i >= n.lo; i-- {
		if leaves[i].unread == "" {
			n.lead = i
		}
	}
	for _, f := range n.fields {
		f.setLead(leaves)
	}
}
