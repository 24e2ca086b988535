package transformer

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/tensor"
)

// ParseStorage reads the type that a directory's tensors are stored as: "f32", "f16" or
// "bf16", in any case; "" is [tensor.Invalid], as they are.
func ParseStorage(name string) (tensor.DType, error) {
	if name == "" {
		return tensor.Invalid, nil
	}
	switch d, _ := tensor.ParseDType(strings.ToUpper(name)); d {
	case tensor.F32, tensor.F16, tensor.BF16:
		return d, nil
	}
	return tensor.Invalid, fmt.Errorf("%.32q: want f32, f16 or bf16", name)
}

// NamedTensor is one tensor of a directory to be written: a tensor of the checkpoint
// under a (perhaps other) name, or a value of our own.
type NamedTensor struct {
	Name  string
	From  string        // the checkpoint's tensor
	Value tensor.Tensor // instead of From, if not none
	Exact bool          // keeps its values, whatever the directory's DType says
}

// Directory describes a Hugging Face directory to be written.
type Directory struct {
	Tensors []NamedTensor
	Config  map[string]any // config.json; its torch_dtype follows DType
	// DType is the storage type of the tensors; Invalid keeps each one's bytes,
	// and F32 where the checkpoint is quantised in blocks. Own values are rounded
	// to the type of the tensor they replace.
	DType tensor.DType
	Extra map[string][]byte // further files
	// Forms are those of the layers. Where one is not plain, lamina alone reads the directory.
	Forms []Form
	// Places, if not nil, makes a compact directory, which lamina alone reads: for each
	// layer it has the one whose tensors it shares, and itself where Tensors has its own.
	// What is quantised in blocks stays so, own values too, unless DType says otherwise.
	Places []int
	// Overwrite replaces a directory that says it is of the same Kind, a noun, and never
	// the one that is read; without a Kind any that holds a model.
	Overwrite bool
	Kind      string
	Note      any  // what it says of itself beside its kind; nil: nothing
	Sealed    bool // MANIFEST.json is written last, with size and SHA-256 of every file
	// Ready, if not nil, is called when all files are there, in a temporary directory, and
	// before that gets its name; on its error nothing is written.
	Ready func(tmp string) error
}

// maxCompanion bounds a file that is copied with a model: a tokenizer is the largest.
const maxCompanion = 256 << 20

// maxShard is transformers' default shard size.
const maxShard = 5 << 30

// companions are copied from a directory when it is rewritten: tokenizer,
// generation settings, licence.
var companions = []string{
	"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.json", "merges.txt", "generation_config.json", "chat_template.jinja",
	"LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*",
}

// Whole returns a Directory with every tensor of the checkpoint, as the file has it. What
// a decoder has learned since is in [Decoder.Whole].
func (c *Checkpoint) Whole() Directory {
	d := Directory{Config: maps.Clone(c.Config.Raw), Forms: c.Config.Forms}
	delete(d.Config, ownKey)
	for _, name := range c.Names() {
		d.Tensors = append(d.Tensors, NamedTensor{Name: name, From: name})
	}
	return d
}

// WriteDir writes a directory that transformers and [Open] load: weights as
// safetensors (sharded above 5 GiB), config.json, tokenizer and licence files.
// It is written beside out and renamed; tensors are streamed one by one.
func (c *Checkpoint) WriteDir(out string, d Directory) error {
	if err := c.writable(out, d); err != nil {
		return err
	}
	entries := make([]formats.Entry, len(d.Tensors))
	named := map[string]NamedTensor{}
	blocks := map[string]blockTensor{}
	for i, t := range d.Tensors {
		e, err := c.describe(t, d.DType)
		if err != nil {
			return err
		}
		if was := c.stored(t); d.Places != nil && was.DType.IsBlock() && (t.Exact || d.DType == tensor.Invalid) {
			blocks[t.Name] = blockTensor{was.DType.String(), was.Shape}
			e.DType, e.Shape = tensor.U8, []int{was.DType.Bytes(was.Elems())}
		}
		entries[i], named[e.Name] = e, t
	}
	to := files.Output{Path: out, Kind: d.Kind, Note: d.Note, Overwrite: d.Overwrite}
	for _, e := range entries {
		to.Bytes += int64(e.DType.Bytes(e.Elems()))
	}
	return to.Write(func(tmp string) error {
		types := map[string]tensor.DType{}
		for _, e := range entries {
			types[e.Name] = e.DType
		}
		err := safetensors.WriteSharded(tmp, entries, maxShard, func(name string, w io.Writer) error {
			return c.writeTensor(w, named[name], types[name])
		})
		if err != nil {
			return err
		}
		if err := c.writeCompanions(tmp); err != nil {
			return err
		}
		if err := writeConfig(filepath.Join(tmp, "config.json"), d, blocks); err != nil {
			return err
		}
		for name, data := range d.Extra {
			if err := files.WriteBytes(filepath.Join(tmp, name), data); err != nil {
				return err
			}
		}
		if d.Sealed {
			if err := files.Seal(tmp); err != nil {
				return err
			}
		}
		if d.Ready != nil {
			return d.Ready(tmp)
		}
		return nil
	})
}

// torchNames are the types a directory may be written in, as config.json calls
// them.
var torchNames = map[tensor.DType]string{tensor.F32: "float32", tensor.F16: "float16", tensor.BF16: "bfloat16"}

// writable returns an error for a type or rope scaling that no config.json can state, and
// where writing would replace what is read.
func (c *Checkpoint) writable(out string, d Directory) error {
	if d.DType != tensor.Invalid && torchNames[d.DType] == "" {
		return fmt.Errorf("%s: cannot be written as %s (F32, F16, BF16)", out, d.DType)
	}
	if scaling, _ := d.Config["rope_scaling"].(map[string]any); c.Config.RoPE.Factors != nil && scaling["rope_type"] != "llama3" {
		return fmt.Errorf("%s: its rope factors are not those of llama3 scaling; no config.json can state them", c.Path)
	}
	if d.Kind != "" {
		if c.Path != "" && files.Reads(out, c.Path) {
			return fmt.Errorf("%s: holds the model that is read and is not overwritten: choose another directory", out)
		}
		return nil
	}
	entries, _ := os.ReadDir(out)
	config, _ := files.Read(filepath.Join(out, "config.json"), maxSmallFile)
	if d.Overwrite && len(entries) > 0 && !files.IsModelConfig(config) {
		return fmt.Errorf("%s: holds no model and is not overwritten: choose another directory", out)
	}
	return nil
}

func writeConfig(path string, d Directory, blocks map[string]blockTensor) error {
	config := maps.Clone(d.Config)
	if name, ok := torchNames[d.DType]; ok {
		config["torch_dtype"] = name
		if config["dtype"] != nil { // what transformers 5 calls it
			config["dtype"] = name
		}
	}
	formsConfig(config, d.Forms)
	if d.Places != nil {
		compactConfig(config, d.Places, blocks)
	}
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return files.WriteBytes(path, append(text, '\n'))
}

// stored returns the type and shape that a tensor has before it is written.
func (c *Checkpoint) stored(t NamedTensor) formats.Entry {
	if !t.Value.IsNone() {
		return formats.Entry{DType: t.Value.DType(), Shape: t.Value.Shape()}
	}
	e, _ := c.Entry(t.From)
	return e
}

// describe returns a tensor's entry in the output.
func (c *Checkpoint) describe(t NamedTensor, d tensor.DType) (formats.Entry, error) {
	e, ok := c.Entry(t.From)
	if !ok {
		if t.Value.IsNone() {
			return e, fmt.Errorf("%s: no tensor %s", c.Path, formats.Quote(t.From))
		}
		e = formats.Entry{DType: t.Value.DType(), Shape: t.Value.Shape()}
	}
	e.Name = t.Name
	if t.Exact {
		d = tensor.Invalid
	}
	switch {
	case d != tensor.Invalid && e.DType.IsFloat():
		e.DType = d
	case e.DType.IsBlock(), e.DType == tensor.F64 && !t.Value.IsNone():
		e.DType = tensor.F32
	}
	return e, nil
}

func (c *Checkpoint) writeTensor(w io.Writer, t NamedTensor, as tensor.DType) error {
	if !t.Value.IsNone() && as == tensor.U8 { // blocks, as they are
		_, err := t.Value.WriteTo(w)
		return err
	}
	if !t.Value.IsNone() {
		return encode(w, t.Value.Float32s(), 0, as)
	}
	data, err := c.Data(t.From)
	if err != nil {
		return err
	}
	defer c.Release(t.From)
	e, _ := c.Entry(t.From)
	if e.DType == as || as == tensor.U8 {
		_, err = w.Write(data)
		return err
	}
	return recode(w, data, e, as)
}

func (c *Checkpoint) writeCompanions(dir string) error {
	if c.GGUF != nil {
		return c.writeGGUFTokenizer(dir)
	}
	if c.Dir == "" { // of a decoder that comes from no file
		return nil
	}
	for _, pattern := range companions {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(c.Dir), pattern))
		if err != nil {
			return err
		}
		for _, p := range paths {
			if info, err := os.Stat(p); err == nil && info.IsDir() && strings.HasSuffix(pattern, "*") {
				continue // LICENSES/
			}
			if err := copyFile(filepath.Join(dir, filepath.Base(p)), p); err != nil {
				return err
			}
		}
	}
	return nil
}

// escapeGlob takes the special meaning from characters of a directory's name.
func escapeGlob(path string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func copyFile(to, from string) error {
	in, _, err := files.Open(from, maxCompanion)
	if err != nil {
		return err
	}
	defer in.Close()
	return files.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
