package formats

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"lamina/internal/strictjson"
)

// Bounds of an index file; a real one has at most some thousand names.
const (
	maxIndexBytes = 100_000_000
	maxShards     = 10_000
)

// JSONDepth is how deep the JSON of a checkpoint nests at most; a real one has two
// objects and an array in each other.
const JSONDepth = 8

// OpenIndex reads a Hugging Face index (model.safetensors.index.json,
// pytorch_model.bin.index.json) and opens each shard beside it with open. Tensors that
// index and shards do not agree on, or that would lie in a shard that is not there, are
// left out: see [Faults]. weight_map is read; the rest is ignored.
func OpenIndex(path string, open func(path string) (Reader, error)) (Reader, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	where, twice, err := parseIndex(path, f.Data())
	if err != nil {
		return nil, err
	}
	s := &sharded{path: path, part: make(map[string]int), faults: make(map[string]error)}
	if err := s.open(where, twice, open); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// parseIndex returns the file name of each tensor, and which stand there twice.
func parseIndex(path string, data []byte) (where map[string]string, twice map[string]bool, err error) {
	if len(data) > maxIndexBytes {
		return nil, nil, &Error{Path: path, Code: "INDEX_SIZE", Got: fmt.Sprintf("%d bytes", len(data)), Want: fmt.Sprintf("at most %d", maxIndexBytes)}
	}
	where, twice = make(map[string]string), make(map[string]bool)
	var shards []string
	seen := false
	js := strictjson.New(data, strictjson.Rules{Depth: JSONDepth})
	err = js.Object(func(key string) error {
		if key != "weight_map" {
			return js.Skip()
		}
		if seen {
			return &Error{Path: path, Code: "INDEX_DUPLICATE", Offset: int64(js.Offset()), Got: "a second weight_map"}
		}
		seen = true
		return js.Object(func(name string) error {
			shard, err := js.String()
			if err != nil {
				return err
			}
			if before, again := where[name]; again && before != shard {
				twice[name] = true
				return nil
			}
			i, known := slices.BinarySearch(shards, shard)
			if !known {
				if err := checkShardName(path, name, shard); err != nil {
					return err
				}
				if len(shards) == maxShards {
					return &Error{Path: path, Code: "INDEX_SHARDS", Got: "too many shards", Want: fmt.Sprintf("at most %d", maxShards)}
				}
				shards = slices.Insert(shards, i, shard)
			}
			where[name] = shards[i]
			return nil
		})
	})
	if err == nil {
		err = js.End()
	}
	if err == nil && !seen {
		err = &Error{Path: path, Code: "INDEX_EMPTY", Got: "no weight_map", Want: `{"weight_map":{"tensor":"file",…}}`}
	}
	if err == nil && len(where) == 0 {
		err = &Error{Path: path, Code: "INDEX_EMPTY", Got: "weight_map is empty"}
	}
	return where, twice, JSONError(path, "", "INDEX_JSON", 0, err)
}

// checkShardName refuses names that could lead out of the index's directory.
func checkShardName(path, tensor, shard string) error {
	if shard == "" || shard == "." || shard == ".." || strings.ContainsAny(shard, "/\\:\x00") || strings.Contains(shard, "..") || !filepath.IsLocal(shard) {
		return &Error{Path: path, Item: TensorItem(tensor), Code: "INDEX_SHARD_NAME", Got: "shard name " + Quote(shard),
			Want: "a plain file name in the directory of the index"}
	}
	return nil
}

// JSONError turns an error of the JSON walk into an [Error] of the file whose
// JSON starts at byte base; an Error, or nil, comes back as it is.
func JSONError(path, item, code string, base int64, err error) error {
	var js *strictjson.Error
	if !errors.As(err, &js) {
		return err
	}
	return &Error{Path: path, Item: item, Code: code, Offset: base + int64(js.Offset), Got: js.Reason, Want: "well-formed JSON of this format"}
}

// open opens the shards that where names. What index and shards do not agree on is noted
// and no error yet: it may be of a tensor that nobody reads.
func (s *sharded) open(where map[string]string, twice map[string]bool, open func(string) (Reader, error)) error {
	part := make(map[string]int)
	missing := make(map[string]error)
	names := slices.Sorted(maps.Keys(where))
	for _, name := range names {
		shard := where[name]
		if _, opened := part[shard]; opened || missing[shard] != nil {
			continue
		}
		src, err := open(filepath.Join(filepath.Dir(s.path), shard))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing[shard] = err
			continue
		case err != nil:
			return err
		}
		part[shard] = len(s.parts)
		s.parts = append(s.parts, src)
	}
	if len(s.parts) == 0 {
		return missing[where[names[0]]]
	}
	for i, src := range s.parts {
		for _, name := range src.Names() {
			switch at, listed := s.part[name]; {
			case listed:
				s.fault(name, fmt.Sprintf("is in %s and in %s", filepath.Base(s.parts[at].Path()), filepath.Base(src.Path())))
			case where[name] == "":
				s.fault(name, fmt.Sprintf("is in %s but not in the index", filepath.Base(src.Path())))
			default:
				s.part[name] = i
			}
		}
	}
	for _, name := range names {
		i, found := s.part[name]
		shard := where[name]
		switch {
		case missing[shard] != nil:
			s.faults[name] = missing[shard]
		case !found || i != part[shard]:
			s.fault(name, "is not in "+Quote(shard))
		case twice[name]:
			s.faults[name] = &Error{Path: s.path, Item: TensorItem(name), Code: "INDEX_DUPLICATE", Got: "stands twice in weight_map"}
		}
		if s.faults[name] == nil {
			s.names = append(s.names, name)
		}
	}
	for name := range s.faults {
		delete(s.part, name)
	}
	return nil
}

func (s *sharded) fault(name, what string) {
	if s.faults[name] == nil {
		s.faults[name] = &Error{Path: s.path, Item: TensorItem(name), Code: "INDEX_MISMATCH", Got: what, Want: "index and shards of the same checkpoint"}
	}
}
