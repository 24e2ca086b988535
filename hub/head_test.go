package hub_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"lamina/hub"
	"lamina/hub/hubtest"
)

// TestHead: so many first bytes, whether the server knows ranges or not, again after an
// answer that broke off, and no more than the file has.
func TestHead(t *testing.T) {
	const content = "0123456789abcdef"
	h := hubtest.New(t, "tiny/model", map[string]string{"config.json": "{}", "model.safetensors": content})
	env := map[string]string{"HF_HOME": t.TempDir(), "HF_ENDPOINT": h.URL, "HF_TOKEN": "secret"}
	client, err := hub.FromEnv(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	repo, err := hub.ParseRepo(hub.Model, "tiny/model")
	if err != nil {
		t.Fatal(err)
	}
	head := func(name string, n int64) (string, error) {
		got, err := client.Head(context.Background(), repo, h.Commit, name, n)
		return string(got), err
	}
	for name, fault := range map[string]func(*hubtest.Answer){
		"as it should be": nil,
		"without ranges": func(a *hubtest.Answer) {
			if a.Kind == hubtest.Content {
				a.Status, a.Body = http.StatusOK, a.Whole
				a.Header.Del("Content-Range")
			}
		},
		"broken off once": func(a *hubtest.Answer) {
			if a.Kind == hubtest.Content && a.N%2 == 0 {
				a.Cut = 3
			}
		},
	} {
		h.Fault = fault
		for n, want := range map[int64]string{1: "0", 7: content[:7], 16: content, 99: content} {
			if got, err := head("model.safetensors", n); err != nil || got != want {
				t.Errorf("%s: %d bytes: %q, %v", name, n, got, err)
			}
		}
	}
	h.Fault = func(a *hubtest.Answer) {
		if a.Kind == hubtest.Content {
			a.Header.Set("Content-Range", "bytes 4-11/16")
		}
	}
	if got, err := head("model.safetensors", 8); err == nil || !strings.Contains(err.Error(), "bytes 4-11") {
		t.Errorf("another part: %q, %v", got, err)
	}
	h.Fault = nil
	for name, n := range map[string]int64{"none.safetensors": 8, "model.safetensors": 0, "../model.safetensors": 8, "config.json": 1 << 40} {
		if got, err := head(name, n); err == nil {
			t.Errorf("%s, %d bytes: %q", name, n, got)
		}
	}
	if len(h.Leaked()) > 0 {
		t.Errorf("the token went to %q", h.Leaked())
	}
}
