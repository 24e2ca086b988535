package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const chatTemplate = "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"

// TestRowsOfEachKind: each is recognised, trained on, and named in config.json.
func TestRowsOfEachKind(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	template := write(t, dir, "chat.jinja", chatTemplate)
	chats := write(t, dir, "chat.jsonl", `{"messages":[{"role":"user","content":"ab"},{"role":"assistant","content":"c"},{"role":"user","content":"d"},{"role":"assistant","content":"e"}]}`+"\n")
	shared := write(t, dir, "sharegpt.jsonl", `{"conversations":[{"from":"human","value":"ab"},{"from":"gpt","value":"c"}]}`+"\n")
	alpaca := write(t, dir, "alpaca.jsonl", `{"instruction":"a","input":"","output":"b"}`+"\n")
	texts := write(t, dir, "texts.jsonl", strings.Repeat(`{"text":"the words of a text"}`+"\n", 5))
	plain := write(t, dir, "plain.txt", strings.Repeat("the words of a line\n", 5))
	for _, c := range []struct {
		name, data string
		flags      []string
		want       map[string]any // of config.json
	}{
		{"documents", write(t, dir, "q.jsonl", questions), nil, map[string]any{"rows": nil, "learn": nil}},
		{"all", write(t, dir, "q.jsonl", questions), []string{"--learn", "all"}, map[string]any{"rows": nil, "learn": "all"}},
		{"chat", chats, []string{"--chat-template", template}, map[string]any{"rows": "chat", "learn": nil}},
		{"last", chats, []string{"--chat-template", template, "--learn", "last"}, map[string]any{"rows": "chat", "learn": "last"}},
		{"sharegpt", shared, []string{"--chat-template", template, "--rows", "chat"}, map[string]any{"rows": "chat"}},
		{"alpaca", alpaca, []string{"--overlong", "cut"}, map[string]any{"rows": "alpaca"}},
		{"clm", texts, []string{"--pack", "clm", "--max-length", "16"}, map[string]any{"pack": "clm", "rows": nil}},
		{"eos", plain, []string{"--pack", "eos", "--max-length", "16"}, map[string]any{"pack": "eos"}},
	} {
		out := filepath.Join(dir, c.name)
		succeed(t, append([]string{"finetune", "--model", model, "--data", c.data, "--lr", "1e-3", "--steps", "2", "--batch", "2", "--out", out}, c.flags...)...)
		var config map[string]any
		if err := json.Unmarshal(contents(t, filepath.Join(out, "config.json")), &config); err != nil {
			t.Fatal(err)
		}
		for field, want := range c.want {
			if config[field] != want {
				t.Errorf("%s: %s is %v, want %v", c.name, field, config[field], want)
			}
		}
		if (config["rows"] == "chat") != (config["chat_template"] != nil) {
			t.Errorf("%s: the template's digest is %v", c.name, config["chat_template"])
		}
	}
}

// TestRowsThatChangeNothing: a flag without effect is named, rows that cannot be read are
// refused before the run directory is made.
func TestRowsThatChangeNothing(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	texts := write(t, dir, "texts.jsonl", `{"text":"the words of a text"}`+"\n")
	_, stderr := succeed(t, "finetune", "--model", model, "--data", texts, "--learn", "all", "--lr", "1e-3", "--steps", "1", "--out", filepath.Join(dir, "a"))
	if !strings.Contains(stderr, "--learn all changes nothing") {
		t.Errorf("%s", stderr)
	}
	chats := write(t, dir, "chat.jsonl", `{"messages":[{"role":"user","content":"ab"},{"role":"assistant","content":"c"}]}`+"\n")
	with := func(more ...string) []string {
		return append([]string{"finetune", "--model", model, "--data", chats, "--lr", "1e-3", "--steps", "1", "--out", filepath.Join(dir, "b")}, more...)
	}
	fails(t, 1, "chat.jsonl:1", with()...)
	fails(t, 1, "--chat-template", with()...)
	fails(t, 1, "--task arc_easy", with("--rows", "chat", "--task", "arc_easy")...)
	if _, err := os.Stat(filepath.Join(dir, "b")); err == nil {
		t.Error("a run directory was made")
	}
}
