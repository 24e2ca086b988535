package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFromEnv(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(".cache/huggingface/token", "hf_home\n")
	write("other/token", " hf_other\r\n")
	elsewhere := write("elsewhere", "hf_path")
	standard := filepath.Join(home, ".cache", "huggingface", "hub")
	type env map[string]string
	for _, c := range []struct {
		env     env
		cache   string
		token   string
		offline bool
	}{
		{env{}, standard, "hf_home", false},
		{env{"HF_HOME": ""}, standard, "hf_home", false},
		{env{"HF_HOME": "~/other"}, filepath.Join(home, "other", "hub"), "hf_other", false},
		{env{"HF_HOME": "$HOME/other", "HF_TOKEN": "hf_env "}, filepath.Join(home, "other", "hub"), "hf_env", false},
		{env{"XDG_CACHE_HOME": filepath.Join(home, "xdg")}, filepath.Join(home, "xdg", "huggingface", "hub"), "", false},
		{env{"HF_HUB_CACHE": filepath.Join(home, "c"), "HUGGINGFACE_HUB_CACHE": "/d"}, filepath.Join(home, "c"), "hf_home", false},
		{env{"HUGGINGFACE_HUB_CACHE": filepath.Join(home, "d")}, filepath.Join(home, "d"), "hf_home", false},
		{env{"HF_TOKEN_PATH": elsewhere}, standard, "hf_path", false},
		{env{"HF_TOKEN_PATH": filepath.Join(home, "none")}, standard, "", false},
		{env{"HUGGING_FACE_HUB_TOKEN": "hf_old"}, standard, "hf_old", false},
		{env{"HF_TOKEN": "hf_env", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, standard, "", false},
		{env{"HF_HUB_OFFLINE": "1"}, standard, "hf_home", true},
		{env{"HF_HUB_OFFLINE": "True"}, standard, "hf_home", true},
		{env{"HF_HUB_OFFLINE": "on"}, standard, "hf_home", true},
		{env{"HF_HUB_OFFLINE": "yes"}, standard, "hf_home", true},
		{env{"TRANSFORMERS_OFFLINE": "1"}, standard, "hf_home", true},
		{env{"HF_HUB_OFFLINE": "0"}, standard, "hf_home", false},
	} {
		client, err := FromEnv(func(name string) string {
			if name == "HOME" {
				return home
			}
			return c.env[name]
		})
		if err != nil {
			t.Errorf("%v: %v", c.env, err)
			continue
		}
		if client.Cache != c.cache || client.Token != c.token || client.Offline != c.offline || client.Endpoint != DefaultEndpoint {
			t.Errorf("%v: cache %s, token %q, offline %t, endpoint %s", c.env, client.Cache, client.Token, client.Offline, client.Endpoint)
		}
	}
}

func TestFromEnvRefuses(t *testing.T) {
	for name, values := range map[string][]string{
		"HF_ENDPOINT": {"ftp://x", "huggingface.co", "https://", "http://user:secret@host", "https://host/?a=b", "https://host/#x", "http://[::1", "file:///etc"},
		"HF_TOKEN":    {"two words", "line\nbreak", "ünïcode", strings.Repeat("x", maxToken+1)},
	} {
		for _, v := range values {
			_, err := FromEnv(func(n string) string { return map[string]string{"HOME": t.TempDir(), name: v}[n] })
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%q: %v", name, v, err)
			}
			if name == "HF_TOKEN" && err != nil && strings.Contains(err.Error(), v) {
				t.Errorf("the error shows the token: %v", err)
			}
		}
	}
	for text, want := range map[string]string{"http://host:8080/": "http://host:8080", "https://mirror.example/hf//": "https://mirror.example/hf"} {
		if got, err := parseEndpoint(text); err != nil || got != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}
