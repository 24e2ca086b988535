package transformer

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/atomicfile"
	"lamina/tensor"
)

// Part is one tensor of a directory to be written: a tensor of the checkpoint
// under a (perhaps other) name, or a value of our own.
type Part struct {
	Name  string
	From  string        // the checkpoint's tensor
	Value tensor.Tensor // instead of From, if not none
}

// Directory describes a Hugging Face directory to be written.
type Directory struct {
	Parts  []Part
	Config map[string]any // config.json
	// DType is the storage type of the tensors; Invalid keeps each one's bytes,
	// and F32 where the checkpoint is quantised in blocks. Own values are rounded
	// to the type of the tensor they replace.
	DType     tensor.DType
	Extra     map[string][]byte // further files
	Overwrite bool
}

// maxShard is transformers' default shard size.
const maxShard = 5 << 30

// companions are copied from a directory when it is rewritten: tokenizer,
// generation settings, licence.
var companions = []string{
	"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
	"vocab.json", "merges.txt", "generation_config.json", "chat_template.jinja",
	"LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*",
}

// Whole returns a Directory with every tensor of the checkpoint, as it is.
func (c *Checkpoint) Whole() Directory {
	d := Directory{Config: c.Config.Raw}
	for _, name := range c.Names() {
		d.Parts = append(d.Parts, Part{Name: name, From: name})
	}
	return d
}

// WriteDir writes a directory that transformers and [Open] load: weights as
// safetensors (sharded above 5 GiB), config.json, tokenizer and licence files.
// It is written beside out and renamed; tensors are streamed one by one.
func (c *Checkpoint) WriteDir(out string, d Directory) error {
	entries := make([]formats.Entry, len(d.Parts))
	parts := map[string]Part{}
	for i, part := range d.Parts {
		e, err := c.describe(part, d.DType)
		if err != nil {
			return err
		}
		entries[i], parts[e.Name] = e, part
	}
	return atomicfile.Dir(out, d.Overwrite, func(tmp string) error {
		types := map[string]tensor.DType{}
		for _, e := range entries {
			types[e.Name] = e.DType
		}
		err := safetensors.WriteSharded(tmp, entries, maxShard, func(name string, w io.Writer) error {
			return c.writePart(w, parts[name], types[name])
		})
		if err != nil {
			return err
		}
		if err := c.writeCompanions(tmp); err != nil {
			return err
		}
		config, err := json.MarshalIndent(d.Config, "", "  ")
		if err != nil {
			return err
		}
		if err := atomicfile.WriteBytes(filepath.Join(tmp, "config.json"), append(config, '\n')); err != nil {
			return err
		}
		for name, data := range d.Extra {
			if err := atomicfile.WriteBytes(filepath.Join(tmp, name), data); err != nil {
				return err
			}
		}
		return nil
	})
}

// describe returns a part's entry in the output.
func (c *Checkpoint) describe(part Part, d tensor.DType) (formats.Entry, error) {
	e, ok := c.Entry(part.From)
	if !ok {
		if part.Value.IsNone() {
			return e, fmt.Errorf("%s: no tensor %q", c.Path, part.From)
		}
		e = formats.Entry{DType: part.Value.DType(), Shape: part.Value.Shape()}
	}
	e.Name = part.Name
	switch {
	case d != tensor.Invalid && e.DType.IsFloat():
		e.DType = d
	case e.DType.IsBlock():
		e.DType = tensor.F32
	}
	return e, nil
}

func (c *Checkpoint) writePart(w io.Writer, part Part, as tensor.DType) error {
	if !part.Value.IsNone() {
		raw := make([]byte, as.Bytes(part.Value.Len()))
		tensor.EncodeF32(raw, part.Value.Float32s(), as)
		_, err := w.Write(raw)
		return err
	}
	data, err := c.Data(part.From)
	if err != nil {
		return err
	}
	defer c.Release(part.From)
	e, _ := c.Entry(part.From)
	if e.DType == as {
		_, err = w.Write(data)
		return err
	}
	return recode(w, data, e, as)
}

// recode converts a tensor a few thousand elements at a time.
func recode(w io.Writer, data []byte, e formats.Entry, as tensor.DType) error {
	const chunk = 1 << 14 // whole blocks of every type
	wide := make([]float32, chunk)
	raw := make([]byte, as.Bytes(chunk))
	for n := e.Elems(); n > 0; {
		m := min(n, chunk)
		size := e.DType.Bytes(m)
		tensor.DecodeF32(wide[:m], data[:size], e.DType)
		tensor.EncodeF32(raw[:as.Bytes(m)], wide[:m], as)
		if _, err := w.Write(raw[:as.Bytes(m)]); err != nil {
			return err
		}
		data, n = data[size:], n-m
	}
	return nil
}

func (c *Checkpoint) writeCompanions(dir string) error {
	if c.GGUF != nil {
		return c.writeGGUFTokenizer(dir)
	}
	for _, pattern := range companions {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(c.Dir), pattern))
		if err != nil {
			return err
		}
		for _, p := range paths {
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
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file", from)
	}
	return atomicfile.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
