package record

import (
	"fmt"

	"lamina/internal/strictjson"
)

// maxFields and maxDepth bound what a hostile line costs beyond its own bytes. Real
// rows stay far below; what is deeper is kept as [Unread].
const (
	maxFields = 1 << 16
	maxDepth  = 64
	fewFields = 16 // up to so many a search is cheaper than a map
)

// The rules of a record in a line, and of an array in a cell.
var (
	lineRules = strictjson.Rules{Depth: maxDepth, Members: maxFields, Line: true, Python: true}
	cellRules = strictjson.Rules{Depth: maxDepth, Members: maxFields, Python: true}
)

// readObject reads {"name": value, …}. A name that comes twice is an error.
func readObject(s *strictjson.Scanner) (Object, error) {
	var o Object
	var seen map[string]bool // the names, once they are many
	err := s.Object(func(name string) error {
		twice := seen[name]
		if seen == nil {
			_, twice = o.Get(name)
		}
		if twice {
			return fmt.Errorf("field %.128q comes twice", name)
		}
		if seen == nil && len(o) == fewFields {
			seen = map[string]bool{}
			for _, f := range o {
				seen[f.Name] = true
			}
		}
		if seen != nil {
			seen[name] = true
		}
		v, err := readValue(s)
		if err != nil {
			return fmt.Errorf("field %.128q: %w", name, err)
		}
		o = append(o, Field{name, v})
		return nil
	})
	return o, err
}

// readValue reads any value. What has no form here, though Python reads it, stays as it
// is spelled: it is an error only when somebody asks for it.
func readValue(s *strictjson.Scanner) (Value, error) {
	if s.Deep() {
		return readUnread(s, fmt.Sprintf("nested deeper than %d", maxDepth))
	}
	switch s.Kind() {
	case strictjson.String:
		before := *s
		text, err := s.String()
		if err == nil {
			return text, nil
		}
		if v, fatal := readUnread(&before, err.Error()); fatal == nil {
			*s = before
			return v, nil
		}
		return nil, err
	case strictjson.Array:
		return readArray(s)
	case strictjson.Object:
		return readObject(s)
	case strictjson.Number:
		n, err := s.Number()
		return Number(n), err
	case strictjson.True, strictjson.False:
		return s.Bool()
	}
	return nil, s.Null()
}

// readArray reads a list: []int64 while there are only whole numbers, which token ids
// come as.
func readArray(s *strictjson.Scanner) (Value, error) {
	var ints []int64
	var list List
	err := s.Array(func() error {
		if list == nil {
			if v, ok := s.Int(); ok {
				if ints == nil {
					ints = make([]int64, 0, 1+s.Rest())
				}
				ints = append(ints, v)
				return nil
			}
		}
		v, err := readValue(s)
		if err != nil {
			return err
		}
		if list == nil {
			list = make(List, 0, len(ints)+1+s.Rest())
			for _, v := range ints {
				list = append(list, v)
			}
		}
		list = append(list, v)
		return nil
	})
	if list != nil || len(ints) == 0 {
		return list, err
	}
	return ints, err
}

// readUnread reads a value that is kept as it is spelled.
func readUnread(s *strictjson.Scanner, why string) (Value, error) {
	text, err := s.Raw()
	return Unread{Text: text, Why: why}, err
}
