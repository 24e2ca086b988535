package strictjson

import (
	"iter"
	"slices"
	"strconv"
	"strings"
)

// A Node is one value of a text that was parsed. The zero Node is none.
type Node struct {
	tree *tree
	at   int
}

// tree is a text and where its values stand, in the order in which they begin; of an
// object each name stands before its value. It takes twelve bytes a value, so that a text
// of nothing but brackets and commas takes no more than some times its size.
type tree struct {
	text  string
	rules Rules
	marks []mark
}

type mark struct{ start, end, next uint32 } // next: the value behind this one and all that is in it

// Parse reads a text that is one value, of less than 4 GB. A name that comes twice is an
// error.
func Parse(data []byte, rules Rules) (Node, error) {
	s := New(data, rules)
	if uint64(len(data)) >= 1<<32 {
		return Node{}, s.fail("a text of 4 GB or more")
	}
	s.whole = string(data)
	t := &tree{text: s.whole, rules: rules, marks: make([]mark, 0, mostValues(data))}
	err := s.node(t)
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return Node{}, err
	}
	return Node{t, 0}, nil
}

// mostValues returns no less than the number of values and names in a text: each stands
// at the front or behind one of four marks.
func mostValues(data []byte) int {
	n := 1
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '[', '{', ',', ':':
			n++
		}
	}
	return n
}

// node reads the next value into t.
func (s *Scanner) node(t *tree) (err error) {
	at := t.begin(s.Offset())
	switch s.Kind() {
	case Object:
		err = s.members(t)
	case Array:
		err = s.Array(func() error { return s.node(t) })
	default:
		err = s.Skip()
	}
	t.end(at, s.pos)
	return err
}

func (t *tree) begin(start int) (at int) {
	t.marks = append(t.marks, mark{start: uint32(start)})
	return len(t.marks) - 1
}

func (t *tree) end(at, end int) {
	t.marks[at].end, t.marks[at].next = uint32(end), uint32(len(t.marks))
}

// fewMembers is up to how many members a name is looked for one by one.
const fewMembers = 16

func (s *Scanner) members(t *tree) error {
	var few [fewMembers]string
	var many nameSet
	count := 0
	return s.object(func(name string, start, end int) error {
		at := t.begin(start)
		t.end(at, end)
		twice := slices.Contains(few[:min(count, fewMembers)], name)
		if count < fewMembers {
			few[count] = name
		} else {
			twice = twice || many.add(t, at, name)
		}
		if twice {
			return s.fail("duplicate member %s", quote(name))
		}
		count++
		return s.node(t)
	})
}

// quote renders a name from a file for a message: quoted, at most 128 bytes.
func quote(name string) string { return strconv.Quote(name[:min(len(name), 128)]) }

// Absent reports whether there is no value.
func (n Node) Absent() bool { return n.tree == nil }

// Kind returns what the value is, [None] where there is none.
func (n Node) Kind() Kind {
	if n.tree == nil {
		return None
	}
	return n.tree.rules.kind(n.tree.text[n.tree.marks[n.at].start])
}

// Source returns the value as it is spelled in the text.
func (n Node) Source() string {
	m := n.tree.marks[n.at]
	return n.tree.text[m.start:m.end]
}

// Text returns the text of a string, and of other values the spelling.
func (n Node) Text() string {
	source := n.Source()
	if source[0] != '"' {
		return source
	}
	if plain := source[1 : len(source)-1]; strings.IndexByte(plain, '\\') < 0 {
		return plain
	}
	text, _ := New([]byte(source), n.tree.rules).String() // it was read before
	return text
}

// Items yields the elements of an array with their places.
func (n Node) Items() iter.Seq2[int, Node] {
	return func(yield func(int, Node) bool) {
		if n.Kind() != Array {
			return
		}
		for i, at := 0, n.at+1; at < n.end() && yield(i, Node{n.tree, at}); i++ {
			at = n.tree.next(at)
		}
	}
}

// Members yields the members of an object by their names, in the order of the file.
func (n Node) Members() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		if n.Kind() != Object {
			return
		}
		for at := n.at + 1; at < n.end() && yield(Node{n.tree, at}.Text(), Node{n.tree, at + 1}); {
			at = n.tree.next(at + 1)
		}
	}
}

// Len returns how many members or elements the value has.
func (n Node) Len() (count int) {
	if n.Kind() != Object && n.Kind() != Array {
		return 0
	}
	for at := n.at + 1; at < n.end(); count++ {
		at = n.tree.next(at)
	}
	if n.Kind() == Object {
		count /= 2
	}
	return count
}

func (n Node) end() int         { return n.tree.next(n.at) }
func (t *tree) next(at int) int { return int(t.marks[at].next) }
