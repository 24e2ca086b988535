package chat_test

import (
	"testing"

	"lamina/transformer/chat"
)

// BenchmarkRender parses and renders templates of published models' kind over a
// conversation of four turns.
func BenchmarkRender(b *testing.B) {
	g := readGolden(b)
	for _, name := range []string{"smollm2", "llama3.1", "qwen2.5", "mistral0.3"} {
		messages := g.messages("system")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := chat.Render(g.Templates[name], messages, chat.Options{BOS: "<s>", EOS: "</s>", Generation: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
