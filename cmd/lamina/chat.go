package main

import (
	"fmt"

	"lamina/transformer/tokenizer"
)

// chatPrompt writes a user's message, and a system message if there is one, the
// way the model's chat template has them.
func chatPrompt(m *model, _ *tokenizer.Tokenizer, _, _ string) (string, error) {
	return "", fmt.Errorf("%s: --chat: chat templates are not built in yet: write the template's words into --prompt", m.Path)
}
