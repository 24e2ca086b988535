package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestGenerateChat(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	code, stdout, stderr := lamina(t, "generate", "--model", model, "--prompt", "a", "--chat")
	if code != exitError || stdout != "" || !strings.Contains(stderr, "no chat template") {
		t.Errorf("without a template: exit %d, %q", code, stderr)
	}
	write(t, model, "chat_template.jinja", "{{ bos_token }}{% for m in messages %}{{ m.role[:1] }}{{ m.content }}{{ eos_token }}{% endfor %}")
	ids := func(name string, args ...string) []int32 {
		out := filepath.Join(dir, name)
		must(t, append(args, "--max-tokens", "1", "--json", out)...)
		return read[generateResult](t, out).PromptIDs
	}
	chat := ids("chat.json", "generate", "--model", model, "--system", "no", "--prompt", "a cat", "--chat")
	plain := ids("plain.json", "generate", "--model", model, "--prompt", "<s>sno</s>ua cat</s>")
	if len(chat) != len(plain) || len(chat) < 5 || chat[0] != plain[0] || chat[len(chat)-1] != 2 {
		t.Errorf("ids %v, want %v", chat, plain)
	}
}
