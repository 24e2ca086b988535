// Package powercut tells what a disk may hold after the power went in the middle of some
// operations on files: what was written and not synced is there, or is not, or in part;
// so are names that were given, changed or taken away in a directory that was not synced
// since. The operations come from whoever notes them, a test's disk or a tracer of system
// calls.
//
//	start, err := powercut.Read(dir)                  // before the first operation
//	…                                                 // log grows
//	for n := range len(log) + 1 {
//		for _, p := range powercut.Policies {
//			state := start.After(log[:n], p, uint64(n))
//			err := state.Write(elsewhere)     // and the program begins there
//		}
//	}
//
// Invariants: what was synced before the cut is there, whatever the policy; one operation
// on names is there whole or not at all; under [Kept] the state is what the system had.
// The model is the weakest of POSIX: to sync a file says nothing of its name, to sync a
// directory nothing of what is in its files, and what is not synced is kept or lost in
// any order.
package powercut

import (
	"fmt"
	"path"
	"strings"
)

// Kind is what an operation does.
type Kind string

// The operations. Those on names take paths below the directory of the state, with slashes.
const (
	Create   Kind = "create"   // a file at Path, empty; nothing if it is there
	Mkdir    Kind = "mkdir"    // a directory at Path
	Write    Kind = "write"    // Data at Offset of the file at Path
	Truncate Kind = "truncate" // the file at Path to Offset bytes
	Sync     Kind = "sync"     // the content of the file at Path
	SyncDir  Kind = "syncdir"  // the names in the directory at Path, "." for the outermost
	Rename   Kind = "rename"   // Path becomes To, in place of what was there
	Exchange Kind = "exchange" // Path and To
	Remove   Kind = "remove"   // the file, or empty directory, at Path
)

// Op is one operation that was executed.
type Op struct {
	Kind     Kind
	Path, To string
	Offset   int64
	Data     []byte
}

func (o Op) String() string {
	return strings.TrimSpace(fmt.Sprint(string(o.Kind), " ", o.Path, " ", o.To))
}

// node is a file or a directory, by a number that it keeps whatever it is called.
type node int

// step is an operation on nodes: links and unlinks names, or changes the content of one.
type step struct {
	op    Op
	on    node // of content and syncs
	moves []move
	makes bool // moves[0].what is new
	dir   bool // and a directory
}

// move takes a node out of one directory and puts it into another; where from or to is
// none, it only appears or vanishes.
type move struct {
	what     node
	from, to place
}

type place struct {
	dir  node
	name string
}

const none node = -1

// resolve says of which nodes each operation speaks, by executing all on names.
func (s *State) resolve(log []Op) []step {
	names := s.clone()
	steps := make([]step, 0, len(log))
	for _, op := range log {
		at, what := names.find(op.Path)
		st := step{op: op, on: what}
		nowhere := place{dir: none}
		switch op.Kind {
		case Create, Mkdir:
			if what == none {
				st.makes, st.dir = true, op.Kind == Mkdir
				st.on = names.add(st.dir)
				st.moves = []move{{st.on, nowhere, at}}
			}
		case Rename:
			to, replaced := names.find(op.To)
			if replaced != none {
				st.moves = append(st.moves, move{replaced, to, nowhere})
			}
			st.moves = append(st.moves, move{what, at, to})
		case Exchange:
			to, other := names.find(op.To)
			st.moves = []move{{what, at, nowhere}, {other, to, at}, {what, nowhere, to}}
		case Remove:
			st.moves = []move{{what, at, nowhere}}
		}
		names.rearrange(st)
		steps = append(steps, st)
	}
	return steps
}

// find returns where a path leads: the place, and the node that is there.
func (s *State) find(name string) (place, node) {
	name = path.Clean(name)
	if name == "." {
		return place{none, ""}, 0
	}
	parts := strings.Split(name, "/")
	dir := node(0)
	for _, part := range parts[:len(parts)-1] {
		next, ok := s.nodes[dir].names[part]
		if !ok {
			panic("powercut: no directory " + name)
		}
		dir = next
	}
	at := place{dir, parts[len(parts)-1]}
	if what, ok := s.nodes[dir].names[at.name]; ok {
		return at, what
	}
	return at, none
}
