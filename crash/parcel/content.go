package parcel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lamina/formats"
	"lamina/internal/files"
	"lamina/internal/strictjson"
)

// emulatorFiles are the patterns of what emulate writes; of an adapter's files package
// exchange has the list.
var emulatorFiles = []string{
	"config.json", "lamina.json", files.Manifest, "model.safetensors", "model-*-of-*.safetensors", "model.safetensors.index.json",
	"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.json", "merges.txt", "generation_config.json", "chat_template.jinja",
	"LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*",
}

// running are the ends of files that other programs run when they load a model: Python,
// libraries, and pickles, in which any call may stand.
var running = []string{".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".sh", ".bat", ".exe", ".js",
	".pkl", ".pickle", ".bin", ".pt", ".pth", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".pb", ".msgpack"}

// settingsFiles are those whose keys other programs act upon.
var settingsFiles = []string{"config.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json", "adapter_config.json"}

// codeKeys make other programs load code that a model brings.
var codeKeys = []string{"auto_map", "trust_remote_code", "custom_pipelines"}

// elsewhereKeys make the library of peft fetch another model than the owner's, or import a
// module of any name: in an adapter they are empty.
var elsewhereKeys = []string{"base_model_name_or_path", "auto_mapping", "revision", "megatron_core", "megatron_config"}

// checkContent refuses files that a package of a kind has no use for, and settings that
// make other programs run code. told are lines about what tells of its sender's machine.
func checkContent(dir string, kind Kind, all []File) (told []string, err error) {
	for _, f := range all {
		at := filepath.Join(dir, f.Name)
		if end := strings.ToLower(path.Ext(f.Name)); slices.Contains(running, end) {
			return nil, fmt.Errorf("%s: files that end in %s can run code when a model is loaded: no package has one", at, end)
		}
		if kind == EmulatorKind && !slices.ContainsFunc(emulatorFiles, func(pattern string) bool { ok, _ := path.Match(pattern, f.Name); return ok }) {
			return nil, fmt.Errorf("%s: an emulator has no such file: it was added; take it away", at)
		}
		if !slices.Contains(settingsFiles, f.Name) {
			continue
		}
		lines, err := checkSettings(at)
		if err != nil {
			return nil, err
		}
		told = append(told, lines...)
	}
	return told, nil
}

// checkSettings walks through a file of settings.
func checkSettings(at string) (told []string, err error) {
	data, err := files.Read(at, files.Small)
	if err != nil {
		return nil, err
	}
	isPEFT := filepath.Base(at) == "adapter_config.json"
	err = walk(strictjson.New(bytes.TrimPrefix(data, []byte("\ufeff")), strictjson.Rules{Depth: 64, Python: true}), "", func(key string, kind strictjson.Kind, value string) error {
		switch {
		case isPEFT && slices.Contains(elsewhereKeys, key) && kind != strictjson.Null && (kind != strictjson.String || value != ""):
			return fmt.Errorf("%q is not null: it makes other programs fetch a model or code from elsewhere: an adapter belongs to the model that its receiver has", key)
		case slices.Contains(codeKeys, key):
			return fmt.Errorf("%q makes other programs run code that a model brings: take it out of the model's file, and make the package again", key)
		case machinePath.MatchString(value) && len(told) < 16:
			told = append(told, fmt.Sprintf("%s: %s is a path of a machine: %s", at, formats.Quote(key), formats.Quote(value)))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return told, nil
}

// machinePath is what tells where on whose machine something lay.
var machinePath = regexp.MustCompile(`^(/(home|root|Users|mnt|media|data|scratch|workspace|tmp|var|srv|opt)/.|~/.|[A-Za-z]:\\.|file://.)`)

// walk tells each member of all objects, and the texts among them and in arrays; a value
// that is no text is "".
func walk(s *strictjson.Scanner, key string, tell func(key string, kind strictjson.Kind, value string) error) error {
	switch s.Kind() {
	case strictjson.Object:
		return s.Object(func(name string) error {
			if kind := s.Kind(); kind != strictjson.String {
				if err := tell(name, kind, ""); err != nil {
					return err
				}
			}
			return walk(s, name, tell)
		})
	case strictjson.Array:
		return s.Array(func() error { return walk(s, key, tell) })
	case strictjson.String:
		text, err := s.String()
		if err != nil {
			return err
		}
		return tell(key, strictjson.String, text)
	}
	return s.Skip()
}

// tokenizerFiles decide what the ids of a text are.
var tokenizerFiles = []string{"added_tokens.json", "merges.txt", "special_tokens_map.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json"}

// tokenizerDigest digests the tokenizer's files: SHA-256 of their lines "sha256 name\n" by
// name; "" without one.
func tokenizerDigest(all []File) string {
	h := sha256.New()
	some := false
	for _, f := range all {
		if slices.Contains(tokenizerFiles, f.Name) {
			fmt.Fprintf(h, "%s %s\n", f.SHA256, f.Name)
			some = true
		}
	}
	if !some {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// digestOfFile returns the SHA-256 of a file of the list, "" where it is not there.
func digestOfFile(all []File, name string) string {
	if at := slices.IndexFunc(all, func(f File) bool { return f.Name == name }); at >= 0 {
		return all[at].SHA256
	}
	return ""
}
