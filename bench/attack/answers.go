package main

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// answers lets lamina fetch from a hub that lies.
func answers(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Hostile answers of a hub"}
	inputs, err := l.dir()
	if err != nil {
		return nil, err
	}
	const fetch = "hub get " + repo + " --include * --out got/copy"
	cases := slices.Concat(hostileLists(), hostileStatus(), hostileFiles())
	if l.short {
		cases = some(cases, 24)
	}
	lies := map[string]lie{}
	for i, c := range cases {
		lies[fmt.Sprint(i)] = c.lie
	}
	h, err := serve(lies)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	around := func(word string) []string {
		return []string{"HF_ENDPOINT=" + h.home + "/" + word, "HF_HOME=got/home", "HF_TOKEN=secret", "HF_HUB_CACHE=", "HTTP_PROXY=", "http_proxy="}
	}
	all := []probe{{name: "hub/honest", then: fetch, out: "got", may: "it is honest", env: around("honest")}}
	for i, c := range cases {
		p := probe{name: "hub/" + c.name, then: fetch, out: "got", may: c.may, env: around(fmt.Sprint(i)), patient: c.patient}
		p.sent = func() int64 { return h.bytes(fmt.Sprint(i)) }
		p.after = func(r *report, dir string, o outcome) {
			h.inspect(r, p.name, fmt.Sprint(i), filepath.Join(dir, "got"), o)
		}
		all = append(all, p)
	}
	all = append(all, endpoints(fetch, around("honest"))...)
	if err := l.probes(ctx, r, inputs, all); err != nil {
		return nil, err
	}
	r.summary()
	return r, nil
}

// answer is a lie with its name.
type answer struct {
	name string
	lie
	may     string
	patient bool // it could be a bad line: trying again for a long time is right
}

// inspect looks at what was fetched: each blob is what its name says, and the token went
// to its own host alone.
func (h *liar) inspect(r *report, name, word, dir string, o outcome) {
	h.lock.Lock()
	if slices.Contains(h.leaked, word) {
		r.fault(leak, name, "the second host was sent the token")
	}
	h.lock.Unlock()
	if strings.Contains(o.Stderr+o.Stdout, "secret") {
		r.fault(leak, name, "the token is shown: %s", last(o.Stderr))
	}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || filepath.Base(filepath.Dir(path)) != "blobs" || strings.HasSuffix(path, ".incomplete") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			r.fault(wrong, name, "%v", err)
			return nil
		}
		long, git := fmt.Sprintf("%x", sha256.Sum256(data)), fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(data), data)))
		if base := filepath.Base(path); base != long && base != git {
			r.fault(silent, name, "%s is kept, and has another digest", path)
		}
		return nil
	})
}

// replacing changes the first old of the list.
func replacing(old, new string) lie {
	return lie{list: func(text string) string {
		if !strings.Contains(text, old) {
			panic("attack: the list has no " + old)
		}
		return strings.Replace(text, old, new, 1)
	}}
}

func saying(text string) lie { return lie{list: func(string) string { return text }} }

// hostileLists lie about what files there are.
func hostileLists() []answer {
	name := func(what, text string) answer {
		return answer{name: "name " + what, lie: replacing(`"rfilename":"config.json"`, `"rfilename":"`+text+`"`)}
	}
	size := func(text string) answer {
		return answer{name: "size " + text, lie: replacing(fmt.Sprintf(`"size":%d`, len(shown["config.json"])), `"size":`+text)}
	}
	digest := func(what, text string) answer {
		return answer{name: "digest " + what, lie: replacing(digestOf("config.json"), text)}
	}
	sha := func(what, text string) answer {
		return answer{name: "commit " + what, lie: replacing(`"sha":"`+commit, `"sha":"`+text)}
	}
	return []answer{
		name("up", "../x"), name("far up", "../../../../../../x"), name("absolute", "/tmp/x"), name("within and up", "a/../../x"),
		name("backslashes", `..\\..\\x`), name("NUL", `x\u0000y`), name("empty", ""), name("dot", "."), name("two dots", ".."),
		name("slash at the end", "x/"), name("two slashes", "x//y"), name("of 5000 letters", strings.Repeat("n", 5000)),
		name("of 10000 folders", strings.Repeat("d/", 10000)+"x"), name("drive", "C:\\\\x"), name("escape", `\u001b[2J`),
		name("other's twice", "model.safetensors"), name("a folder of another", "model.safetensors/x"), name("line break", `a\nb`),
		size("-1"), size("9223372036854775807"), size("1e30"), size("1.5"), size("99999999999999999999"), size("0"), size(`"5"`),
		digest("leads up", "../../../x"), {name: "digest empty", lie: replacing(digestOf("config.json"), ""), may: "the headers of the file tell it"}, digest("of another", strings.Repeat("a", 40)), digest("upper case", strings.ToUpper(digestOf("config.json"))),
		sha("short", "01"), sha("leads up", "../../../../../x/"), sha("upper case", "ABCDEF"),
		{name: "list is empty", lie: saying("")}, {name: "list is null", lie: saying("null")}, {name: "list is an array", lie: saying("[]")},
		{name: "list is cut", lie: saying(`{"sha":"`)}, {name: "list of nothing", lie: replacing(`"siblings":[`, `"siblings":[],"x":[`)},
		{name: "list of null", lie: replacing(`"siblings":[`, `"siblings":[null,`)}, {name: "two lists", lie: replacing(`"siblings":[`, `"Siblings":[{"rfilename":"../x"}],"siblings":[`), may: "a key of another name"},
		{name: "list of 60 MB of brackets", lie: lie{first: brackets}},
		{name: "list of 500000 files", lie: lie{first: manyFiles}},
		{name: "endless list", lie: lie{first: endless}},
		{name: "slow list", lie: lie{first: trickle}, patient: true},
	}
}

// Long answers are sent piece by piece: the memory of this process would count as that
// of the programs it starts.

func brackets(w http.ResponseWriter, r *http.Request) {
	for range 60 << 10 {
		io.WriteString(w, strings.Repeat("[", 1<<10))
	}
}

func manyFiles(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `{"sha":%q,"siblings":[`, commit)
	for i := range 500_000 {
		fmt.Fprintf(w, `{"rfilename":"f%d","size":1,"blobId":%q},`, i, digestOf("config.json"))
	}
	io.WriteString(w, "null]}")
}

// endless sends without an end.
func endless(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat("[", 1<<12))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// trickle sends a byte now and then.
func trickle(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		w.Write([]byte(" "))
		w.(http.Flusher).Flush()
		time.Sleep(100 * time.Millisecond)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.ReplaceAll(to, "{here}", r.URL.Path))
		w.WriteHeader(http.StatusFound)
	}
}

// hostileStatus answer the first request with something else.
func hostileStatus() []answer {
	var all []answer
	for _, code := range []int{201, 204, 206, 304, 400, 401, 403, 404, 410, 429, 500, 503} {
		all = append(all, answer{name: fmt.Sprint("status ", code), lie: lie{first: status(code)}, patient: code == 429 || code >= 500})
	}
	for name, to := range map[string]string{
		"itself": "{here}", "nowhere": "", "a file": "file:///etc/passwd", "no address": "http://[::1", "a user": "http://user:word@127.0.0.1/",
		"a long way": "{here}/" + strings.Repeat("x/", 50000), "another port": "http://127.0.0.1:9/x", "javascript": "javascript:alert(1)",
	} {
		all = append(all, answer{name: "redirect to " + name, lie: lie{first: redirect(to)}, patient: name == "another port"})
	}
	slices.SortFunc(all, func(a, b answer) int { return strings.Compare(a.name, b.name) })
	return append(all,
		answer{name: "headers of 20 MB", patient: true, lie: lie{first: func(w http.ResponseWriter, r *http.Request) {
			for i := range 20 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("h", 1<<20))
			}
		}}},
		answer{name: "said to be zipped", lie: lie{first: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte(listing()[:40]))
		}}},
		answer{name: "closed at once", patient: true, lie: lie{first: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}})
}

// hostileFiles lie about digests and contents.
func hostileFiles() []answer {
	header := func(name, key, value string) answer {
		return answer{name: "header " + name, lie: lie{head: func(h http.Header) {
			if h.Get(key) != "" {
				h.Set(key, value)
			}
		}}}
	}
	both := func(name string, patient bool, content http.HandlerFunc) []answer {
		return []answer{
			{name: "small file " + name, lie: lie{content: content}, patient: patient},
			{name: "large file " + name, lie: lie{far: content}, patient: patient},
		}
	}
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(s)) }
	}
	return slices.Concat([]answer{
		header("no commit", "X-Repo-Commit", ""), header("another commit", "X-Repo-Commit", strings.Repeat("f", 40)),
		header("commit leads up", "X-Repo-Commit", "../../x"), header("no digest", "ETag", ""), header("digest leads up", "ETag", `"../../../x"`),
		header("no large digest", "X-Linked-Etag", ""), header("large digest leads up", "X-Linked-Etag", "../../../x"),
		header("large size", "X-Linked-Size", "9223372036854775807"), header("size below zero", "X-Linked-Size", "-1"), header("size of words", "X-Linked-Size", "many"),
		header("large file at a file", "Location", "file:///etc/passwd"), header("large file nowhere", "Location", ""),
	},
		both("empty", true, text("")), both("longer", true, text(strings.Repeat("x", 1<<20))), both("endless", true, endless), both("slow", true, trickle),
		both("other of the same size", false, func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(strings.Repeat("X", len(shown[filepath.Base(r.URL.Path)]))))
		}),
		both("refused", true, status(http.StatusForbidden)), both("part of another", true, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(http.StatusPartialContent)
			w.Write([]byte("xxxxx"))
		}))
}

// endpoints are odd settings of the owner's own.
func endpoints(fetch string, around []string) []probe {
	var all []probe
	for _, e := range []string{"x", "file:///etc", "http://", "http://user:word@127.0.0.1", "http://127.0.0.1:99999", "http://127.0.0.1/?q", "http://[::", "ftp://127.0.0.1"} {
		all = append(all, probe{name: "hub/endpoint " + e, then: fetch, out: "got", env: append(slices.Clone(around), "HF_ENDPOINT="+e)})
	}
	for _, name := range []string{"../x", "a/b/c", "tiny/../x", "/tmp/x", "tiny/", "-/-", "tiny/mo\x1bdel", strings.Repeat("a", 200) + "/b"} {
		all = append(all, probe{name: fmt.Sprintf("hub/repository %.20q", name), then: fetch, args: []string{"hub", "get", name}, out: "got", env: around})
	}
	for _, revision := range []string{"../../x", "", strings.Repeat("r", 5000), "a\nb", "main\x1b"} {
		all = append(all, probe{name: fmt.Sprintf("hub/revision %.20q", revision), then: fetch, args: []string{"hub", "get", repo, "--revision", revision}, out: "got", env: around})
	}
	return append(all, probe{name: "hub/out is another's directory", then: fetch, args: []string{"hub", "get", repo, "--out", "mine", "--overwrite"}, out: "got", env: around,
		edit: put("mine/letter.txt", "dear")})
}
