package exchange

import (
	"fmt"
	"path/filepath"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/internal/files"
	"lamina/internal/units"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// HandedOut is what an emulator came to at its owner's.
type HandedOut struct {
	emulate.Manifest
	Sent    Sent   `json:"sent"`
	Receipt string `json:"receipt"` // where it is kept

	storage string // what the model's weights take, and why the emulator's take more
	own     int    // places that are no layer as the family has it
}

// Emulate writes the emulator of a plan as [emulate.Export] does, and its receipt; share
// says how the plan's removed places were filled. The receipt is there first: an emulator
// without one could be sent, and what comes back of it not be held against anything.
func (m *Model) Emulate(p plan.Plan, share, out, receipt string, opt emulate.Options) (HandedOut, error) {
	e, err := emulate.New(m.Decoder, p)
	if err != nil {
		return HandedOut{Receipt: receipt}, err
	}
	return m.HandOut(e, share, out, receipt, opt)
}

// HandOut is Emulate for an emulator of the model that stands already, with the weights
// that it has now.
func (m *Model) HandOut(e *emulate.Emulator, share, out, receipt string, opt emulate.Options) (HandedOut, error) {
	h := HandedOut{Receipt: receipt}
	r := m.receipt(e.Plan, share, opt)
	r.Repaired = opt.Repaired
	opt.Ready = func(sent emulate.Manifest, digest string) error {
		r.Origin, r.Base = emulate.Origin{Exchange: sent.Exchange, Emulator: digest}, sent.Base
		if err := files.MkdirAll(filepath.Dir(receipt), 0o755); err != nil {
			return err
		}
		return files.WriteSealed(receipt, r)
	}
	var err error
	if h.Manifest, err = e.Export(m.Checkpoint, m.Decoder, out, opt); err != nil {
		return h, err
	}
	if h.own, err = own(e.Decoder); err != nil {
		return h, err
	}
	r.Unfinished = false
	if err := files.WriteSealed(receipt, r); err != nil {
		return h, err
	}
	weights, quantised := m.Bytes()
	h.storage = "the model's weights take " + units.Bytes(weights) + h.Storage(quantised, opt.Compact, opt.DType != tensor.Invalid, h.own == 0)
	h.Sent, err = NewSent(out)
	return h, err
}

// receipt returns what is known of an emulator before it is written.
func (m *Model) receipt(p plan.Plan, share string, opt emulate.Options) Receipt {
	r := Receipt{
		Format: receiptFormat, Kind: receiptKind, Model: m.Path, Weights: transformer.Fingerprint(m.Decoder.Params()),
		Plan: p, Share: share, Compact: opt.Compact, Unfinished: true,
	}
	if opt.DType != tensor.Invalid {
		r.DType = opt.DType.String()
	}
	for _, place := range p.TrainablePlaces() {
		r.Trained = append(r.Trained, Trained{place, p[place].Layer})
		for w := range nn.ParamsOf(m.Decoder.Blocks[p[place].Layer]) {
			r.Tensors = append(r.Tensors, Expected{w.Name, tensor.F32.String(), w.Value.Shape()})
		}
	}
	return r
}

// tells says what of data and of the layers left out is in the emulator.
func (h HandedOut) tells() string {
	fitted := emulate.GapNumbers(h.Fits) > 0
	switch {
	case h.Repaired != nil && fitted:
		return "of the layers left out and of the texts it has what fits and training made of its starred blocks and of its frozen part, and nothing else"
	case h.Repaired != nil:
		return "of the texts it has what training made of what it holds, and nothing of the layers left out"
	case h.Distilled != nil && fitted:
		return "of the layers left out and of the texts it has what fits and training made of its frozen part, and nothing else"
	case h.Distilled != nil:
		return "of the layers left out and of the texts it has what training made of its frozen part, and nothing else"
	case fitted:
		return "of the layers left out and of the support documents it has the numbers that were fitted to them, and nothing else"
	case h.FittedOn != nil:
		return "of the support documents it has what smaller layers were fitted to, and nothing of the layers left out"
	}
	return "nothing in it is of data or of the layers left out"
}

// Text shows it to the owner, in lines: what was written, what is to be sent and what is
// kept.
func (h HandedOut) Text() string {
	return fmt.Sprintf("wrote %s: %s", h.Sent.Path, h.Manifest.Text()) +
		fmt.Sprintf("send this directory: %s; %s; keep the rest: the model, the plan's similarities and data\n", h.Sent, h.tells()) +
		fmt.Sprintf("keep this file: %s; it says what may come back, and plug holds the adapter against it\n", h.Receipt) +
		h.storage + "\n" + h.readers()
}

// readers says who can read it, where that is lamina alone; "" for all.
func (h HandedOut) readers() string {
	if h.own == 0 {
		return ""
	}
	return fmt.Sprintf("lamina alone reads it, and transformers refuses it: %d of its places are no layers as the model's family has them; --fold writes the nearest form that is, if there is one\n", h.own)
}

// own counts the places of a decoder that are no layer as its family has it.
func own(d *transformer.Decoder) (n int, err error) {
	forms, err := d.Forms()
	for _, f := range forms {
		if !f.Plain() {
			n++
		}
	}
	return n, err
}
