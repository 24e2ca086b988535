package transformer

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"lamina/autograd"
	"lamina/formats"
	"lamina/nn"
	"lamina/tensor"
)

// Save writes the decoder as it is now, what it has learned included, as a directory
// that transformers and [Open] load; opened again it computes the same logits. config.json
// (with as many layers as there are blocks), tokenizer and licence files are those of the
// checkpoint that the decoder was made from, which must still be open. A decoder that
// [New] made from new weights has a config.json alone, its Config.Raw.
//
// Weights that nobody changed keep the bytes of the file, but are F32 where that is
// quantised in blocks; what was trained is F32. For another type, or to replace a
// directory, there is [Decoder.Whole]. Trained weights are saved before
// [lamina/nn.Trained.Close] gives them back.
//
// Blocks that are not the family's layer but have a [Form] are written as what they are,
// under an architecture of our own that lamina alone reads. It is an error, which names the
// layer, if the decoder holds what has none: another layer in place of a linear one, a
// block of another kind.
func (d *Decoder) Save(out string) error {
	dir, err := d.Whole()
	if err != nil {
		return fmt.Errorf("%s: not saved: %w", out, err)
	}
	c := d.checkpoint
	if c == nil {
		c = &Checkpoint{Path: out, Config: d.Config, source: noFile{}}
	}
	return c.WriteDir(out, dir)
}

// Whole returns a Directory with every weight of the decoder as it is now, for
// [Checkpoint.WriteDir] of the checkpoint that it was made from. What it says of names,
// types and errors [Decoder.Save] says.
func (d *Decoder) Whole() (Directory, error) {
	if d.Config.Raw == nil {
		return Directory{}, fmt.Errorf("its configuration was not read from a config.json: make it with transformer.ParseConfig")
	}
	forms, err := d.wantWritable()
	if err != nil {
		return Directory{}, err
	}
	dir := Directory{Config: d.Config.RawWithLayers(len(d.Blocks)), Forms: forms}
	changed := false
	for _, w := range d.placed() {
		if err := w.Value.Err(); err != nil {
			return dir, fmt.Errorf("%s: %w", w.Name, err)
		}
		t := NamedTensor{Name: w.Name, From: w.from}
		same, err := d.checkpoint.has(w.from, w.Value)
		if err != nil {
			return dir, err
		}
		if !same {
			t.From, t.Value, changed = "", w.Value, true
		}
		dir.Tensors = append(dir.Tensors, t)
	}
	if changed {
		SetStorage(dir.Config, tensor.F32)
	}
	return dir, nil
}

// SetStorage lets a config.json that names a storage type, of F32, F16 and BF16, name
// another.
func SetStorage(config map[string]any, d tensor.DType) {
	for _, key := range []string{"torch_dtype", "dtype"} { // the second is what transformers 5 calls it
		if _, ok := config[key]; ok {
			config[key] = torchNames[d]
		}
	}
}

// placed is a weight under the name of the place where it stands.
type placed struct {
	*autograd.Parameter        // of the place's name
	from                string // its own name
}

// placed returns the weights of all places: those of a block that was moved, or stands at
// several, under the names of each place.
func (d *Decoder) placed() []placed {
	var all []placed
	add := func(name string, w *autograd.Parameter) {
		all = append(all, placed{&autograd.Parameter{Name: name, Value: w.Value}, w.Name})
	}
	for w := range nn.ParamsOf(d.Embed) {
		add(w.Name, w)
	}
	for i, b := range d.Blocks {
		for name, w := range d.Config.Stored(i, b) {
			add(name, w)
		}
	}
	rest := *d
	rest.Embed, rest.Blocks = noParts{}, nil
	for w := range nn.ParamsOf(&rest) {
		add(w.Name, w)
	}
	return all
}

// wantWritable returns the forms of the decoder's blocks, or an error unless a checkpoint
// of the family with places of these forms has just these weights, and computes with them
// what the decoder does.
func (d *Decoder) wantWritable() ([]Form, error) {
	forms, err := d.Forms()
	if err != nil {
		return nil, err
	}
	c := d.Config
	c.Layers, c.Forms = len(d.Blocks), forms
	if err := c.checkForms(); err != nil {
		return nil, err
	}
	same := c.Outline()
	if reflect.TypeOf(d.Embed) != reflect.TypeOf(same.Embed) {
		return nil, fmt.Errorf("the embedding is a %T, which no checkpoint of %s has", d.Embed, c.Family)
	}
	for i, b := range d.Blocks {
		if blockType(b) != blockType(same.Blocks[i]) {
			return nil, fmt.Errorf("block %d is a %v, which no checkpoint of %s has", i, blockType(b), c.Family)
		}
	}
	if d.Out != nil {
		if _, ok := d.Out.(*nn.Linear); !ok {
			return nil, fmt.Errorf("the projection to the head is a %T, which no checkpoint of %s has", d.Out, c.Family)
		}
	}
	if c.Tied && d.Head != d.Embed.TokenWeights() {
		return nil, fmt.Errorf("the head is no longer the embedding's table, and tie_word_embeddings says that it is")
	}
	return forms, d.wantWeights(same)
}

// blockType returns the type of a block, of a scaled one that of what is scaled.
func blockType(b Block) reflect.Type {
	if s, ok := b.(*Scaled); ok {
		b = s.Block
	}
	return reflect.TypeOf(b)
}

// wantWeights returns an error unless the decoder's weights are called and shaped as
// those of same.
func (d *Decoder) wantWeights(same *Decoder) error {
	want := map[string][]int{}
	for w := range same.Params() {
		want[w.Name] = w.Value.Shape()
	}
	for _, w := range d.placed() {
		shape, ok := want[w.Name]
		if !ok {
			return fmt.Errorf("weight %s is not part of a checkpoint of %s", formats.Quote(w.Name), d.Config.Family)
		}
		if !slices.Equal(shape, w.Value.Shape()) {
			return fmt.Errorf("weight %s has shape %v, a checkpoint of its config %v", formats.Quote(w.Name), w.Value.Shape(), shape)
		}
		if layer, _, ok := d.Config.SplitLayerName(w.from); ok && d.Config.ScaleByLayer && d.Config.LayerName(layer) != d.layerOf(w.Name) {
			return fmt.Errorf("weight %s is of another layer, and scale_attn_by_inverse_layer_idx would scale it as this one", formats.Quote(w.Name))
		}
		delete(want, w.Name)
	}
	for w := range same.Params() {
		if want[w.Name] != nil {
			return fmt.Errorf("weight %s, which a checkpoint of %s has, is not there", formats.Quote(w.Name), d.Config.Family)
		}
	}
	return nil
}

// layerOf returns what the name of a layer's tensor begins with.
func (d *Decoder) layerOf(name string) string {
	layer, _, _ := d.Config.SplitLayerName(name)
	return d.Config.LayerName(layer)
}

// has reports whether a tensor of the checkpoint has just these values. A nil checkpoint
// has none.
func (c *Checkpoint) has(name string, t tensor.Tensor) (bool, error) {
	if c == nil {
		return false, nil
	}
	e, ok := c.Entry(name)
	if !ok || !slices.Equal(e.Shape, t.Shape()) {
		return false, nil
	}
	data, err := c.Data(name)
	if err != nil {
		return false, err
	}
	defer c.Release(name)
	if t.DType() != loadedType(e) {
		return false, nil
	}
	if t.DType() != e.DType { // a vector
		was, err := load(t.Device(), e, data)
		if err != nil {
			return false, err
		}
		defer was.Free()
		data = was.Raw()
	}
	rest := unequal(data)
	_, err = t.WriteTo(&rest)
	return err == nil && len(rest) == 0, nil
}

// unequal is what bytes that are written to it are compared with: an error at the first
// that differs.
type unequal []byte

func (u *unequal) Write(p []byte) (int, error) {
	rest, ok := bytes.CutPrefix(*u, p)
	if !ok {
		return 0, errors.New("differs")
	}
	*u = rest
	return len(p), nil
}

// noParts stands where the embedding is left out of a list.
type noParts struct{ Embedding }

func (noParts) Parts(nn.Visitor) {}

// noFile is the file of a decoder that comes from none.
type noFile struct{}

func (noFile) Path() string                       { return "" }
func (noFile) Names() []string                    { return nil }
func (noFile) Entry(string) (formats.Entry, bool) { return formats.Entry{}, false }
func (noFile) Bytes(string) ([]byte, error)       { return nil, nil }
func (noFile) Release(string)                     {}
func (noFile) Close() error                       { return nil }
