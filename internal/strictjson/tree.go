package strictjson

import (
	"slices"
	"strconv"
)

// A Node is one value of a text.
type Node struct {
	Kind       Kind
	Text       string   // of a string its text, of a number its spelling
	Names      []string // of an object: the names of its members, in the order of the file
	Kids       []Node   // the members of an object, the elements of an array
	Start, End int      // where it stands in the text
}

// Parse reads a text that is one value. A name that comes twice is an error.
func Parse(data []byte, rules Rules) (*Node, error) {
	s := New(data, rules)
	n := &Node{}
	err := s.node(n)
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// node reads the next value into n.
func (s *Scanner) node(n *Node) (err error) {
	n.Kind, n.Start = s.Kind(), s.Offset()
	switch n.Kind {
	case Object:
		err = s.members(n)
	case Array:
		err = s.Array(func() error {
			n.Kids = append(n.Kids, Node{})
			return s.node(&n.Kids[len(n.Kids)-1])
		})
	case String:
		n.Text, err = s.String()
	case Number:
		n.Text, err = s.Number()
	default:
		err = s.Skip()
	}
	n.End = s.pos
	return err
}

// fewMembers is up to how many members a name is looked for one by one.
const fewMembers = 16

func (s *Scanner) members(n *Node) error {
	var seen map[string]struct{} // the names, once they are many
	return s.Object(func(name string) error {
		_, twice := seen[name]
		if twice || seen == nil && slices.Contains(n.Names, name) {
			return s.fail("duplicate member %s", quote(name))
		}
		n.Names = append(n.Names, name)
		if seen == nil && len(n.Names) > fewMembers {
			seen = make(map[string]struct{})
			for _, name := range n.Names {
				seen[name] = struct{}{}
			}
		} else if seen != nil {
			seen[name] = struct{}{}
		}
		n.Kids = append(n.Kids, Node{})
		return s.node(&n.Kids[len(n.Kids)-1])
	})
}

// quote renders a name from a file for a message: quoted, at most 128 bytes.
func quote(name string) string { return strconv.Quote(name[:min(len(name), 128)]) }
