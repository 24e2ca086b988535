// Package hubtest is a Hugging Face hub inside a test's process, one repository
// large, with any fault a test wants. Nothing in it reaches the network.
//
//	h := hubtest.New(t, "tiny/model", map[string]string{"config.json": "{}"})
//	h.Fault = func(a *hubtest.Answer) {
//		if a.Kind == hubtest.Content && a.N == 0 {
//			a.Cut = 10 // the first attempt breaks off after 10 bytes
//		}
//	}
//	t.Setenv("HF_ENDPOINT", h.URL)
//
// Large files lie on a second host, to which the first redirects, as they do on
// the real hub; small ones are redirected to another path of the same host.
package hubtest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Kind is what a request asks for.
type Kind string

// The kinds of requests.
const (
	List    Kind = "list"    // the files of a revision
	Head    Kind = "head"    // a file's headers
	Get     Kind = "get"     // a file, from the hub itself
	Content Kind = "content" // a large file, from the host it lies on
)

// Answer is what the server is about to send; a fault changes it.
type Answer struct {
	Kind    Kind
	Name    string // of the file
	N       int    // requests of this kind and name before this one
	Request *http.Request

	Status int
	Header http.Header
	Body   []byte // of a range only that part
	Whole  []byte // the file
	Cut    int    // ≥ 0: the connection is dropped after so many bytes of Body
	Hang   bool   // send Cut bytes, then nothing until the client goes away
}

// Hub is the server.
type Hub struct {
	URL    string // for HF_ENDPOINT
	Remote string // of the host of large files
	Repo   string
	Type   string // "model" or "dataset"
	Commit string
	Token  string // asked for, if not empty
	Gated  bool
	Fault  func(*Answer) // nil: none

	mu     sync.Mutex
	files  map[string]string
	seen   map[string]int
	log    []string
	leaked []string
}

// New starts a hub with one model repository. It ends with the test.
func New(t testing.TB, repo string, files map[string]string) *Hub {
	t.Helper()
	h := &Hub{Repo: repo, Type: "model", Commit: strings.Repeat("0123456789", 4), files: files, seen: map[string]int{}}
	front := httptest.NewServer(http.HandlerFunc(h.front))
	remote := httptest.NewServer(http.HandlerFunc(h.remote))
	t.Cleanup(func() {
		for _, s := range []*httptest.Server{front, remote} {
			s.CloseClientConnections()
			s.Close()
		}
	})
	h.URL, h.Remote = front.URL, remote.URL
	return h
}

// Log returns the requests so far, as "kind name range".
func (h *Hub) Log() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.log)
}

// Leaked returns the Authorization headers that the host of large files got.
func (h *Hub) Leaked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.leaked)
}

// Digest returns the name of a file's blob.
func (h *Hub) Digest(name string) string {
	content := h.files[name]
	if Large(name) {
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return hex.EncodeToString(sum[:])
}

// Large reports whether a file is stored as git-lfs does.
func Large(name string) bool {
	switch path.Ext(name) {
	case ".safetensors", ".bin", ".parquet", ".gz", ".gguf":
		return true
	}
	return false
}

// front is the hub itself.
func (h *Hub) front(w http.ResponseWriter, r *http.Request) {
	prefix := ""
	if h.Type == "dataset" {
		prefix = "datasets/"
	}
	at := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	if rest, ok := strings.CutPrefix(at, "api/"+h.Type+"s/"+h.Repo+"/revision/"); ok && r.Method == http.MethodGet {
		h.list(w, r, rest)
		return
	}
	if rest, ok := strings.CutPrefix(at, "api/"+h.Type+"s/"+h.Repo+"/tree/"); ok && rest == h.Commit {
		h.send(w, h.answer(List, "tree", r, http.StatusOK, http.Header{"Content-Type": {"application/json"}}, h.tree()))
		return
	}
	for _, way := range []string{prefix + h.Repo + "/resolve/", "api/resolve-cache/"} {
		if rest, ok := strings.CutPrefix(at, way); ok {
			h.resolve(w, r, rest, way == "api/resolve-cache/")
			return
		}
	}
	h.send(w, h.answer(List, "", r, http.StatusNotFound, http.Header{"X-Error-Code": {"RepoNotFound"}}, nil))
}

// refused answers a request without the token.
func (h *Hub) refused(w http.ResponseWriter, r *http.Request, kind Kind) bool {
	if h.Token == "" || r.Header.Get("Authorization") == "Bearer "+h.Token {
		return false
	}
	status, header := http.StatusUnauthorized, http.Header{}
	if h.Gated {
		status, header = http.StatusForbidden, http.Header{"X-Error-Code": {"GatedRepo"}}
	}
	h.send(w, h.answer(kind, "", r, status, header, nil))
	return true
}

// Listing is the JSON of the repository.
func (h *Hub) Listing() []byte {
	type sibling struct {
		Name string         `json:"rfilename"`
		Size int            `json:"size"`
		Blob string         `json:"blobId"`
		LFS  map[string]any `json:"lfs,omitempty"`
	}
	var all []sibling
	for _, name := range slices.Sorted(maps.Keys(h.files)) {
		s := sibling{Name: name, Size: len(h.files[name]), Blob: h.Digest(name)}
		if Large(name) {
			s.Blob, s.LFS = strings.Repeat("a", 40), map[string]any{"sha256": h.Digest(name), "size": s.Size, "pointerSize": 130}
		}
		all = append(all, s)
	}
	text, err := json.Marshal(map[string]any{"id": h.Repo, "sha": h.Commit, "siblings": all})
	if err != nil {
		panic(err)
	}
	return text
}

// tree is what huggingface_hub asks for after the commit.
func (h *Hub) tree() []byte {
	var all []map[string]any
	for _, name := range slices.Sorted(maps.Keys(h.files)) {
		f := map[string]any{"type": "file", "path": name, "size": len(h.files[name]), "oid": h.Digest(name)}
		if Large(name) {
			f["oid"], f["lfs"] = strings.Repeat("a", 40), map[string]any{"oid": h.Digest(name), "size": len(h.files[name]), "pointerSize": 130}
		}
		all = append(all, f)
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return text
}

func (h *Hub) list(w http.ResponseWriter, r *http.Request, revision string) {
	if h.refused(w, r, List) {
		return
	}
	name, err := url.PathUnescape(revision)
	if err != nil || name != "main" && name != "refs/pr/1" && name != h.Commit {
		h.send(w, h.answer(List, "", r, http.StatusNotFound, http.Header{"X-Error-Code": {"RevisionNotFound"}}, nil))
		return
	}
	h.send(w, h.answer(List, "", r, http.StatusOK, http.Header{"Content-Type": {"application/json"}}, h.Listing()))
}

// resolve answers for a file: COMMIT/NAME. A small one is first sent on to the
// path of the cache.
func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, rest string, cached bool) {
	kind := Get
	if r.Method == http.MethodHead {
		kind = Head
	}
	if h.refused(w, r, kind) {
		return
	}
	header := http.Header{"X-Repo-Commit": {h.Commit}}
	_, escaped, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(escaped)
	content, ok := h.files[name]
	switch {
	case err != nil || !ok:
		header.Set("X-Error-Code", "EntryNotFound")
		h.send(w, h.answer(kind, name, r, http.StatusNotFound, header, nil))
	case Large(name):
		header.Set("X-Linked-Etag", `"`+h.Digest(name)+`"`)
		header.Set("X-Linked-Size", strconv.Itoa(len(content)))
		header.Set("Location", h.Remote+"/"+escaped+"?signature=secret")
		h.send(w, h.answer(kind, name, r, http.StatusFound, header, nil))
	case !cached:
		header.Set("Location", "/api/resolve-cache/"+rest)
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(http.StatusTemporaryRedirect)
	default:
		header.Set("ETag", `"`+h.Digest(name)+`"`)
		h.send(w, h.ranged(kind, name, r, header, content))
	}
}

// remote is the host of large files.
func (h *Hub) remote(w http.ResponseWriter, r *http.Request) {
	if got := r.Header.Get("Authorization"); got != "" {
		h.mu.Lock()
		h.leaked = append(h.leaked, got)
		h.mu.Unlock()
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	header := http.Header{}
	header.Set("ETag", `"remote-`+h.Digest(name)[:8]+`"`)
	h.send(w, h.ranged(Content, name, r, header, h.files[name]))
}

// ranged answers with the file, or the part from a first byte on, to a last one if that
// is asked for.
func (h *Hub) ranged(kind Kind, name string, r *http.Request, header http.Header, content string) *Answer {
	status, body := http.StatusOK, []byte(content)
	from, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if same := r.Header.Get("If-Range"); ok && (same == "" || same == header.Get("ETag")) {
		first, last, _ := strings.Cut(from, "-")
		n, err := strconv.Atoi(first)
		end := len(body)
		if to, err := strconv.Atoi(last); err == nil {
			end = min(end, to+1)
		}
		if err != nil || n >= end {
			return h.answer(kind, name, r, http.StatusRequestedRangeNotSatisfiable, header, nil)
		}
		status, body = http.StatusPartialContent, body[n:end]
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", n, end-1, len(content)))
	}
	a := h.answer(kind, name, r, status, header, body)
	a.Whole = []byte(content)
	return a
}

// answer counts and logs a request.
func (h *Hub) answer(kind Kind, name string, r *http.Request, status int, header http.Header, body []byte) *Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := string(kind) + " " + name
	n := h.seen[key]
	h.seen[key]++
	h.log = append(h.log, strings.TrimSpace(key+" "+r.Header.Get("Range")))
	return &Answer{Kind: kind, Name: name, N: n, Request: r, Status: status, Header: header, Body: body, Cut: -1}
}

// send lets the fault at an answer and writes it.
func (h *Hub) send(w http.ResponseWriter, a *Answer) {
	if h.Fault != nil {
		h.Fault(a)
	}
	for k, v := range a.Header {
		w.Header()[k] = v
	}
	if w.Header().Get("Content-Length") == "" && !(a.Status >= 300 && a.Status < 400) {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	if a.Request.Method == http.MethodHead {
		return
	}
	if a.Cut < 0 && !a.Hang {
		w.Write(a.Body)
		return
	}
	w.Write(a.Body[:min(max(a.Cut, 0), len(a.Body))])
	w.(http.Flusher).Flush()
	if a.Hang {
		<-a.Request.Context().Done()
	}
	panic(http.ErrAbortHandler)
}
