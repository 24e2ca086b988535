package exchange

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer/peft"
)

// Form is a way to send back what training made of T.
type Form struct {
	Name string // in adapter.json, which says nothing of Weights
	Help string // what is sent, for the list of a command's help

	// Weights is the file with its tensors, in an adapter's directory. Others are those
	// that it has beside that, adapter.json and MANIFEST.json.
	Weights string
	Others  []string

	// Write writes these files to a directory.
	Write func(dir string, r Returned) error
	// Fits says what is wrong with the tensors of a file, by names, types and shapes, where
	// T is what is listed, by name.
	Fits func(file *safetensors.File, expected []Expected) (wrong []string)
	// Delta returns what is added to the tensor w of T₀, by an adapter whose tensors fit; nil
	// where nothing is, and layers stand beside T instead.
	Delta func(a *Adapter, w *autograd.Parameter) (Delta, error)

	// Kind is that of [peft.Kinds] which the files are of; "" for forms of T itself. Changes
	// reports whether an adapter may change a tensor of T; nil: all of them.
	Kind    string
	Changes func(a *Adapter, name string) bool

	// Replaces says that it has values of T after training: where T was repaired before it
	// was sent, the repair is among them.
	Replaces bool
	// Adds says that what is added to T does not depend on its values.
	Adds bool
}

// Returned is what training made of T.
type Returned struct {
	After  nn.Params
	Before []tensor.Tensor // values of T before, in the same order: T_r where its owner repaired it

	Attached *peft.Attached // of forms with a Kind, instead of both
}

// Forms are all that there are; the first is that of adapters which name none.
var Forms = append([]Form{Weights, DeltaForm}, peftForms()...)

// FormNamed returns the form of a name.
func FormNamed(name string) (Form, error) {
	for _, f := range Forms {
		if f.Name == name {
			return f, nil
		}
	}
	return Form{}, fmt.Errorf("form %.32q is unknown: want one of %s", name, strings.Join(FormNames(), ", "))
}

// FormNames returns the names of the forms.
func FormNames() []string {
	names := make([]string, len(Forms))
	for i, f := range Forms {
		names[i] = f.Name
	}
	return names
}

// String is the form as adapter.json has it.
func (f Form) String() string {
	if f.Name == Weights.Name {
		return ""
	}
	return f.Name
}

// files lists what an adapter's directory of the form has.
func (f Form) files() []string {
	return append([]string{adapterManifest, f.Weights}, f.Others...)
}

// fitsT is [Form.Fits] of a form whose tensors are those of T in F32, and some more of its
// own.
func fitsT(file *safetensors.File, expected []Expected, more ...string) (wrong []string) {
	listed := map[string]bool{}
	for _, name := range more {
		listed[name] = true
	}
	for _, x := range expected {
		listed[x.Name] = true
		e, ok := file.Entry(x.Name)
		switch {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("tensor %s is missing", formats.Quote(x.Name)))
		case e.DType.String() != x.DType || !slices.Equal(e.Shape, x.Shape):
			wrong = append(wrong, fmt.Sprintf("tensor %s is %s%v, want %s%v", formats.Quote(x.Name), e.DType, e.Shape, x.DType, x.Shape))
		}
	}
	for _, name := range file.Names() {
		if !listed[name] {
			wrong = append(wrong, fmt.Sprintf("tensor %s was not to be trained", formats.Quote(name)))
		}
	}
	return wrong
}

// expectedOf lists T.
func expectedOf(params nn.Params) (all []Expected) {
	for w := range params {
		all = append(all, Expected{w.Name, tensor.F32.String(), w.Value.Shape()})
	}
	return all
}

// writeTensors writes a file of tensors, of which write writes one.
func writeTensors(dir, name string, entries []formats.Entry, write func(name string, w io.Writer) error) error {
	return safetensors.Write(filepath.Join(dir, name), entries, map[string]string{"format": "pt"}, write)
}
