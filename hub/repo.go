package hub

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Type says what a repository holds.
type Type string

// The types of repositories.
const (
	Model   Type = "model"
	Dataset Type = "dataset"
)

// Repo names a repository of the hub.
type Repo struct {
	Type Type
	ID   string // ORG/NAME, or NAME alone for a few old ones
}

// repoID is the hub's rule for one part of a name.
var repoID = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_])?$`)

const maxRepoID = 96

// ParseRepo checks an id as huggingface_hub does: one or two parts of letters,
// digits, '-', '_' and '.', no "--", no "..", not ending in ".git".
func ParseRepo(kind Type, id string) (Repo, error) {
	if kind != Model && kind != Dataset {
		return Repo{}, fmt.Errorf("hub: repository type %.32q: want model or dataset", string(kind))
	}
	parts := strings.Split(id, "/")
	ok := len(id) <= maxRepoID && len(parts) <= 2 && !strings.Contains(id, "--") &&
		!strings.Contains(id, "..") && !strings.HasSuffix(id, ".git")
	for _, p := range parts {
		ok = ok && repoID.MatchString(p)
	}
	if !ok {
		return Repo{}, fmt.Errorf("hub: %.128q is no repository's id: want ORG/NAME of letters, digits, '-', '_' and '.'", id)
	}
	return Repo{kind, id}, nil
}

// String is the id and, for a dataset, its type.
func (r Repo) String() string {
	if r.Type == Dataset {
		return "dataset " + r.ID
	}
	return r.ID
}

// folder is the repository's directory in the cache.
func (r Repo) folder() string {
	return string(r.Type) + "s--" + strings.ReplaceAll(r.ID, "/", "--")
}

// page is the repository's path below the endpoint.
func (r Repo) page() string {
	if r.Type == Dataset {
		return "datasets/" + r.ID
	}
	return r.ID
}

// api is the path of its metadata.
func (r Repo) api() string { return "api/" + string(r.Type) + "s/" + r.ID }

const maxName = 1024 // bytes of a file's path in a repository

// checkName returns an error unless a slash-separated path from outside can be
// made below a directory on every system: relative, clean, printable, and none of
// the names that mean a device on Windows.
func checkName(name string) error {
	bad := func(why string) error {
		return fmt.Errorf("file name %.128q %s", name, why)
	}
	switch {
	case name == "" || len(name) > maxName:
		return bad(fmt.Sprintf("is empty or longer than %d bytes", maxName))
	case !utf8.ValidString(name):
		return bad("is not UTF-8")
	case strings.ContainsAny(name, `\:`):
		return bad("holds a backslash or colon")
	case strings.ContainsFunc(name, unicode.IsControl):
		return bad("holds a control character")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part == "." || part == "..":
			return bad("is not a plain relative path")
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
			return bad("has a part that ends in a dot or space")
		case isDevice(part):
			return bad("names a device on Windows")
		}
	}
	return nil
}

// isDevice reports whether Windows opens a device for the name, whatever follows
// its first dot.
func isDevice(part string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(part), ".")
	switch base = strings.TrimRight(base, " "); base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if n, ok := strings.CutPrefix(base, port); ok && len([]rune(n)) == 1 && strings.Contains("0123456789¹²³", n) {
			return true
		}
	}
	return false
}

// checkRevision returns an error unless a revision can be a file below refs/.
func checkRevision(revision string) error {
	if err := checkName(revision); err != nil {
		return fmt.Errorf("hub: revision %.128q: want a branch, a tag or a commit", revision)
	}
	return nil
}

// isCommit reports whether s is a full commit id.
func isCommit(s string) bool { return isHex(s, 40) }

// isDigest reports whether s can be verified: a SHA-256, or git's SHA-1.
func isDigest(s string) bool { return isHex(s, 40) || isHex(s, 64) }

func isHex(s string, n int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == n && s == strings.ToLower(s)
}

// foldsCase: names that differ in capitals alone are one file on the usual file
// systems of these.
const foldsCase = runtime.GOOS == "windows" || runtime.GOOS == "darwin"
