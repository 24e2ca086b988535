package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A decoder rewrites the tokens of a text on their way back; the results of
// the last one are joined.
type decoder func(tokens []string) []string

func parseDecoder(f field, depth int) (decoder, error) {
	if f.null() {
		return func(tokens []string) []string { return []string{strings.Join(tokens, " ")} }, nil
	}
	if depth > maxNesting {
		return nil, f.errorf("components nested deeper than %d", maxNesting)
	}
	kind, err := f.at("type").text("")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "ByteLevel":
		return decodeByteLevel, f.only("type", "add_prefix_space", "trim_offsets", "use_regex")
	case "ByteFallback":
		return decodeBytes, f.only("type")
	case "Fuse":
		return func(tokens []string) []string { return []string{strings.Join(tokens, "")} }, f.only("type")
	case "Replace":
		replace, err := parseReplace(f, true)
		return eachToken(replace), err
	case "Strip":
		return parseStripDecoder(f)
	case "Metaspace":
		return parseMetaspaceDecoder(f)
	case "Sequence":
		if err := f.only("type", "decoders"); err != nil {
			return nil, err
		}
		parts, err := f.at("decoders").each()
		if err != nil {
			return nil, err
		}
		var steps []decoder
		for _, p := range parts {
			step, err := parseDecoder(p, depth+1)
			if err != nil {
				return nil, err
			}
			steps = append(steps, step)
		}
		return func(tokens []string) []string {
			for _, step := range steps {
				tokens = step(tokens)
			}
			return tokens
		}, nil
	}
	return nil, f.at("type").errorf("unknown decoder %s (known: ByteFallback ByteLevel Fuse Metaspace Replace Sequence Strip)", quote(kind))
}

func eachToken(change normalizer) decoder {
	return func(tokens []string) []string {
		for i, t := range tokens {
			tokens[i] = change(piece{text: t}).text
		}
		return tokens
	}
}

// decodeByteLevel turns the byte-level alphabet back to bytes; a token with
// a rune outside it stands for itself.
func decodeByteLevel(tokens []string) []string {
	var out strings.Builder
	for _, t := range tokens {
		if raw, ok := fromByteLevel(t); ok {
			t = raw
		}
		out.WriteString(t)
	}
	return []string{replaceInvalid(out.String())}
}

// byteToken returns the byte that <0xXX> stands for.
func byteToken(token string) (byte, bool) {
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return 0, false
	}
	v, err := strconv.ParseUint(token[3:5], 16, 8)
	return byte(v), err == nil
}

// decodeBytes joins neighbouring byte tokens to text; where they are no
// UTF-8, each becomes one U+FFFD.
func decodeBytes(tokens []string) []string {
	var out []string
	var bytes []byte
	flush := func() {
		switch {
		case len(bytes) == 0:
		case utf8.Valid(bytes):
			out = append(out, string(bytes))
		default:
			for range bytes {
				out = append(out, "\ufffd")
			}
		}
		bytes = bytes[:0]
	}
	for _, t := range tokens {
		if b, ok := byteToken(t); ok {
			bytes = append(bytes, b)
			continue
		}
		flush()
		out = append(out, t)
	}
	flush()
	return out
}

func parseStripDecoder(f field) (decoder, error) {
	var b bag
	b.keep(f.only("type", "content", "start", "stop"))
	content := b.text(f.at("content"), "")
	start := b.integer(f.at("start"), 0, maxID)
	stop := b.integer(f.at("stop"), 0, maxID)
	b.keep(oneRune(f.at("content"), content))
	return eachToken(func(p piece) piece {
		from, to := 0, len(p.text)
		for n := 0; n < start && strings.HasPrefix(p.text[from:], content); n++ {
			from += len(content)
		}
		for n := 0; n < stop && strings.HasSuffix(p.text[from:to], content); n++ {
			to -= len(content)
		}
		return p.slice(from, to)
	}), b.err
}

func parseMetaspaceDecoder(f field) (decoder, error) {
	var b bag
	b.keep(f.only("type", "replacement", "prepend_scheme", "add_prefix_space", "str_rep", "split"))
	mark := b.text(f.at("replacement"), "▁")
	legacy := "always"
	if !b.boolean(f.at("add_prefix_space"), true) {
		legacy = "never"
	}
	scheme := b.text(f.at("prepend_scheme"), legacy)
	b.keep(oneRune(f.at("replacement"), mark))
	b.keep(knownScheme(f.at("prepend_scheme"), scheme))
	return func(tokens []string) []string {
		for i, t := range tokens {
			if i == 0 && scheme != "never" {
				tokens[i] = strings.ReplaceAll(t, mark, "")
			} else {
				tokens[i] = strings.ReplaceAll(t, mark, " ")
			}
		}
		return tokens
	}, b.err
}

// cleanUp is transformers' clean_up_tokenization: one replacement after the other.
func cleanUp(text string) string {
	for _, from := range []string{" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"} {
		to := strings.TrimPrefix(from, " ")
		if from == " ' " {
			to = "'"
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}
