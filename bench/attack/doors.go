package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/dataset"
	"lamina/eval/results"
	"lamina/formats"
	"lamina/formats/gguf"
	"lamina/hub"
	"lamina/kernels/ref"
	"lamina/transformer"
	"lamina/transformer/tokenizer"
)

// How the doors of readers.go are opened. Each returns the error of the reader.

func readTensors(parse func([]byte) (formats.Reader, error)) func(string, []byte) error {
	return func(_ string, data []byte) error {
		f, err := parse(data)
		if err != nil {
			return err
		}
		defer f.Close()
		for _, name := range f.Names() {
			if _, err := f.Bytes(name); err != nil {
				return err
			}
		}
		return nil
	}
}

func readIndex(dir string, _ []byte) error {
	_, err := formats.OpenIndex(filepath.Join(dir, "index.json"), func(string) (formats.Reader, error) { return nil, errReached })
	return err
}

// errReached says that a reader came to the end of what was changed.
var errReached = errors.New("reached")

func readGGUF(_ string, data []byte) error {
	g, err := gguf.Parse("m.gguf", data)
	if err != nil {
		return err
	}
	for _, key := range g.Keys() {
		g.Uint(key)
		g.Float(key)
		g.String(key)
		g.Strings(key)
		g.Ints(key)
	}
	for _, name := range g.Names() {
		if _, err := g.Bytes(name); err != nil {
			return err
		}
	}
	return nil
}

// readModel opens a model and its tokenizer, if it has one.
func readModel(name string) func(string, []byte) error {
	return func(dir string, _ []byte) error {
		c, err := transformer.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer c.Close()
		if t, err := c.Tokenizer(); err == nil {
			t.Encode("a word", true)
		}
		return nil
	}
}

func readTokenizer(dir string, _ []byte) error {
	t, err := tokenizer.Load(dir)
	if err != nil {
		return err
	}
	ids, err := t.EncodeChecked("a b\x00 <s>_é\xff e\u0301 12345 ﬁ \n\n don't", true)
	if err == nil {
		t.Decode(ids, true)
	}
	return err
}

func readRows(name string) func(string, []byte) error {
	return func(dir string, _ []byte) error {
		set, err := dataset.Open(filepath.Join(dir, name), dataset.Options{})
		if err != nil {
			return err
		}
		for _, err := range set.Records() {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func readEmulator(dir string, _ []byte) error {
	c, err := transformer.Open(dir)
	if err != nil {
		return err
	}
	defer c.Close()
	_, _, err = emulate.Open(c, ref.New())
	return err
}

func readAdapter(dir string, _ []byte) error {
	a, err := exchange.OpenAdapter(dir)
	if err != nil {
		return err
	}
	return a.Close()
}

func readResults(dir string, _ []byte) error {
	a, err := results.Read(dir)
	if err != nil {
		return err
	}
	_, err = results.Compare(context.Background(), a, a, results.Settings{Resamples: 2})
	return err
}

// lists is a hub that answers every request with one text.
type lists []byte

func (l lists) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(l)),
		Header: http.Header{"Content-Type": {"application/json"}, "X-Repo-Commit": {commit}}, Body: io.NopCloser(bytes.NewReader(l))}, nil
}

func readListing(dir string, data []byte) error {
	c := &hub.Client{Endpoint: "http://hub.test", Cache: filepath.Join(dir, "cache"), Transport: lists(data), Wait: func(context.Context, time.Duration) error { return context.Canceled }}
	repo, err := hub.ParseRepo(hub.Model, repo)
	if err != nil {
		return err
	}
	_, err = c.Fetch(context.Background(), repo, "main", func(names []string) ([]string, error) { return names, nil })
	return err
}
