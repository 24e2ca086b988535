package gguf

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"

	"lamina/formats"
)

// llama.cpp's gguf-split cuts a file into NAME-00001-of-0000N.gguf and so on. The first
// part has the metadata, all have these keys. Reference: llama_split_path of
// llama-model-loader.cpp.
const (
	splitNumber  = "split.no" // from 0 on
	splitCount   = "split.count"
	splitTensors = "split.tensors.count" // of all parts
	maxParts     = 10_000
)

var partName = regexp.MustCompile(`^(.+)-(\d{5})-of-(\d{5})\.gguf$`)

func splitError(path, got, want string) error {
	return &formats.Error{Path: path, Code: "GGUF_SPLIT", Got: got, Want: want}
}

// whole returns g with the other parts of the file it is one of. It closes g if that
// fails.
func (g *File) whole(path string) (*File, error) {
	count, split := g.Uint(splitCount)
	name := partName.FindStringSubmatch(filepath.Base(path))
	named := 0
	if name != nil {
		named, _ = strconv.Atoi(name[3])
	}
	var err error
	switch {
	case named <= 1 && (!split || count <= 1):
		return g, nil
	case !split:
		err = splitError(path, fmt.Sprintf("is called a part of %d but has no key %s", named, splitCount), "the file as gguf-split wrote it, or another name for a whole one")
	case count > maxParts:
		err = splitError(path, fmt.Sprintf("%s is %d", splitCount, count), fmt.Sprintf("at most %d", maxParts))
	case uint64(named) != count:
		err = splitError(path, fmt.Sprintf("is one of %d parts but not called so", count), fmt.Sprintf("NAME-00001-of-%05d.gguf beside the others, as gguf-split names them", count))
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	parts := make([]*File, count)
	all := make([]formats.Reader, 0, count)
	closed := func(err error) (*File, error) {
		for _, p := range all {
			p.Close()
		}
		return nil, err
	}
	for i := range parts {
		at := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s-%05d-of-%05d.gguf", name[1], i+1, count))
		if parts[i], err = openPart(at, i, count); err != nil {
			g.Close()
			return closed(err)
		}
		all = append(all, parts[i].Reader)
	}
	g.Close()
	tensors := 0
	for _, p := range parts {
		tensors += len(p.Names())
	}
	if n, ok := parts[0].Int(splitTensors); ok && n != int64(tensors) {
		return closed(splitError(path, fmt.Sprintf("the %d parts have %d tensors", count, tensors), fmt.Sprintf("%d: parts of one model", n)))
	}
	r, err := formats.Join(path, all)
	if err != nil {
		return nil, err
	}
	return &File{Reader: r, version: parts[0].version, meta: parts[0].meta}, nil
}

// openPart opens part i of count and sees that it says so itself.
func openPart(path string, i int, count uint64) (*File, error) {
	p, err := open(path)
	if err != nil {
		return nil, err
	}
	n, isPart := p.Uint(splitCount)
	number, _ := p.Uint(splitNumber)
	if !isPart || n != count || number != uint64(i) {
		err := splitError(path, fmt.Sprintf("says of itself that it is part %d of %d", number+1, n), fmt.Sprintf("part %d of %d: fetch it again", i+1, count))
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}
