package record

import (
	"fmt"

	"lamina/internal/strictjson"
)

// maxFields and maxDepth bound what a hostile line costs beyond its own bytes; real
// rows stay far below.
const (
	maxFields = 256
	maxDepth  = 32
)

// The rules of a record in a line, of a file that is an array of records, and of an
// array in a cell.
var (
	lineRules  = strictjson.Rules{Depth: maxDepth, Members: maxFields, Line: true}
	arrayRules = strictjson.Rules{Depth: maxDepth + 1, Members: maxFields}
	cellRules  = strictjson.Rules{Depth: maxDepth, Members: maxFields}
)

// readObject reads {"name": value, …}. A name that comes twice is an error.
func readObject(s *strictjson.Scanner) (Object, error) {
	var o Object
	err := s.Object(func(name string) error {
		if _, twice := o.Get(name); twice { // few fields: a search is cheaper than a map
			return fmt.Errorf("field %.128q comes twice", name)
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

// readValue reads any value.
func readValue(s *strictjson.Scanner) (Value, error) {
	switch s.Kind() {
	case strictjson.String:
		return s.String()
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
