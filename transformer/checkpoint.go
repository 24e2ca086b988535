package transformer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/gguf"
	"lamina/formats/safetensors"
	"lamina/formats/torchbin"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
)

// Checkpoint is a model on disk, opened: its configuration and its tensors under
// the names transformers gives them, whatever the file calls them. The files
// stay mapped until Close; decoders made from it read frozen weights there.
type Checkpoint struct {
	Path   string // as given
	Dir    string // the directory, for the files beside the weights
	Config Config
	GGUF   *gguf.File // nil for a directory
	// Described says that the tensors are known by description, and their bytes are not
	// there: see [OpenDescription].
	Described bool

	source formats.Reader
	names  map[string]string // transformers' name → the file's
	faults map[string]error  // why a tensor that index or shards name is not there
	loaded []tensor.Tensor   // on devices, given back by Close
	mapped map[*byte]string  // the file's names of tensors that a host reads there, by where they begin
	copied []tensor.Memory   // of weights that were, given back by Close
}

// weightFiles are tried in this order, as transformers does.
var weightFiles = []struct {
	name string
	open func(string) (formats.Reader, error)
}{
	{"model.safetensors", func(p string) (formats.Reader, error) { return safetensors.Open(p) }},
	{"model.safetensors.index.json", safetensors.OpenIndex},
	{"pytorch_model.bin", func(p string) (formats.Reader, error) { return torchbin.Open(p) }},
	{"pytorch_model.bin.index.json", torchbin.OpenIndex},
}

// Open opens a Hugging Face directory or a .gguf file. Headers and shapes are
// checked; no weight is read.
func Open(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) { // whoever was replacing it may have been killed
		_ = files.Recover(path)
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: no such model (want a Hugging Face directory or a .gguf file)", path)
	}
	if !info.IsDir() {
		if filepath.Ext(path) != ".gguf" {
			return nil, fmt.Errorf("%s: not a model: give the directory that holds config.json, or a .gguf file", path)
		}
		return openGGUF(path)
	}
	c := &Checkpoint{Path: path, Dir: path, names: map[string]string{}}
	if err := c.readConfig(filepath.Join(path, "config.json")); err != nil {
		return nil, err
	}
	for _, f := range weightFiles {
		p := filepath.Join(path, f.name)
		if _, err := os.Stat(p); err != nil {
			continue
		}
		if c.source, err = f.open(p); err != nil {
			return nil, err
		}
		break
	}
	if c.source == nil {
		return nil, fmt.Errorf("%s: no weights: want model.safetensors or pytorch_model.bin, or their .index.json", path)
	}
	return c.named(c.Config.family().fullName)
}

// named gives the file's tensors the names that transformers has for them ("":
// left out) and checks them. It closes the files if that fails.
func (c *Checkpoint) named(hf func(name string) string) (*Checkpoint, error) {
	var wrong []string
	for name, err := range formats.Faults(c.source) {
		if c.faults == nil {
			c.faults = map[string]error{}
		}
		c.faults[hf(name)] = err
	}
	for _, name := range c.source.Names() {
		full := hf(name)
		if full == "" {
			continue
		}
		if first, again := c.names[full]; again {
			wrong = append(wrong, fmt.Sprintf("tensor %s stands there twice, as %s too", formats.Quote(name), formats.Quote(first)))
		}
		c.names[full] = name
	}
	wrong = append(wrong, c.spread()...)
	c.findShared(hf)
	if err := c.check(wrong); err != nil {
		c.source.Close()
		return nil, err
	}
	for name := range c.names { // nobody reads it, and nobody can write it
		if e, _ := c.Entry(name); e.DType == tensor.Invalid {
			delete(c.names, name)
		}
	}
	return c, nil
}

// headName is the head's weight in every family.
const headName = "lm_head.weight"

// findShared finds tensors that a file holds once for two names: under the name that
// safetensors' save_model kept and its metadata tell, and a tied embedding under the
// head's.
func (c *Checkpoint) findShared(hf func(name string) string) {
	if d, ok := c.source.(formats.Described); ok {
		for name, kept := range d.Metadata() {
			full := hf(name)
			if file, ok := c.names[hf(kept)]; ok && file == kept && full != "" && c.names[full] == "" {
				c.names[full] = kept
			}
		}
	}
	embedding := c.Config.family().embedding.tokens
	if head, ok := c.names[headName]; ok && c.Config.Tied && c.names[embedding] == "" {
		delete(c.names, headName)
		c.names[embedding] = head
	}
}

// maxSmallFile bounds configuration files read whole.
const maxSmallFile = 16 << 20

func readSmall(path string) ([]byte, error) {
	data, err := files.Read(path, maxSmallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: missing: a model directory needs it", path)
	}
	return data, err
}

// Close gives back the memory of what was loaded from the checkpoint and unmaps the
// files. Decoders made from it, and their clones, are invalid then.
func (c *Checkpoint) Close() error {
	for _, t := range c.loaded {
		t.Free()
	}
	for _, m := range c.copied {
		m.Free()
	}
	c.loaded, c.mapped, c.copied = nil, nil, nil
	return c.source.Close()
}

// Names returns transformers' names of all tensors, sorted.
func (c *Checkpoint) Names() []string {
	names := make([]string, 0, len(c.names))
	for n := range c.names {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Entry describes a tensor by transformers' name.
func (c *Checkpoint) Entry(name string) (formats.Entry, bool) {
	e, ok := c.source.Entry(c.names[name])
	e = c.Config.compact.asBlocks(c.names[name], e)
	e.Name = name
	return e, ok
}

// Stored counts the weights of all tensors by the name of their storage type.
func (c *Checkpoint) Stored() map[string]int {
	counts := map[string]int{}
	for name := range c.names {
		e, _ := c.Entry(name)
		counts[e.TypeName()] += e.Elems()
	}
	return counts
}

// Bytes returns what the tensors take as they are stored, and whether some are quantised in
// blocks.
func (c *Checkpoint) Bytes() (bytes int, quantised bool) {
	for name := range c.names {
		if e, _ := c.Entry(name); e.DType != tensor.Invalid {
			bytes += e.DType.Bytes(e.Elems())
			quantised = quantised || e.DType.IsBlock()
		}
	}
	return bytes, quantised
}

// Data returns a tensor's storage bytes, rows in transformers' order (the q and
// k of a GGUF file are un-permuted into memory of their own; all else is a view).
func (c *Checkpoint) Data(name string) ([]byte, error) {
	file, ok := c.names[name]
	if !ok {
		return nil, fmt.Errorf("%s: no tensor %s", c.Path, formats.Quote(name))
	}
	data, err := c.source.Bytes(file)
	if err != nil {
		return nil, err
	}
	if heads := c.permutedHeads(name); heads > 0 {
		e, _ := c.Entry(name)
		own := unpermute(data, e.Shape[0], heads)
		c.source.Release(file)
		return own, nil
	}
	return data, nil
}

// Warnings are what somebody who uses the model should know of its files, a line each.
func (c *Checkpoint) Warnings() []string {
	lines := make([]string, len(c.Config.Warnings))
	for i, w := range c.Config.Warnings {
		lines[i] = c.Path + ": " + w
	}
	return lines
}

// Files lists the files that the weights are read from.
func (c *Checkpoint) Files() []string {
	if c.GGUF != nil {
		return formats.Paths(c.GGUF.Reader)
	}
	return formats.Paths(c.source)
}

// Release hints that a tensor's pages of the file are not needed for now.
func (c *Checkpoint) Release(name string) { c.source.Release(c.names[name]) }

// check compares names and shapes with what the configuration asks for, without
// reading a weight, and reports all that is wrong: what was found before, and its own.
func (c *Checkpoint) check(wrong []string) error {
	s := &shapes{checkpoint: c, wrong: wrong}
	New(c.Config, s)
	var other []string
	for _, name := range c.Names() {
		switch {
		case s.used[name] || ignorable(c.Config, name):
		case ofOtherHead(name):
			other = append(other, name)
		default:
			s.wrong = append(s.wrong, fmt.Sprintf("tensor %s is not part of this model", formats.Quote(name)))
		}
	}
	if other != nil {
		c.Config.Warnings = append(c.Config.Warnings, fmt.Sprintf("tensor %s belongs to a head that does not predict tokens: it is not read", formats.Quote(other[0])))
	}
	return c.report(s.wrong)
}

func (c *Checkpoint) report(wrong []string) error {
	const shown = 4
	if len(wrong) == 0 {
		return nil
	}
	wrong = slices.Compact(wrong) // a shard that is missing is one fault
	text := strings.Join(wrong[:min(shown, len(wrong))], "; ")
	if n := len(wrong) - shown; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return fmt.Errorf("%s: does not fit its config: %s", c.Path, text)
}

// ignorable reports whether a tensor that the model does not read may be there all the
// same: buffers, and a copy of a tied head, which older checkpoints have.
func ignorable(c Config, name string) bool {
	unread := c.family().unread
	return unread != nil && unread(name) || c.Tied && name == headName
}

// ofOtherHead reports whether a tensor belongs to what classes of transformers, and trl's
// with a value head, put upon the same body to classify, score or find answers.
func ofOtherHead(name string) bool {
	return slices.ContainsFunc([]string{"score.", "classifier.", "qa_outputs.", "multiple_choice_head.", "v_head."}, func(head string) bool {
		return strings.HasPrefix(name, head)
	})
}

// shapes is a Source that gives no data and notes what does not fit.
type shapes struct {
	checkpoint *Checkpoint
	used       map[string]bool
	wrong      []string
}

func (s *shapes) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	if s.used == nil {
		s.used = map[string]bool{}
	}
	s.used[name] = true
	e, ok := s.checkpoint.Entry(name)
	fault := s.checkpoint.faults[name]
	switch {
	case !ok && fault != nil:
		s.wrong = append(s.wrong, fault.Error())
	case !ok:
		s.wrong = append(s.wrong, fmt.Sprintf("tensor %s is missing", formats.Quote(name)))
	case !e.DType.IsFloat():
		s.wrong = append(s.wrong, fmt.Sprintf("tensor %s has type %s, want F64, F32, F16, BF16, or of GGUF Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K (convert it)", formats.Quote(name), e.TypeName()))
	case !slices.Equal(e.Shape, shape):
		s.wrong = append(s.wrong, fmt.Sprintf("tensor %s has shape %v, want %v", formats.Quote(name), e.Shape, shape))
	}
	return &autograd.Parameter{Name: name}
}

// Decoder builds the model on dev with every weight frozen and as the file
// stores it. The weights stay on dev until the checkpoint is closed.
func (c *Checkpoint) Decoder(dev tensor.Device) (*Decoder, error) {
	s := &loader{checkpoint: c, dev: dev}
	d := New(c.Config, s)
	if s.err != nil {
		return nil, s.err
	}
	d.checkpoint = c
	return d, nil
}

// loader is a Source of frozen parameters on dev. After the first error it reads
// nothing more.
type loader struct {
	checkpoint *Checkpoint
	dev        tensor.Device
	err        error
}

func (l *loader) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	w := &autograd.Parameter{Name: name}
	if l.err == nil {
		w.Value, l.err = l.checkpoint.Tensor(l.dev, name)
	}
	return w
}

// loadedType returns the type that a tensor of the file has in memory: its own, but F32
// for biases and gains, a thousandth of the weights, and for F64, in which nothing
// computes but gradient checks.
func loadedType(e formats.Entry) tensor.DType {
	if len(e.Shape) == 1 || e.DType == tensor.F64 {
		return tensor.F32
	}
	return e.DType
}

// Tensor returns one tensor on dev, fixed ([tensor.Tensor.Fix]): on a host device a view of
// the file where alignment allows. It stays there until the checkpoint is closed. Not for
// concurrent use.
func (c *Checkpoint) Tensor(dev tensor.Device, name string) (tensor.Tensor, error) {
	e, ok := c.Entry(name)
	if !ok {
		return tensor.Tensor{}, fmt.Errorf("%s: no tensor %s", c.Path, formats.Quote(name))
	}
	data, err := c.Data(name)
	if err != nil {
		return tensor.Tensor{}, err
	}
	t, err := load(dev, e, data)
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("%s: tensor %s: %w", c.Path, formats.Quote(name), err)
	}
	c.noteMapped(t, data, name)
	t = t.Fix()
	c.loaded = append(c.loaded, t)
	return t, nil
}

// load puts a tensor's storage bytes on dev.
func load(dev tensor.Device, e formats.Entry, data []byte) (tensor.Tensor, error) {
	as := loadedType(e)
	if e.DType == tensor.F64 {
		wide := make([]float64, len(data)/8)
		copy(tensor.Bytes(wide), data)
		return tensor.FromFloats(dev, as, wide, e.Shape...)
	}
	if as != e.DType {
		wide := make([]float32, e.Shape[0])
		tensor.DecodeF32(wide, data, e.DType)
		return tensor.FromFloat32s(dev, as, wide, e.Shape...)
	}
	if size := e.DType.BlockBytes(); !e.DType.IsBlock() && len(data) > 0 && uintptr(unsafe.Pointer(&data[0]))%uintptr(size) != 0 {
		t, err := tensor.New(dev, e.DType, e.Shape...)
		if err == nil {
			t.SetRaw(data)
		}
		return t, err
	}
	return tensor.Wrap(dev, e.DType, data, e.Shape...)
}

var _ nn.Source = (*loader)(nil)
