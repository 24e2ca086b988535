package transformer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lamina/formats"
	"lamina/internal/strictjson"
)

// keys are the members of a configuration's object that nobody has read yet: who reads
// one takes it. What is left at the end and could change what the model computes is an
// error ([keys.unread]), so that no new key of another program is dropped in silence.
// The first key that cannot be read sticks in err.
type keys struct {
	in   string // what messages put before a key: "rope_scaling." of an object inside
	left map[string]json.RawMessage
	err  error
}

// readKeys splits a JSON object into its members.
func readKeys(data []byte) (*keys, error) {
	k := &keys{}
	if err := decodeConfig(plainNumbers(data), &k.left); err != nil {
		return nil, err
	}
	if k.left == nil {
		return nil, fmt.Errorf("not a model configuration: null")
	}
	return k, nil
}

// configDepth is how deep a configuration nests at most.
const configDepth = 64

// decodeConfig reads the keys of a configuration into keys, whose type has them. A key that
// stands twice is an error: transformers takes the last, others the first.
func decodeConfig(data []byte, keys any) error {
	if err := json.Unmarshal(data, keys); err != nil {
		return fmt.Errorf("not a model configuration: %w", err)
	}
	return strictjson.CheckUnique(data, strictjson.Rules{Depth: configDepth})
}

// plainNumbers puts a number too large for any use where Python writes NaN or Infinity,
// which JSON has not: a field that nobody reads may hold it.
func plainNumbers(data []byte) []byte {
	const beyond = "1e999"
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	var out []byte
	inText := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\' && i+1 < len(data):
			out = append(out, c)
			i++
		case c == '"':
			inText = !inText
		case inText:
		case bytes.HasPrefix(data[i:], []byte("NaN")):
			out, i = append(out, beyond...), i+len("NaN")-1
			continue
		case bytes.HasPrefix(data[i:], []byte("Infinity")):
			out, i = append(out, beyond...), i+len("Infinity")-1
			continue
		}
		out = append(out, data[i])
	}
	return out
}

// take removes all names of a key and returns the text of the first that is there and not
// null; nil if there is none.
func (k *keys) take(names ...string) (name string, text json.RawMessage) {
	for _, n := range names {
		if v, ok := k.left[n]; ok {
			if isNull(text) {
				name, text = n, v
			}
			delete(k.left, n)
		}
	}
	return name, text
}

func isNull(text json.RawMessage) bool { return text == nil || string(text) == "null" }

// read decodes the first of the names that is there and not null into v, and reports
// whether there was one. What Python's JSON calls null is None, for which all classes of
// transformers that take it put their default.
func (k *keys) read(v any, names ...string) bool {
	name, text := k.take(names...)
	if isNull(text) {
		return false
	}
	if _, whole := v.(*int); whole {
		text = wholeNumber(text)
	}
	if err := json.Unmarshal(text, v); err != nil && k.err == nil {
		k.err = fmt.Errorf("%s%s is %s (want %s)", k.in, name, short(text), kindOf(v))
	}
	return k.err == nil
}

// wholeNumber writes 2048.0, which other programs make of a whole number, as one.
func wholeNumber(text json.RawMessage) json.RawMessage {
	whole, ok := strings.CutSuffix(string(text), ".0")
	if !ok || strings.Contains(whole, `"`) {
		return text
	}
	return json.RawMessage(whole)
}

// kindOf names the kind of value that v takes.
func kindOf(v any) string {
	switch v.(type) {
	case *int, **int:
		return "a whole number"
	case *float64:
		return "a number"
	case *bool:
		return "true or false"
	case *string:
		return "a text"
	}
	return "an object"
}

// int is a whole number, standard where no name is there.
func (k *keys) int(standard int, names ...string) int {
	k.read(&standard, names...)
	return standard
}

// float is a number.
func (k *keys) float(standard float64, names ...string) float64 {
	k.read(&standard, names...)
	return standard
}

// bool is a truth value; null is false, as in Python.
func (k *keys) bool(standard bool, name string) bool {
	if text, ok := k.left[name]; ok && isNull(text) {
		standard = false
	}
	k.read(&standard, name)
	return standard
}

// text is a string.
func (k *keys) text(standard string, names ...string) string {
	k.read(&standard, names...)
	return standard
}

// object is an object of its own; nil where there is none or null.
func (k *keys) object(name string) *keys {
	inner := &keys{in: k.in + name + "."}
	if !k.read(&inner.left, name) {
		return nil
	}
	return inner
}

// ignore takes keys that change nothing that is computed here.
func (k *keys) ignore(names ...string) {
	for _, n := range names {
		delete(k.left, n)
	}
}

// harmless are keys of all classes that a pattern of [matter] fits and that change no
// number of a forward pass: settings of generation, of implementations, of training.
var harmless = []string{
	"attn_implementation", "_attn_implementation", "_attn_implementation_autoset", "_attn_implementation_internal",
	"_flash_attn_2_enabled", "use_flash_attn", "use_flash_attention", "flash_attention", "flash_attn", "use_flash_attention_2",
	"output_attentions", "renormalize_logits", "output_logits", "return_logits", "cross_attention_hidden_size",
	"is_cross_attention", "tokenizer_normalization", "attention_implementation", "chunk_size_feed_forward", "logits_to_keep",
	"_pre_quantization_dtype", // of weights that are quantised no longer: quantization_config says if they are
}

// matter are parts of the names of keys that change what models compute: positions,
// factors, caps, windows, norms, experts, biases, quantisation, and what is cut off.
var matter = []string{
	"rope", "rotary", "alibi", "position_embedding_type", "scal", "multiplier", "temperature_tuning", "logit", "softcap", "softmax",
	"sliding", "window", "chunk", "sink", "sparse", "attn", "attention", "qk_", "qkv", "kv_", "norm", "quant", "expert", "moe", "router",
	"partial", "residual", "parallel_attn", "bias", "clip", "clamp", "prun", "compress", "lora", "mup", "cross_att", "encoder_decoder",
	"layer_types", "block_type", "hidden_activation", "gated", "head_dim", "tie_", "embedding_", "embed_",
}

// unread returns an error for the first key left that could change what the model
// computes and has not the value that changes nothing. The remedy is the reader's who
// knows the model: to take the key out if it means nothing.
func (k *keys) unread() error {
	if k.err != nil {
		return k.err
	}
	k.ignore(harmless...)
	if off, ok := k.left["use_sliding_window"]; ok && neutral("use_sliding_window", off) {
		k.ignore("sliding_window", "max_window_layers") // the size of a window that is off
	}
	for _, name := range slices.Sorted(maps.Keys(k.left)) {
		if text := k.left[name]; matters(name) && !neutral(name, text) {
			return fmt.Errorf("%s%s is %s: it may change what the model computes and is not supported (remove the key if it means nothing here)",
				k.in, formats.Quote(name), short(text))
		}
	}
	return nil
}

func matters(name string) bool {
	name = strings.ToLower(name)
	if strings.Contains(name, "drop") || strings.HasSuffix(name, "_token_id") {
		return false // training, special tokens
	}
	return slices.ContainsFunc(matter, func(part string) bool { return strings.Contains(name, part) })
}

// neutral reports whether a value is that of a thing that is switched off: nothing,
// false, "default" or "none", no number of them, a factor of one, or for each layer that
// its attention sees all.
func neutral(name string, text json.RawMessage) bool {
	switch string(bytes.ToLower(bytes.TrimSpace(text))) {
	case "null", "false", `""`, `"default"`, `"none"`, "{}", "[]":
		return true
	}
	var layers []string
	if json.Unmarshal(text, &layers) == nil { // what each layer's attention sees
		return !slices.ContainsFunc(layers, func(kind string) bool { return kind != "full_attention" })
	}
	var n float64
	if json.Unmarshal(text, &n) != nil {
		return false
	}
	factor := slices.ContainsFunc([]string{"scal", "multiplier", "factor", "partial", "pct", "percent", "expert"}, func(part string) bool {
		return strings.Contains(name, part)
	})
	if factor {
		return n == 1 || n == 0 && strings.Contains(name, "expert")
	}
	return n == 0
}

// short is a value's text on one line of at most 64 bytes.
func short(text json.RawMessage) string {
	const limit = 64
	var line bytes.Buffer
	if json.Compact(&line, text) != nil {
		line.Reset()
		line.WriteString(formats.Quote(string(text)))
	}
	if line.Len() <= limit {
		return line.String()
	}
	return strings.ToValidUTF8(line.String()[:limit], "") + "…"
}

// values are the members that are there, decoded, those that JSON has no value for (NaN,
// numbers beyond float64) left out.
func (k *keys) values() map[string]any {
	all := make(map[string]any, len(k.left))
	for name, text := range k.left {
		var v any
		if json.Unmarshal(text, &v) == nil {
			all[name] = v
		}
	}
	return all
}
