package peft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"lamina/formats"
	"lamina/internal/files"
	"lamina/internal/strictjson"
)

// keys are the members of an adapter_config.json that nobody has read yet. What is left at
// the end must have a value that switches it off: the library has a key for everything that
// an adapter may do beside. The first key that cannot be read sticks in err.
type keys struct {
	left map[string]json.RawMessage
	err  error
}

// pattern is an entry of rank_pattern or alpha_pattern.
type pattern struct {
	name  *regexp.Regexp
	value float64
}

// configDepth is how deep a configuration nests at most.
const configDepth = 16

// silent are keys that change no number: where the model came from, which class it had,
// versions, and what is needed to train on.
var silent = []string{"auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "task_type", "peft_version", "fan_in_fan_out"}

// readLibrary reads adapter_config.json.
func (s *Saved) readLibrary(path string) error {
	data, err := files.Read(path, files.Small)
	if err != nil {
		return err
	}
	if err := strictjson.CheckUnique(data, strictjson.Rules{Depth: configDepth}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	k := &keys{}
	if err := json.Unmarshal(data, &k.left); err != nil || k.left == nil {
		return fmt.Errorf("%s: not a configuration of peft: want an object", path)
	}
	if err := s.fromKeys(k); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (s *Saved) fromKeys(k *keys) error {
	name := k.text("peft_type")
	i := slices.IndexFunc(Kinds, func(kind Kind) bool { return kind.peftType == name && name != "" })
	if i < 0 {
		return fmt.Errorf("peft_type is %s: want LORA or IA3", formats.Quote(name))
	}
	s.kind = Kinds[i]
	s.Config.Kind = s.kind.Name
	s.Config.Targets = k.names("target_modules", nil)
	s.Config.Layers = k.numbers("layers_to_transform")
	s.rules.exclude, s.rules.parents = k.names("exclude_modules", nil), k.names("layers_pattern", nil)
	s.kind.read(k, s)
	k.ignore(silent...)
	if err := k.unread(); err != nil {
		return err
	}
	return s.Config.Validate()
}

// unread returns the first error, or one for the first key that is left and not off.
func (k *keys) unread() error {
	if k.err != nil {
		return k.err
	}
	for _, name := range slices.Sorted(maps.Keys(k.left)) {
		if text := k.left[name]; !off(text) {
			return fmt.Errorf("%s is %s: it may change what the adapter computes and is not supported", formats.Quote(name), short(text))
		}
	}
	return nil
}

// off reports whether a value is that of what is not there.
func off(text json.RawMessage) bool {
	switch string(bytes.TrimSpace(text)) {
	case "null", "false", `""`, "{}", "[]", "0":
		return true
	}
	return false
}

func (k *keys) ignore(names ...string) {
	for _, n := range names {
		delete(k.left, n)
	}
}

// take removes a key and returns its text; nil if it is not there or null.
func (k *keys) take(name string) json.RawMessage {
	text := k.left[name]
	delete(k.left, name)
	if string(text) == "null" {
		return nil
	}
	return text
}

// read decodes a key into v, and reports whether there was one.
func (k *keys) read(v any, want, name string) bool {
	text := k.take(name)
	if text == nil {
		return false
	}
	if err := json.Unmarshal(text, v); err != nil {
		k.fail(name, text, want)
		return false
	}
	return true
}

func (k *keys) fail(name string, text json.RawMessage, want string) {
	if k.err == nil {
		k.err = fmt.Errorf("%s is %s: want %s", name, short(text), want)
	}
}

func (k *keys) text(name string) (v string) {
	k.read(&v, "a text", name)
	return v
}

func (k *keys) int(standard int, name string) int {
	k.read(&standard, "a whole number", name)
	return standard
}

func (k *keys) float(standard float64, name string) float64 {
	k.read(&standard, "a number", name)
	return standard
}

func (k *keys) bool(name string) (v bool) {
	k.read(&v, "true or false", name)
	return v
}

// oneOf takes a key that has one of some values, or is not there.
func (k *keys) oneOf(name string, values ...string) {
	if text := k.take(name); text != nil && !slices.Contains(values, string(bytes.TrimSpace(text))) {
		k.fail(name, text, "one of "+joined(values)+": others are not supported")
	}
}

// names takes a list of names. The library takes a text for one regular expression, which is
// read here only where it is the word for all linear layers. given, if not nil, is set to
// whether the key is there.
func (k *keys) names(name string, given *bool) (list []string) {
	text := k.take(name)
	if given != nil {
		*given = text != nil
	}
	if text == nil {
		return nil
	}
	var word string
	if json.Unmarshal(text, &word) == nil && (word == AllLinear || name == "layers_pattern") {
		return []string{word}
	}
	if err := json.Unmarshal(text, &list); err != nil || slices.Contains(list, "") {
		k.fail(name, text, "a list of names (regular expressions are not supported)")
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// numbers takes a number or a list of some.
func (k *keys) numbers(name string) (list []int) {
	text := k.take(name)
	var one int
	switch {
	case text == nil:
	case json.Unmarshal(text, &one) == nil:
		return []int{one}
	case json.Unmarshal(text, &list) != nil:
		k.fail(name, text, "a number or a list of some")
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// patterns takes numbers by regular expressions of names, in the order of the file: the
// library takes the first that fits. Ranks are whole.
func (k *keys) patterns(name string, whole bool) (list []pattern) {
	text := k.take(name)
	if text == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		k.fail(name, text, "an object")
		return nil
	}
	for d.More() {
		key, _ := d.Token()
		var p pattern
		var err error
		if d.Decode(&p.value) != nil || !(p.value > 0 && p.value <= math.MaxFloat32) || whole && (p.value != math.Trunc(p.value) || p.value > most) {
			k.fail(name, text, "numbers above 0, and whole ones for ranks")
			return nil
		}
		if p.name, err = regexp.Compile(fmt.Sprintf(`^(.*\.)?(%s)$`, key)); err != nil {
			k.fail(name, text, "names, or regular expressions of them")
			return nil
		}
		list = append(list, p)
	}
	return list
}

// matching returns the value of the first pattern that fits a name, or the standard.
func matching(patterns []pattern, name string, standard float64) float64 {
	for _, p := range patterns {
		if p.name.MatchString(name) {
			return p.value
		}
	}
	return standard
}

// short is a value's text on one line of at most 64 bytes.
func short(text json.RawMessage) string {
	const limit = 64
	var line bytes.Buffer
	if json.Compact(&line, text) != nil {
		return formats.Quote(string(text))
	}
	if line.Len() <= limit {
		return line.String()
	}
	return string(bytes.ToValidUTF8(line.Bytes()[:limit], nil)) + "…"
}
