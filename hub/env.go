package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"lamina/internal/files"
)

// DefaultEndpoint is asked unless HF_ENDPOINT names another.
const DefaultEndpoint = "https://huggingface.co"

// Client fetches from one endpoint into one cache. Its fields are set before
// use; its methods may then be called from several goroutines.
type Client struct {
	Endpoint string // scheme and host, perhaps a path; no slash at its end
	Cache    string // directory of the repositories' folders
	Token    string // sent to Endpoint; "": none
	Offline  bool   // look in the cache only
	Check    bool   // Fetch hashes what the cache has, and fetches again what is wrong

	// Transport carries requests; nil: http.DefaultTransport. That of [FromEnv]
	// heeds the proxies of the environment and waits a limited time for an answer.
	Transport http.RoundTripper

	// Wait sleeps before a retry; nil: until d has passed or ctx ends.
	Wait func(ctx context.Context, d time.Duration) error

	// Note, if not nil, is told of retries.
	Note func(text string)

	// Progress, if not nil, is told how many bytes of how many a snapshot has,
	// those that lay in the cache included.
	Progress func(done, total int64)

	stall   time.Duration                   // longest wait for the next byte; 0: stallLimit
	enough  int64                           // bytes of one attempt that count as progress; 0: enoughBytes
	free    func(dir string) (uint64, bool) // free bytes of a file system; nil: files.Free
	symlink func(target, path string) error // nil: os.Symlink
}

// FromEnv returns the client that the environment asks for, as huggingface_hub
// reads it: HF_HUB_CACHE (or HUGGINGFACE_HUB_CACHE), else HF_HOME/hub, else
// XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub; HF_ENDPOINT;
// HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE; HF_TOKEN, else the file HF_TOKEN_PATH,
// else HF_HOME/token, none of them if HF_HUB_DISABLE_IMPLICIT_TOKEN is set.
func FromEnv(getenv func(string) string) (*Client, error) {
	e := environment(getenv)
	home, err := e.home()
	if err != nil {
		return nil, err
	}
	c := &Client{
		Cache:   e.path(filepath.Join(home, "hub"), "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"),
		Offline: e.isSet("HF_HUB_OFFLINE") || e.isSet("TRANSFORMERS_OFFLINE"),

		Transport: newTransport(),
	}
	if c.Cache, err = filepath.Abs(c.Cache); err != nil {
		return nil, fmt.Errorf("hub: cache directory: %w", err)
	}
	if c.Endpoint, err = parseEndpoint(e.first("HF_ENDPOINT")); err != nil {
		return nil, err
	}
	if !e.isSet("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
		c.Token, err = e.token(home)
	}
	return c, err
}

// parseEndpoint checks an endpoint; "" is the default one.
func parseEndpoint(text string) (string, error) {
	if text == "" {
		return DefaultEndpoint, nil
	}
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("hub: HF_ENDPOINT %.128q: want http:// or https:// and a host", text)
	}
	return u.String(), nil
}

// environment reads variables; an empty one counts as unset.
type environment func(string) string

func (e environment) first(names ...string) string {
	for _, name := range names {
		if v := e(name); v != "" {
			return v
		}
	}
	return ""
}

// isSet reports whether a switch is on: 1, on, yes or true in any case.
func (e environment) isSet(name string) bool {
	switch strings.ToUpper(e(name)) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// path returns the first variable that is set as a path, else otherwise. A
// leading ~ and $NAME stand for what a shell would put there.
func (e environment) path(otherwise string, names ...string) string {
	text := e.first(names...)
	if text == "" {
		return otherwise
	}
	if rest, ok := strings.CutPrefix(text, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		if user, err := e.userHome(); err == nil {
			text = user + rest
		}
	}
	return os.Expand(text, e)
}

func (e environment) userHome() (string, error) {
	if v := e.first("HOME", "USERPROFILE"); v != "" {
		return v, nil
	}
	return os.UserHomeDir()
}

// home returns the directory of HF_HOME.
func (e environment) home() (string, error) {
	if v := e.path("", "HF_HOME"); v != "" {
		return v, nil
	}
	if v := e.path("", "XDG_CACHE_HOME"); v != "" {
		return filepath.Join(v, "huggingface"), nil
	}
	user, err := e.userHome()
	if err != nil {
		return "", fmt.Errorf("hub: no home directory for the cache: set HF_HOME (%w)", err)
	}
	return filepath.Join(user, ".cache", "huggingface"), nil
}

const maxToken = 4096 // bytes; real ones have about 40

// token returns the user's token, or "" if there is none. Errors do not show it.
func (e environment) token(home string) (string, error) {
	from, text := "HF_TOKEN", e.first("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
	if text == "" {
		from = e.path(filepath.Join(home, "token"), "HF_TOKEN_PATH")
		data, err := files.Read(from, maxToken)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		} else if err != nil {
			return "", fmt.Errorf("hub: token: %w", err)
		}
		text = string(data)
	}
	text = strings.TrimSpace(text)
	if len(text) > maxToken || strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }) {
		return "", fmt.Errorf("hub: %s: holds no token: want one word of ASCII characters", from)
	}
	return text, nil
}
