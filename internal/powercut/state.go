package powercut

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// State is what a disk holds: directories and files.
type State struct{ nodes []content }

// content of a node.
type content struct {
	dir   bool
	names map[string]node // of a directory
	data  []byte          // of a file; never changed in place
}

// Read takes the state of a directory; what is neither file nor directory is left out.
func Read(dir string) (*State, error) {
	s := &State{}
	s.add(true)
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		at, _ := s.find(filepath.ToSlash(relative))
		if !e.IsDir() && !e.Type().IsRegular() {
			return nil
		}
		n := s.add(e.IsDir())
		s.nodes[at.dir].names[at.name] = n
		if !e.IsDir() {
			s.nodes[n].data, err = os.ReadFile(name)
		}
		return err
	})
	return s, err
}

func (s *State) add(dir bool) node {
	c := content{dir: dir}
	if dir {
		c.names = map[string]node{}
	}
	s.nodes = append(s.nodes, c)
	return node(len(s.nodes) - 1)
}

func (s *State) clone() *State {
	c := &State{nodes: slices.Clone(s.nodes)}
	for i := range c.nodes {
		c.nodes[i].names = maps.Clone(c.nodes[i].names)
	}
	return c
}

// Fate is what becomes of an operation that was not synced.
type Fate int

// The fates. Operations on names that are not kept are lost.
const (
	Kept     Fate = iota
	Lost          // as if it had not been
	Cut           // of what was written the first half is there
	Garbled       // all is there, with other bytes in the second half
	anything      // one of those, drawn
)

// Policy says what becomes of operations that were not synced.
type Policy struct {
	Name        string
	Names, Data Fate
}

// Policies are all that a disk is tried under.
var Policies = []Policy{
	{"kept", Kept, Kept},
	{"dropped", Lost, Lost},
	{"names without data", Kept, Lost},
	{"data cut", Kept, Cut},
	{"data garbled", Kept, Garbled},
	{"data without names", Lost, Kept},
	{"drawn", anything, anything},
	{"drawn again", anything, anything},
}

// After returns what is left of the operations of log, which were executed on s, when the
// power goes after the last. What a policy draws follows from seed.
func (s *State) After(log []Op, p Policy, seed uint64) *State {
	steps := s.resolve(log)
	durable := make([]bool, len(steps))
	content, names := map[node]bool{}, map[node]bool{} // what is synced later
	for i := len(steps) - 1; i >= 0; i-- {
		st := steps[i]
		switch st.op.Kind {
		case Sync:
			content[st.on] = true
		case SyncDir:
			names[st.on] = true
		case Write, Truncate:
			durable[i] = content[st.on]
		default:
			durable[i] = true
			for _, m := range st.moves {
				durable[i] = durable[i] && (m.from.dir == none || names[m.from.dir]) && (m.to.dir == none || names[m.to.dir])
			}
		}
	}
	draws := rand.New(rand.NewPCG(seed, uint64(len(p.Name))))
	left := s.clone()
	for i, st := range steps {
		fate := Kept
		if !durable[i] {
			fate = p.Names
			if st.op.Kind == Write || st.op.Kind == Truncate {
				fate = p.Data
			}
			if fate == anything {
				fate = Fate(draws.IntN(int(anything)))
			}
		}
		left.apply(st, fate)
	}
	return left
}

// apply executes a step, or what its fate leaves of it.
func (s *State) apply(st step, fate Fate) {
	if st.makes {
		for len(s.nodes) <= int(st.on) {
			s.add(false)
		}
		if st.dir && !s.nodes[st.on].dir {
			s.nodes[st.on] = content{dir: true, names: map[string]node{}}
		}
	}
	switch st.op.Kind {
	case Write:
		s.write(st.on, st.op, fate)
	case Truncate:
		if fate == Kept {
			c := &s.nodes[st.on]
			c.data = resized(c.data, st.op.Offset)
		}
	default:
		if fate == Kept {
			s.rearrange(st)
		}
	}
}

func (s *State) write(on node, op Op, fate Fate) {
	data := op.Data
	switch fate {
	case Lost:
		return
	case Cut:
		data = data[:len(data)/2]
	case Garbled:
		data = bytes.Clone(data)
		for i := len(data) / 2; i < len(data); i++ {
			data[i] ^= 0xa5
		}
	}
	c := &s.nodes[on]
	end := op.Offset + int64(len(data))
	c.data = resized(c.data, max(end, int64(len(c.data))))
	copy(c.data[op.Offset:end], data)
}

// resized is a copy, cut or with zeros at its end.
func resized(data []byte, size int64) []byte {
	out := make([]byte, size)
	copy(out, data)
	return out
}

// rearrange executes the moves of a step. Where an earlier one was lost, a node may lie
// elsewhere than the step says: it is taken from there, as it has one name at a time.
func (s *State) rearrange(st step) {
	for _, m := range st.moves {
		if m.to.dir == none {
			if m.from.dir != none && s.nodes[m.from.dir].names[m.from.name] == m.what {
				delete(s.nodes[m.from.dir].names, m.from.name)
			}
			continue
		}
		for i := range s.nodes {
			maps.DeleteFunc(s.nodes[i].names, func(_ string, n node) bool { return n == m.what })
		}
		s.nodes[m.to.dir].names[m.to.name] = m.what
	}
}

// each calls do for every file and directory, those above first.
func (s *State) each(do func(name string, c content) error) error {
	var walk func(n node, name string) error
	walk = func(n node, name string) error {
		for _, below := range slices.Sorted(maps.Keys(s.nodes[n].names)) {
			child, at := s.nodes[n].names[below], path.Join(name, below)
			if err := do(at, s.nodes[child]); err != nil {
				return err
			}
			if err := walk(child, at); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(0, "")
}

// Write makes the state in a directory, which is empty or not there.
func (s *State) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return s.each(func(name string, c content) error {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if c.dir {
			return os.Mkdir(at, 0o755)
		}
		return os.WriteFile(at, c.data, 0o644)
	})
}

// Digest is the same for the same names with the same content.
func (s *State) Digest() string {
	h := sha256.New()
	s.each(func(name string, c content) error {
		fmt.Fprintf(h, "%q %t %d\n", name, c.dir, len(c.data))
		h.Write(c.data)
		return nil
	})
	return fmt.Sprintf("%x", h.Sum(nil))
}
