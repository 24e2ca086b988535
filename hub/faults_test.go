package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lamina/hub/hubtest"
)

// on applies a fault to requests of a kind for one file, the first n of them.
func on(kind hubtest.Kind, name string, n int, fault func(a *hubtest.Answer)) func(*hubtest.Answer) {
	return func(a *hubtest.Answer) {
		if a.Kind == kind && a.Name == name && a.N < n {
			fault(a)
		}
	}
}

const always = 1 << 30

// setStatus replaces an answer by a bare one.
func setStatus(code int, header ...string) func(*hubtest.Answer) {
	return func(a *hubtest.Answer) {
		a.Status, a.Header, a.Body = code, http.Header{}, nil
		for i := 0; i < len(header); i += 2 {
			a.Header.Set(header[i], header[i+1])
		}
	}
}

func setHeader(name, value string) func(*hubtest.Answer) {
	return func(a *hubtest.Answer) {
		a.Header.Set(name, value)
		if value == "" {
			a.Header.Del(name)
		}
	}
}

func setBody(text string) func(*hubtest.Answer) {
	return func(a *hubtest.Answer) { a.Body = []byte(text) }
}

func cut(at int) func(*hubtest.Answer) { return func(a *hubtest.Answer) { a.Cut = at } }

func flip(a *hubtest.Answer) {
	a.Body = bytes.Clone(a.Body)
	a.Body[len(a.Body)/2] ^= 1
}

func ignoreRange(a *hubtest.Answer) {
	a.Status, a.Body = http.StatusOK, a.Whole
	a.Header.Del("Content-Range")
}

func replace(from, to string) func(*hubtest.Answer) {
	return func(a *hubtest.Answer) { a.Body = bytes.ReplaceAll(a.Body, []byte(from), []byte(to)) }
}

func both(faults ...func(*hubtest.Answer)) func(*hubtest.Answer) {
	return func(a *hubtest.Answer) {
		for _, f := range faults {
			f(a)
		}
	}
}

var (
	zeros = strings.Repeat("0", 40)
	ones  = strings.Repeat("1", 64)
)

// faults are what servers and networks do wrong. want is in the error; "": the
// fetch succeeds all the same.
var faults = []struct {
	name  string
	fault func(*hubtest.Answer)
	want  string
	kind  error
}{
	// The list of files.
	{"list: 500 twice", on(hubtest.List, "", 2, setStatus(500)), "", nil},
	{"list: 503 for ever", on(hubtest.List, "", always, setStatus(503)), "503 (Service Unavailable) (tried 6 times", nil},
	{"list: 429", on(hubtest.List, "", 1, setStatus(429, "Retry-After", "7")), "", nil},
	{"list: 429 for an hour", on(hubtest.List, "", 1, setStatus(429, "Retry-After", "3600")), "come again in 1h0m0s", nil},
	{"list: 401", on(hubtest.List, "", always, setStatus(401)), "set HF_TOKEN", ErrAccess},
	{"list: 403", on(hubtest.List, "", always, setStatus(403)), "ask its owner for access", ErrAccess},
	{"list: gated", on(hubtest.List, "", always, setStatus(403, "X-Error-Code", "GatedRepo")), "is gated: ask for access", ErrAccess},
	{"list: 401 of a gated one", on(hubtest.List, "", always, setStatus(401, "X-Error-Code", "GatedRepo")), "is gated", ErrAccess},
	{"list: no repository", on(hubtest.List, "", always, setStatus(404, "X-Error-Code", "RepoNotFound")), "no such model", ErrNotFound},
	{"list: no revision", on(hubtest.List, "", always, setStatus(404, "X-Error-Code", "RevisionNotFound")), `no revision "main"`, ErrNotFound},
	{"list: 404", on(hubtest.List, "", always, setStatus(404)), "404", ErrNotFound},
	{"list: 400", on(hubtest.List, "", always, setStatus(400, "X-Error-Message", `bad "name"`)), `400 (Bad Request): "bad \"name\""`, ErrServer},
	{"list: breaks off once", on(hubtest.List, "", 1, cut(30)), "", nil},
	{"list: breaks off", on(hubtest.List, "", always, cut(30)), "list of files broke off", nil},
	{"list: no JSON", on(hubtest.List, "", always, setBody("<html>")), "list of files", ErrServer},
	{"list: too long", on(hubtest.List, "", always, setBody(strings.Repeat(" ", maxListing+1))), "longer than", ErrServer},
	{"list: short commit", on(hubtest.List, "", always, setBody(`{"sha": "abc"}`)), `commit "abc"`, ErrServer},
	{"list: commit as a path", on(hubtest.List, "", always, setBody(`{"sha": "../../../../../../../../../../etc/passwd.."}`)), "commit", ErrServer},
	{"list: redirect in a circle", on(hubtest.List, "", always, setStatus(302, "Location", "/api/models/tiny/model/revision/main")), "more than 8 redirects", ErrServer},
	{"list: redirect to a file", on(hubtest.List, "", always, setStatus(302, "Location", "file:///etc/passwd")), "want https", ErrServer},
	{"list: redirect to another protocol", on(hubtest.List, "", always, setStatus(302, "Location", "ftp://127.0.0.1:1/x")), "want https", ErrServer},
	{"list: redirect to no address", on(hubtest.List, "", always, setStatus(302, "Location", "http://[::1")), "to an address that is none", ErrServer},
	{"list: redirect to no port", on(hubtest.List, "", always, setStatus(302, "Location", "http://127.0.0.1:99999/x")), "invalid port", nil},
	{"list: redirect to nowhere", on(hubtest.List, "", always, setStatus(302)), "without a Location", ErrServer},
	{"list: twice the same", on(hubtest.List, "", always, replace(".gitattributes", "config.json")), "twice", ErrServer},
	{"list: negative size", on(hubtest.List, "", always, replace(`"size":24`, `"size":-24`)), "size -24", ErrServer},
	{"list: digest as a path", on(hubtest.List, "", always, replace(strings.Repeat("a", 40), "../../x")), "", nil}, // the pointer's, not used

	// Names of files.
	{"name: up", on(hubtest.List, "", always, replace("README.md", "../../README.md")), "plain relative path", ErrServer},
	{"name: absolute", on(hubtest.List, "", always, replace("README.md", "/etc/cron.d/x")), "plain relative path", ErrServer},
	{"name: backslash", on(hubtest.List, "", always, replace("README.md", `..\\x`)), "backslash", ErrServer},
	{"name: drive", on(hubtest.List, "", always, replace("README.md", `C:x`)), "colon", ErrServer},
	{"name: device", on(hubtest.List, "", always, replace("README.md", `nul.txt`)), "device", ErrServer},
	{"name: NUL", on(hubtest.List, "", always, replace("README.md", `a\u0000b`)), "control character", ErrServer},
	{"name: escape sequence", on(hubtest.List, "", always, replace("README.md", `a\u001b[2Jb`)), `"a\x1b[2Jb" holds a control`, ErrServer},
	{"name: empty", on(hubtest.List, "", always, replace("README.md", ``)), "empty", ErrServer},
	{"name: too long", on(hubtest.List, "", always, replace("README.md", strings.Repeat("x", 2000))), "longer than", ErrServer},

	// A file's headers.
	{"head: 502 once", on(hubtest.Head, shard1, 1, setStatus(502)), "", nil},
	{"head: no entry", on(hubtest.Head, shard1, always, setStatus(404, "X-Error-Code", "EntryNotFound")), "no such file", ErrNotFound},
	{"head: no commit", on(hubtest.Head, shard1, always, setHeader("X-Repo-Commit", "")), "no X-Repo-Commit", ErrServer},
	{"head: other commit", on(hubtest.Head, shard1, always, setHeader("X-Repo-Commit", zeros)), "is of commit " + zeros, ErrServer},
	{"head: commit as a path", on(hubtest.Head, shard1, always, setHeader("X-Repo-Commit", "../x")), "X-Repo-Commit", ErrServer},
	{"head: no ETag", on(hubtest.Head, shard1, always, setHeader("X-Linked-Etag", "")), "is no digest", ErrServer},
	{"head: ETag as a path", on(hubtest.Head, shard1, always, setHeader("X-Linked-Etag", `"../../../x"`)), "is no digest", ErrServer},
	{"head: ETag in capitals", on(hubtest.Head, shard1, always, setHeader("X-Linked-Etag", strings.Repeat("A", 64))), "is no digest", ErrServer},
	{"head: other digest", on(hubtest.Head, shard1, always, setHeader("X-Linked-Etag", ones)), "in the list of files and " + ones, ErrServer},
	{"head: other size", on(hubtest.Head, shard1, always, setHeader("X-Linked-Size", "5")), "5 in its headers", ErrServer},
	{"head: no size", on(hubtest.Head, shard1, always, setHeader("X-Linked-Size", "")), "", nil}, // the list has it
	{"head: size that is none", on(hubtest.Head, shard1, always, setHeader("X-Linked-Size", "-1")), `size "-1"`, ErrServer},
	{"head: weak ETag", on(hubtest.Head, "config.json", always, func(a *hubtest.Answer) { a.Header.Set("ETag", "W/"+a.Header.Get("ETag")) }), "", nil},

	// Content.
	{"content: dropped once", on(hubtest.Content, shard1, 1, cut(1000)), "", nil},
	{"content: dropped five times", on(hubtest.Content, shard1, 5, cut(1000)), "", nil},
	{"content: dropped for ever", on(hubtest.Content, shard1, always, cut(10)), "broke off after 60 of 64000 bytes", nil},
	{"content: dropped at the start", on(hubtest.Content, shard1, always, cut(0)), "broke off after 0 of 64000", nil},
	{"content: shorter than declared", on(hubtest.Content, shard1, always, func(a *hubtest.Answer) { a.Body = a.Body[:min(5, len(a.Body))] }), "broke off after 30 of 64000", nil},
	{"content: shorter than declared, once", on(hubtest.Content, shard1, 1, setBody("01234")), "", nil},
	{"content: longer than declared", on(hubtest.Content, shard1, always, func(a *hubtest.Answer) { a.Body = append(bytes.Clone(a.Body), 'x') }), "more than the 64000 bytes", ErrMismatch},
	{"content: a flipped bit, once", on(hubtest.Content, shard1, 1, flip), "", nil},
	{"content: a flipped bit", on(hubtest.Content, shard1, always, flip), "does not verify", ErrMismatch},
	{"content: a flipped bit in a small file", on(hubtest.Get, "config.json", always, flip), "does not verify", ErrMismatch},
	{"content: another file", on(hubtest.Content, shard1, always, setBody(strings.Repeat("x", 64000))), "does not verify", ErrMismatch},
	{"content: dropped, then no ranges", both(on(hubtest.Content, shard1, 1, cut(1000)), on(hubtest.Content, shard1, always, func(a *hubtest.Answer) {
		if a.N > 0 {
			ignoreRange(a)
		}
	})), "", nil},
	{"content: dropped, then another part", both(on(hubtest.Content, shard1, 1, cut(1000)), on(hubtest.Content, shard1, always, func(a *hubtest.Answer) {
		if a.N > 0 {
			a.Header.Set("Content-Range", "bytes 0-63999/64000")
		}
	})), "want bytes 1000-63999/64000", ErrServer},
	{"content: dropped, then a part of another size", both(on(hubtest.Content, shard1, 1, cut(1000)), on(hubtest.Content, shard1, always, func(a *hubtest.Answer) {
		if a.N > 0 {
			a.Header.Set("Content-Range", "bytes 1000-63999/64001")
		}
	})), "Content-Range", ErrServer},
	{"content: dropped, then 416", both(on(hubtest.Content, shard1, 1, cut(1000)), on(hubtest.Content, shard1, 2, func(a *hubtest.Answer) {
		if a.N == 1 {
			setStatus(416)(a)
		}
	})), "", nil},
	{"content: changed between attempts", both(on(hubtest.Content, shard1, 1, both(flip, cut(40000))), on(hubtest.Content, shard1, always, func(a *hubtest.Answer) {
		a.Header.Set("ETag", fmt.Sprintf(`"version-%d"`, a.N))
	})), "", nil},
	{"content: 206 unasked", on(hubtest.Content, shard1, always, setStatus(206)), "another part", ErrServer},
	{"content: 403 of an old signature", on(hubtest.Content, shard1, 1, setStatus(403)), "", nil},
	{"content: 403", on(hubtest.Content, shard1, always, setStatus(403)), "answered 403 (Forbidden)", ErrServer},
	{"content: 403 at home", on(hubtest.Get, "config.json", always, setStatus(403)), "403: access is refused", ErrAccess},
	{"content: 429", on(hubtest.Content, shard1, 2, setStatus(429, "Retry-After", "1")), "", nil},
	{"content: 404", on(hubtest.Content, shard1, always, setStatus(404)), "answered 404", ErrServer},
	{"content: 304", on(hubtest.Content, shard1, always, setStatus(304)), "answered 304", ErrServer},
}

// A bad download never becomes a cached file: after every fault each blob has the
// digest it is named by, no branch names a snapshot with gaps, and the same call
// succeeds once the server is well.
func TestFaults(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			files := modelFiles()
			h := hubtest.New(t, "tiny/model", files)
			c, repo := testClient(t, h), model(t, h)
			h.Fault = f.fault
			want, kind := f.want, f.kind
			s, err := c.Fetch(t.Context(), repo, "main", all)
			switch {
			case want == "" && err != nil:
				t.Fatalf("%v, want success", err)
			case want == "":
				checkContent(t, s, files)
			case err == nil || !strings.Contains(err.Error(), want) || kind != nil && !errors.Is(err, kind):
				t.Errorf("error %v\nwant one with %q that is %v", err, want, kind)
			case strings.ContainsAny(err.Error(), "\x1b\x00") || strings.Contains(err.Error(), "signature"):
				t.Errorf("error shows what it should not: %q", err)
			}
			checkBlobs(t, c, repo)
			if got := c.store(repo).commit("main"); want != "" && got != "" {
				t.Errorf("refs/main names %s after an error", got)
			}
			h.Fault = nil
			if s, err = c.Fetch(t.Context(), repo, "main", all); err != nil {
				t.Fatalf("the clean run after it: %v", err)
			}
			checkContent(t, s, files)
			checkBlobs(t, c, repo)
		})
	}
}

// A server that sends nothing more is left after a while, and tried again.
func TestStall(t *testing.T) {
	files := modelFiles()
	h := hubtest.New(t, "tiny/model", files)
	h.Fault = on(hubtest.Content, shard1, 1, func(a *hubtest.Answer) { a.Cut, a.Hang = 1000, true })
	c, repo := testClient(t, h), model(t, h)
	c.stall = 300 * time.Millisecond
	var notes []string
	c.Note = func(text string) { notes = append(notes, text) }
	s, err := c.Fetch(t.Context(), repo, "main", ModelFiles)
	if err != nil {
		t.Fatal(err)
	}
	checkContent(t, s, files)
	if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "no byte for 300ms") }) {
		t.Errorf("notes %q", notes)
	}
}

// The waits between attempts double, and heed what the server asks for.
func TestWaits(t *testing.T) {
	h := hubtest.New(t, "tiny/model", modelFiles())
	c, repo := testClient(t, h), model(t, h)
	var waits []time.Duration
	c.Wait = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	date := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	h.Fault = on(hubtest.List, "", 5, func(a *hubtest.Answer) {
		setStatus(503)(a)
		switch a.N {
		case 1:
			a.Header.Set("Retry-After", "40")
		case 3:
			a.Header.Set("Date", date.Format(http.TimeFormat))
			a.Header.Set("Retry-After", date.Add(90*time.Second).Format(http.TimeFormat))
		case 4:
			a.Header.Set("Retry-After", "soon")
		}
	})
	if _, err := c.Fetch(t.Context(), repo, "main", ModelFiles); err != nil {
		t.Fatal(err)
	}
	want := []time.Duration{time.Second, 40 * time.Second, 4 * time.Second, 90 * time.Second, 16 * time.Second}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
}

// Nobody listens there: named by host, without the address.
func TestNoServer(t *testing.T) {
	h := hubtest.New(t, "tiny/model", modelFiles())
	c, repo := testClient(t, h), model(t, h)
	c.Endpoint = "http://127.0.0.1:1"
	_, err := c.Fetch(t.Context(), repo, "main", ModelFiles)
	if err == nil || !strings.Contains(err.Error(), "no answer from 127.0.0.1:1") || !strings.Contains(err.Error(), "tried 6 times") {
		t.Errorf("%v", err)
	}
}
