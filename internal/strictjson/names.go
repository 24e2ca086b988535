package strictjson

import "hash/maphash"

// nameSet holds the names of a large object, as places in its tree: of a file that is
// nothing but names, a map of them would be the most of what it takes.
type nameSet struct {
	seed  maphash.Seed
	slots []uint32 // a power of two, half of them 0: free; else the place of a name and one
	count int
}

// add adds the name that stands at a place, and reports whether it was there.
func (s *nameSet) add(t *tree, at int, name string) (twice bool) {
	if s.slots == nil {
		s.seed, s.slots = maphash.MakeSeed(), make([]uint32, 4*fewMembers)
	}
	if 2*s.count >= len(s.slots) {
		old := s.slots
		s.slots, s.count = make([]uint32, 2*len(old)), 0
		for _, slot := range old {
			if slot != 0 {
				s.add(t, int(slot-1), Node{t, int(slot - 1)}.Text())
			}
		}
	}
	last := uint64(len(s.slots) - 1)
	i := maphash.String(s.seed, name) & last
	for ; s.slots[i] != 0; i = (i + 1) & last {
		if (Node{t, int(s.slots[i] - 1)}).Text() == name {
			return true
		}
	}
	s.slots[i] = uint32(at) + 1
	s.count++
	return false
}
