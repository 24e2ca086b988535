package hub

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseRepo(t *testing.T) {
	for _, id := range []string{"facebook/opt-125m", "gpt2", "HuggingFaceTB/SmolLM2-135M-Instruct", "a_/b.c", "1/2"} {
		r, err := ParseRepo(Model, id)
		if err != nil || r.ID != id {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", "/", "a/", "/a", "a/b/c", "a--b/c", "a/..", "a..b/c", "-a/b", "a/b.git", "a/b-", "a/b.",
		"a b/c", "ä/b", "a/b\x00", "a\\b", "a/" + strings.Repeat("x", 96)} {
		if _, err := ParseRepo(Model, id); err == nil || !strings.Contains(err.Error(), "ORG/NAME") {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := ParseRepo("space", "a/b"); err == nil {
		t.Error("a space was taken")
	}
	if r, _ := ParseRepo(Dataset, "a/b"); r.folder() != "datasets--a--b" || r.page() != "datasets/a/b" || r.api() != "api/datasets/a/b" {
		t.Errorf("%+v", r)
	}
}

// Every bad name has a good twin beside it.
func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "a/b/c.json", "data/train 1.parquet", "...a", "a..b", ".gitattributes", "ünïcode/文.txt",
		"console.txt", "com.txt", "COM10", "lpt", "nul1", "a/coma", strings.Repeat("x", maxName)} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/..", `a\b`, `..\a`, "C:", "c:/x", "a:stream",
		"a\x00", "a\nb", "a\x7f", "a\u0085", "\xff", "con", "CON.txt", "a/Aux.json", "nul", "NUL .txt", "com1", "LPT9.tar.gz", "COM²", "conin$",
		"a.", "a./b", "a ", strings.Repeat("x", maxName+1)} {
		if err := checkName(name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	// What passes stays below a root here and now, too.
	if !filepath.IsLocal(filepath.FromSlash("...a/b")) {
		t.Error("...a/b is not local")
	}
}

// TestListingsToTheLetter: a hub's answer says everything once, under its own names.
func TestListingsToTheLetter(t *testing.T) {
	commit := strings.Repeat("a", 40)
	good := `{"sha":"` + commit + `","siblings":[{"rfilename":"a","size":null,"blobId":null,"lfs":null,"more":{"A":1}}],"lastModified":"x"}`
	if l, err := parseListing([]byte(good)); err != nil || l.Commit != commit || len(l.Files) != 1 || l.Files[0].Size != -1 {
		t.Errorf("%+v, %v", l, err)
	}
	for old, new := range map[string]string{`{"sha"`: `{"sha":"x","sha"`, `"sha"`: `"Sha"`, `"rfilename":"a"`: `"rfilename":"a","rfilename":"b"`, `"size"`: `"ſize"`, `"x"}`: `"x"}{}`} {
		if l, err := parseListing([]byte(strings.Replace(good, old, new, 1))); err == nil {
			t.Errorf("%s for %s: %+v", new, old, l)
		}
	}
}

func TestContentRange(t *testing.T) {
	for text, ok := range map[string]bool{
		"bytes 10-99/100": true, "bytes 10-49/100": true, "bytes 10-99/*": true,
		"": false, "bytes": false, "bytes 10-99": false, "bytes 0-99/100": false, "bytes 11-99/100": false, "bytes 10-100/100": false,
		"bytes 10-99/101": false, "bytes 10-9/100": false, "bytes */100": false, "items 10-99/100": false, "bytes 10-99/x": false,
		"bytes 10-99999999999999999999/100": false,
	} {
		if err := parseContentRange(text, 10, 100); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHeadersOfAChain(t *testing.T) {
	sha, commit := strings.Repeat("ab", 32), strings.Repeat("c", 40)
	h := headers{size: -1}
	add := func(status int, pairs ...string) {
		t.Helper()
		header := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			header.Set(pairs[i], pairs[i+1])
		}
		if err := h.add(status, header); err != nil {
			t.Fatal(err)
		}
	}
	// A redirect's own ETag and length are those of no file.
	add(307, "ETag", `"redirect"`, "Content-Length", "70", "X-Repo-Commit", commit)
	if h.etag != "" || h.size != -1 || h.commit != commit {
		t.Errorf("after a redirect: %+v", h)
	}
	add(302, "X-Linked-Etag", `"`+sha+`"`, "X-Linked-Size", "9")
	add(200, "ETag", `"other"`, "Content-Length", "70")
	if h.etag != sha || h.size != 9 {
		t.Errorf("what was said of the linked file did not hold: %+v", h)
	}
}

func TestFollow(t *testing.T) {
	for _, c := range []struct {
		at, location, want string // want "": refused
	}{
		{"https://hub/a/b", "/c", "https://hub/c"},
		{"https://hub/a", "https://other/c?x=1", "https://other/c?x=1"},
		{"http://hub/a", "https://other/c", "https://other/c"},
		{"http://hub/a", "http://other/c", "http://other/c"},
		{"https://hub/a", "http://hub/c", ""}, // no longer encrypted
		{"https://hub/a", "//other/c", "https://other/c"},
		{"https://hub/a", "ftp://hub/c", ""},
		{"https://hub/a", "file:///etc/passwd", ""},
		{"https://hub/a", "https://user:pass@hub/c", ""},
		{"https://hub/a", "https:///c", ""},
		{"https://hub/a", "http://[::1", ""},
		{"https://hub/a", "", ""},
	} {
		at, err := url.Parse(c.at)
		if err != nil {
			t.Fatal(err)
		}
		to, err := follow(at, c.location)
		if err == nil && to.String() != c.want || err != nil && c.want != "" {
			t.Errorf("from %s to %q: %v, %v; want %q", c.at, c.location, to, err, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"https://hub/a", "https://HUB:443/b", true}, {"https://hub", "http://hub", false}, {"https://hub", "https://hub:444", false},
		{"https://hub", "https://hub.evil", false}, {"http://hub:80", "http://hub", true}, {"https://a.hub", "https://hub", false},
	} {
		a, _ := url.Parse(c.a)
		b, _ := url.Parse(c.b)
		if sameOrigin(a, b) != c.same {
			t.Errorf("%s and %s: want same %t", c.a, c.b, c.same)
		}
	}
}

func TestPatterns(t *testing.T) {
	names := []string{"config.json", "data/a.json", "data/b.parquet", "model[1].bin", "x-1.txt", "x-2.txt", "é.txt"}
	for _, c := range []struct {
		include, exclude []string
		want             string // names, or part of an error
	}{
		{nil, nil, "config.json data/a.json data/b.parquet model[1].bin x-1.txt x-2.txt é.txt"},
		{[]string{"*.json"}, nil, "config.json data/a.json"}, // * goes over slashes
		{[]string{"data/"}, nil, "data/a.json data/b.parquet"},
		{[]string{"*.json", "x-?.txt"}, []string{"data/*"}, "config.json x-1.txt x-2.txt"},
		{[]string{"x-[12].txt"}, nil, "x-1.txt x-2.txt"},
		{[]string{"x-[!1].txt"}, nil, "x-2.txt"},
		{[]string{"x-[2-9].txt"}, nil, "x-2.txt"},
		{[]string{"model[[]1[]].bin"}, nil, "model[1].bin"},
		{[]string{"?.txt"}, nil, "é.txt"},
		{[]string{"x-[^1].txt"}, nil, "x-1.txt"}, // ^ is a plain character there
		{[]string{"CONFIG.JSON"}, nil, "no file fits"},
		{[]string{"model[1].bin"}, nil, "no file fits"},
		{[]string{"[", "[]", "[!", "."}, nil, "no file fits"},
		{nil, []string{"*"}, "no file fits"},
		{[]string{"[9-2]"}, nil, "range"},
	} {
		got := ""
		choose, err := Patterns(c.include, c.exclude)
		if err == nil {
			var fit []string
			fit, err = choose(names)
			got = strings.Join(fit, " ")
		}
		if err != nil && strings.Contains(err.Error(), c.want) {
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%q without %q: %q, %v; want %q", c.include, c.exclude, got, err, c.want)
		}
	}
}

func TestModelFiles(t *testing.T) {
	rest := []string{"config.json", "tokenizer.json", "LICENSE.md", "README.md", "flax_model.msgpack", ".gitattributes", "onnx/model.onnx", "sub/config.json"}
	for _, c := range []struct {
		weights []string
		want    string // the weights chosen, or part of an error
	}{
		{[]string{"model.safetensors", "pytorch_model.bin", "model.fp16.safetensors"}, "model.safetensors"},
		{[]string{"model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "consolidated.safetensors", "pytorch_model.bin"},
			"model.safetensors.index.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors"},
		{[]string{"model.safetensors.index.json", "part-a.safetensors", "part-b.safetensors"}, "model.safetensors.index.json part-a.safetensors part-b.safetensors"},
		{[]string{"pytorch_model.bin", "training_args.bin"}, "pytorch_model.bin"},
		{[]string{"pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin", "training_args.bin"}, "pytorch_model.bin.index.json pytorch_model-00001-of-00001.bin"},
		{[]string{"sub/model.safetensors"}, "there is no weights"},
		{[]string{"x.Q4_0.gguf", "x.Q8_0.gguf"}, `GGUF files ("x.Q4_0.gguf", "x.Q8_0.gguf"): fetch one`},
	} {
		got, err := ModelFiles(slices.Concat(rest, c.weights))
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want %q", c.weights, err, c.want)
			}
			continue
		}
		if text := strings.Join(got, " "); text != "config.json tokenizer.json README.md LICENSE.md "+c.want {
			t.Errorf("%q: chose %q", c.weights, text)
		}
	}
	if _, err := ModelFiles([]string{"model.safetensors"}); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("without a configuration: %v", err)
	}
	if _, err := DatasetFiles([]string{"README.md", "load.py", ".x.json"}); err == nil || !strings.Contains(err.Error(), "no data files") {
		t.Errorf("without data: %v", err)
	}
}

// FuzzListing feeds the parser of the server's answers: whatever comes back
// as selected has safe names below the snapshot, real digests and a real commit.
func FuzzListing(f *testing.F) {
	f.Add([]byte(`{"sha": "`+zeros+`", "siblings": [{"rfilename": "a/b.json", "size": 3, "blobId": "`+zeros+`"}]}`), "bytes 3-9/10", `"`+ones+`"`, "10")
	f.Add([]byte(`{"sha": "`+zeros+`", "siblings": [{"rfilename": "../b", "lfs": {"sha256": "`+ones+`"}}, {"rfilename": "../b"}]}`), "bytes */10", `W/"x"`, "-1")
	f.Add([]byte(`{"siblings": null}`), "", "", "")
	f.Fuzz(func(t *testing.T, body []byte, span, etag, size string) {
		if parseContentRange(span, 3, 10) == nil && !strings.HasPrefix(span, "bytes 3-") && !strings.HasPrefix(span, "bytes +3-") && !strings.HasPrefix(span, "bytes 0") && !strings.HasPrefix(span, "bytes +0") {
			t.Errorf("Content-Range %q was taken", span)
		}
		h := headers{size: -1}
		err := h.add(200, http.Header{"X-Repo-Commit": {zeros}, "X-Linked-Etag": {etag}, "X-Linked-Size": {size}})
		if file, bad := (File{Name: "a", Size: -1}).agree(zeros, h); err == nil && bad == nil {
			if !isDigest(file.Digest) || strings.ContainsAny(file.Digest, `/\.`) || file.Size < 0 {
				t.Errorf("headers %q, %q gave %+v", etag, size, file)
			}
		}
		l, err := parseListing(body)
		if err != nil {
			return
		}
		if !isCommit(l.Commit) {
			t.Errorf("commit %q", l.Commit)
		}
		for _, file := range l.Files {
			if file.Size < -1 || file.Digest != "" && !isDigest(file.Digest) {
				t.Errorf("%+v", file)
			}
			if checkName(file.Name) == nil {
				inside, err := filepath.Rel("root", filepath.Join("root", filepath.FromSlash(file.Name)))
				if err != nil || filepath.ToSlash(inside) != file.Name || !filepath.IsLocal(inside) {
					t.Errorf("name %q leads to %q (%v)", file.Name, inside, err)
				}
			}
		}
		if _, err := json.Marshal(l); err != nil {
			t.Error(err)
		}
	})
}
