package tokenizer

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// jsonString renders s as a JSON string.
func jsonString(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r < 0x20:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

func stringOrNull(s string) string {
	if s == "" {
		return "null"
	}
	return jsonString(s)
}

// WriteJSON writes the tokenizer as a tokenizer.json that transformers'
// PreTrainedTokenizerFast and FromJSON load with the same ids.
func (t *Tokenizer) WriteJSON(w io.Writer) error {
	s := t.spec
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [")
	for i, a := range t.Added() {
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		fmt.Fprintf(out, "\n    {\"id\": %d, \"content\": %s, \"single_word\": %t, \"lstrip\": %t, \"rstrip\": %t, \"normalized\": %t, \"special\": %t}",
			a.ID, jsonString(a.Content), a.SingleWord, a.LStrip, a.RStrip, a.Normalized, a.Special)
	}
	fmt.Fprintf(out, "\n  ],\n  \"normalizer\": %s,\n  \"pre_tokenizer\": %s,\n  \"post_processor\": %s,\n  \"decoder\": %s,\n",
		orNull(s.normalizer), orNull(s.preTokenizer), orNull(s.postProcessor), orNull(s.decoder))
	fmt.Fprintf(out, "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": %s,\n    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n", stringOrNull(s.unk))
	fmt.Fprintf(out, "    \"fuse_unk\": %t,\n    \"byte_fallback\": %t,\n    \"ignore_merges\": %t,\n    \"vocab\": {", s.fuseUnk, s.byteFallback, s.ignoreMerges)
	for i, token := range s.tokensByID() {
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		fmt.Fprintf(out, "\n      %s: %d", jsonString(token), s.vocab[token])
	}
	fmt.Fprint(out, "\n    },\n    \"merges\": [")
	for i, pair := range s.merges {
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		fmt.Fprintf(out, "\n      [%s, %s]", jsonString(pair[0]), jsonString(pair[1]))
	}
	fmt.Fprint(out, "\n    ]\n  }\n}\n")
	return out.Flush()
}

func (s *spec) tokensByID() []string {
	tokens := make([]string, 0, len(s.vocab))
	for token := range s.vocab {
		tokens = append(tokens, token)
	}
	slices.SortFunc(tokens, func(a, b string) int { return int(s.vocab[a] - s.vocab[b]) })
	return tokens
}

// WriteConfig writes the tokenizer_config.json that goes with WriteJSON:
// roles and chat template. maxLength is the model's context in tokens; 0
// leaves it out.
func (t *Tokenizer) WriteConfig(w io.Writer, maxLength int) error {
	lines := []string{
		`"tokenizer_class": "PreTrainedTokenizerFast"`,
		// transformers overwrites the pre-tokenizer's flag with this one.
		fmt.Sprintf(`"add_prefix_space": %t`, t.spec.preTokenizer != "" && topLevelPrefix(t.spec.preTokenizer)),
		fmt.Sprintf(`"clean_up_tokenization_spaces": %t`, t.tidy),
	}
	for _, role := range [][2]string{
		{"bos_token", t.roles.BOS}, {"eos_token", t.roles.EOS}, {"pad_token", t.roles.Pad},
		{"unk_token", t.roles.Unk}, {"chat_template", t.roles.ChatTemplate},
	} {
		if role[1] != "" {
			lines = append(lines, fmt.Sprintf("%q: %s", role[0], jsonString(role[1])))
		}
	}
	if maxLength > 0 {
		lines = append(lines, fmt.Sprintf(`"model_max_length": %d`, maxLength))
	}
	_, err := io.WriteString(w, "{\n  "+strings.Join(lines, ",\n  ")+"\n}\n")
	return err
}

// topLevelPrefix reports whether the pre-tokenizer is a ByteLevel, not one
// inside a Sequence, that adds a space.
func topLevelPrefix(preTokenizer string) bool {
	f, err := component("pre_tokenizer", preTokenizer)
	if err != nil {
		return false
	}
	kind, _ := f.at("type").text("")
	prefix, _ := f.at("add_prefix_space").boolean(true)
	return kind == "ByteLevel" && prefix
}
