package formats

import (
	"errors"
	"fmt"
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
// pytorch_model.bin.index.json), opens each shard beside it with open, and
// checks that index and shards name the same tensors, each once. The error lists
// the first few differences. weight_map is read; the rest is ignored.
func OpenIndex(path string, open func(path string) (Reader, error)) (Reader, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	where, err := parseIndex(path, f.Data())
	if err != nil {
		return nil, err
	}
	s := &sharded{path: path, part: make(map[string]int)}
	if err := s.open(where, open); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// parseIndex returns the file name of each tensor.
func parseIndex(path string, data []byte) (map[string]string, error) {
	if len(data) > maxIndexBytes {
		return nil, &Error{Path: path, Code: "INDEX_SIZE", Got: fmt.Sprintf("%d bytes", len(data)), Want: fmt.Sprintf("at most %d", maxIndexBytes)}
	}
	where := make(map[string]string)
	var shards []string
	seen := false
	js := strictjson.New(data, strictjson.Rules{Depth: JSONDepth})
	err := js.Object(func(key string) error {
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
			if _, twice := where[name]; twice {
				return &Error{Path: path, Item: TensorItem(name), Code: "INDEX_DUPLICATE", Offset: int64(js.Offset()), Got: "stands twice in weight_map"}
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
	return where, JSONError(path, "", "INDEX_JSON", 0, err)
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

func (s *sharded) open(where map[string]string, open func(string) (Reader, error)) error {
	part := make(map[string]int)
	names := make([]string, 0, len(where))
	for name := range where {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		shard := where[name]
		if _, opened := part[shard]; opened {
			continue
		}
		src, err := open(filepath.Join(filepath.Dir(s.path), shard))
		if err != nil {
			return err
		}
		part[shard] = len(s.parts)
		s.parts = append(s.parts, src)
	}
	var wrong []string
	for i, src := range s.parts {
		for _, name := range src.Names() {
			switch at, listed := s.part[name]; {
			case listed:
				wrong = append(wrong, fmt.Sprintf("%s is in %s and in %s", Quote(name), filepath.Base(s.parts[at].Path()), filepath.Base(src.Path())))
			case where[name] == "":
				wrong = append(wrong, fmt.Sprintf("%s is in %s but not in the index", Quote(name), filepath.Base(src.Path())))
			default:
				s.part[name] = i
			}
		}
	}
	for _, name := range names {
		if i, ok := s.part[name]; !ok || i != part[where[name]] {
			wrong = append(wrong, fmt.Sprintf("%s is not in %s", Quote(name), Quote(where[name])))
		}
	}
	s.names = names
	return mismatch(s.path, wrong)
}

func mismatch(path string, wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	const show = 5
	more := ""
	if len(wrong) > show {
		more = fmt.Sprintf("; and %d more", len(wrong)-show)
		wrong = wrong[:show]
	}
	return &Error{Path: path, Code: "INDEX_MISMATCH", Got: strings.Join(wrong, "; ") + more, Want: "index and shards of the same checkpoint"}
}
