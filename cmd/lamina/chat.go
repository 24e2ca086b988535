package main

import (
	"fmt"
	"os"
	"path/filepath"

	"lamina/transformer/chat"
	"lamina/transformer/tokenizer"
)

// chatPrompt writes a user's message, and a system message if there is one, the
// way the model's chat template has them.
func chatPrompt(m *model, t *tokenizer.Tokenizer, system, prompt string) (string, error) {
	roles := t.Roles()
	source := chatTemplate(m, roles)
	if source == "" {
		return "", fmt.Errorf("%s: has no chat template: leave out --chat", m.Path)
	}
	messages := []chat.Message{{Role: "user", Content: prompt}}
	if system != "" {
		messages = append([]chat.Message{{Role: "system", Content: system}}, messages...)
	}
	text, err := chat.Render(source, messages, chat.Options{BOS: roles.BOS, EOS: roles.EOS, Generation: true})
	if err != nil {
		return "", fmt.Errorf("%s: chat template: %w", m.Path, err)
	}
	return text, nil
}

// chatTemplate returns the template of the tokenizer's configuration, or of the
// file that newer directories keep it in.
func chatTemplate(m *model, roles tokenizer.Roles) string {
	if roles.ChatTemplate != "" || m.GGUF != nil {
		return roles.ChatTemplate
	}
	text, err := os.ReadFile(filepath.Join(m.Dir, "chat_template.jinja"))
	if err != nil {
		return ""
	}
	return string(text)
}
