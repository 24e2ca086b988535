package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// liar is a hub of one small repository that answers each case as it is told: the first
// word of a request's path is the case. Large files lie on a second host, which keeps
// what it should never be sent.
type liar struct {
	home, far string // addresses, with http://
	lies      map[string]lie

	lock   sync.Mutex
	leaked []string // cases in which the second host got the token
	count  map[string]int64
	close  []func() error
}

// lie is what a case changes. Each may be nil.
type lie struct {
	list    func(text string) string // the list of files
	first   http.HandlerFunc         // in place of the list
	head    func(h http.Header)      // of the answer that tells a file's digest
	content http.HandlerFunc         // in place of a file
	far     http.HandlerFunc         // of a large one
}

const (
	repo   = "tiny/model"
	commit = "0123456789012345678901234567890123456789"
)

// shown are the files of the repository.
var shown = map[string]string{"config.json": `{"model_type":"opt"}`, "model.safetensors": strings.Repeat("weights ", 4096)}

// digestOf names a file's content as the hub does.
func digestOf(name string) string {
	content := shown[name]
	if path.Ext(name) == ".safetensors" {
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return hex.EncodeToString(sum[:])
}

// listing is the honest list of files.
func listing() string {
	var all []map[string]any
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		f := map[string]any{"rfilename": name, "size": len(shown[name]), "blobId": digestOf(name)}
		if path.Ext(name) == ".safetensors" {
			f["lfs"] = map[string]any{"sha256": digestOf(name), "size": len(shown[name])}
		}
		all = append(all, f)
	}
	text, err := json.Marshal(map[string]any{"id": repo, "sha": commit, "siblings": all})
	if err != nil {
		panic(fmt.Sprint("attack: listing: ", err))
	}
	return string(text)
}

// serve starts both hosts.
func serve(lies map[string]lie) (*liar, error) {
	h := &liar{lies: lies, count: map[string]int64{}}
	for _, host := range []struct {
		address *string
		answer  http.HandlerFunc
	}{{&h.home, h.near}, {&h.far, h.remote}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		*host.address = "http://" + l.Addr().String()
		s := &http.Server{Handler: h.counted(host.answer)}
		go s.Serve(l)
		h.close = append(h.close, s.Close)
	}
	return h, nil
}

func (h *liar) stop() {
	for _, c := range h.close {
		c()
	}
}

// counted notes how many bytes a case is sent.
func (h *liar) counted(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		word, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		answer(counter{w, h, word}, r)
	}
}

type counter struct {
	http.ResponseWriter
	hub  *liar
	word string
}

func (c counter) Write(data []byte) (int, error) {
	n, err := c.ResponseWriter.Write(data)
	c.hub.lock.Lock()
	c.hub.count[c.word] += int64(n)
	c.hub.lock.Unlock()
	return n, err
}

func (c counter) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// bytes returns how many a case was sent.
func (h *liar) bytes(word string) int64 {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.count[word]
}

// near is the hub itself.
func (h *liar) near(w http.ResponseWriter, r *http.Request) {
	word, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	l := h.lies[word]
	switch {
	case strings.HasPrefix(rest, "api/models/"):
		if l.first != nil {
			l.first(w, r)
			return
		}
		text := listing()
		if l.list != nil {
			text = l.list(text)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(text))
	case strings.HasPrefix(rest, repo+"/resolve/"):
		h.file(w, r, word, l, path.Base(rest))
	default:
		http.NotFound(w, r)
	}
}

// file answers for a file: its digest, then its content or where that lies.
func (h *liar) file(w http.ResponseWriter, r *http.Request, word string, l lie, name string) {
	content, ok := shown[name]
	if !ok {
		content = "x"
	}
	w.Header().Set("X-Repo-Commit", commit)
	status := http.StatusOK
	if path.Ext(name) == ".safetensors" {
		w.Header().Set("X-Linked-Etag", `"`+digestOf(name)+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
		w.Header().Set("Location", h.far+"/"+word+"/"+name)
		status = http.StatusFound
	} else {
		w.Header().Set("ETag", `"`+digestOf(name)+`"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	}
	if l.head != nil {
		l.head(w.Header())
	}
	if l.content != nil && r.Method == http.MethodGet && status == http.StatusOK {
		w.Header().Del("Content-Length")
		l.content(w, r)
		return
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet && status == http.StatusOK {
		w.Write([]byte(content))
	}
}

// remote is the host of large files.
func (h *liar) remote(w http.ResponseWriter, r *http.Request) {
	word, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Header.Get("Authorization") != "" {
		h.lock.Lock()
		h.leaked = append(h.leaked, word)
		h.lock.Unlock()
	}
	if l := h.lies[word]; l.far != nil {
		l.far(w, r)
		return
	}
	w.Write([]byte(shown[name]))
}
