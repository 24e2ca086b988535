package hub

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"lamina/internal/strictjson"
)

// File is a file of a repository at a commit.
type File struct {
	Name   string `json:"name"` // slash-separated
	Size   int64  `json:"size"` // bytes; -1: not known yet
	Digest string `json:"digest,omitempty"`
}

// maxListing bounds the answer that lists a repository: some 300,000 files.
const maxListing = 64 << 20

// maxDepth is how deep the hub's answers, and an index of shards, nest at most.
const maxDepth = 64

// listing is what the hub says of a revision.
type listing struct {
	Commit string
	Files  []File
}

// parseListing reads the answer of api/models/ID/revision/REVISION?blobs=true.
// Names are not checked here: only those that are asked for matter.
func parseListing(data []byte) (listing, error) {
	var raw struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name string `json:"rfilename"`
			Size *int64 `json:"size"`
			Blob string `json:"blobId"`
			LFS  *struct {
				SHA256 string `json:"sha256"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := strictjson.Decode(data, strictjson.Rules{Depth: maxDepth}, &raw); err != nil {
		return listing{}, fmt.Errorf("list of files: %w", err)
	}
	if !isCommit(raw.SHA) {
		return listing{}, fmt.Errorf("list of files: commit %.64q: want 40 hexadecimal digits", raw.SHA)
	}
	l := listing{Commit: raw.SHA}
	seen := make(map[string]bool, len(raw.Siblings))
	for _, s := range raw.Siblings {
		f := File{Name: s.Name, Size: -1, Digest: s.Blob}
		if s.LFS != nil {
			f.Digest = s.LFS.SHA256
		}
		if s.Size != nil {
			f.Size = *s.Size
		}
		switch {
		case seen[f.Name]:
			return listing{}, fmt.Errorf("list of files: %.128q stands there twice", f.Name)
		case s.Size != nil && f.Size < 0:
			return listing{}, fmt.Errorf("list of files: %.128q: size %d", f.Name, f.Size)
		case f.Digest != "" && !isDigest(f.Digest):
			return listing{}, fmt.Errorf("list of files: %.128q: digest %.80q: want a SHA-256 or SHA-1", f.Name, f.Digest)
		}
		seen[f.Name] = true
		l.Files = append(l.Files, f)
	}
	return l, nil
}

func (l listing) names() []string {
	names := make([]string, len(l.Files))
	for i, f := range l.Files {
		names[i] = f.Name
	}
	return names
}

// headers is what the answers to a HEAD request say of a file.
type headers struct {
	commit string // X-Repo-Commit
	etag   string // X-Linked-Etag, else ETag
	size   int64  // X-Linked-Size, else Content-Length; -1: unknown
	linked bool   // etag and size are those of the content, not of this answer
}

// add takes over what one answer of a chain of redirects says. What the first
// says of the linked content holds; of plain headers only the last answer's count,
// and a redirect's own body is not the file.
func (h *headers) add(status int, header http.Header) error {
	if v := header.Get("X-Repo-Commit"); v != "" {
		if !isCommit(v) {
			return fmt.Errorf("X-Repo-Commit %.64q: want 40 hexadecimal digits", v)
		}
		h.commit = v
	}
	if h.linked {
		return nil
	}
	h.etag, h.size = "", -1
	size := header.Get("X-Linked-Size")
	if v := header.Get("X-Linked-Etag"); v != "" {
		h.etag, h.linked = plainETag(v), true
	} else if status < 300 {
		h.etag = plainETag(header.Get("ETag"))
		if size == "" {
			size = header.Get("Content-Length")
		}
	}
	if size != "" {
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("size %.32q of the file: want a number of bytes", size)
		}
		h.size = n
	}
	return nil
}

// plainETag takes the quotes and the mark of a weak one off an ETag.
func plainETag(v string) string {
	return strings.Trim(strings.TrimPrefix(v, "W/"), `"`)
}

// agree completes a listed file from its headers. The server must not contradict
// itself, and must say how long the file is and what its digest is.
func (f File) agree(commit string, h headers) (File, error) {
	switch {
	case h.commit == "":
		return f, fmt.Errorf("the answer has no X-Repo-Commit: it is not a hub's; check HF_ENDPOINT and proxies")
	case h.commit != commit:
		return f, fmt.Errorf("the answer is of commit %s, asked was %s", h.commit, commit)
	case !isDigest(h.etag):
		return f, fmt.Errorf("ETag %.80q is no digest: the file could not be verified", h.etag)
	case f.Digest != "" && f.Digest != h.etag:
		return f, fmt.Errorf("its digest is %s in the list of files and %s in its headers", f.Digest, h.etag)
	case f.Size >= 0 && h.size >= 0 && f.Size != h.size:
		return f, fmt.Errorf("its size is %d in the list of files and %d in its headers", f.Size, h.size)
	}
	f.Digest, f.Size = h.etag, max(f.Size, h.size)
	if f.Size < 0 {
		return f, fmt.Errorf("the server does not say how long it is")
	}
	return f, nil
}

// parseContentRange checks that a 206 answer begins at offset and is of a file of
// the expected size.
func parseContentRange(text string, offset, size int64) error {
	wrong := fmt.Errorf("Content-Range %.64q: want bytes %d-%d/%d", text, offset, size-1, size)
	span, total, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	first, last, ok2 := strings.Cut(span, "-")
	if !ok || !ok2 || !strings.HasPrefix(text, "bytes ") {
		return wrong
	}
	a, err := strconv.ParseInt(first, 10, 64)
	if err != nil || a != offset {
		return wrong
	}
	b, err := strconv.ParseInt(last, 10, 64)
	if err != nil || b < a || b >= size {
		return wrong
	}
	if n, err := strconv.ParseInt(total, 10, 64); total != "*" && (err != nil || n != size) {
		return wrong
	}
	return nil
}
