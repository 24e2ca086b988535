package transformer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"lamina/autograd"
	"lamina/kernels/dry"
	"lamina/kernels/intercept"
	"lamina/nn"
)

// Below returns how many places at the start of the decoder nothing trains in, of what is
// given to train: the lowest place with a trained weight, or 0 where the embedding has one.
// The stream that enters it is made of frozen weights alone. It is an error if the decoder
// does not show one of the weights, so that nobody can say where it stands.
func (d *Decoder) Below(trained nn.Params) (places int, err error) {
	left := map[*autograd.Parameter]bool{}
	for w := range trained {
		left[w] = true
	}
	places = len(d.Blocks)
	take := func(m nn.Module, place int) {
		for w := range nn.ParamsOf(m) {
			if left[w] {
				places = min(places, place)
				delete(left, w)
			}
		}
	}
	take(d.Embed, 0)
	for place, b := range d.Blocks {
		take(b, place)
	}
	for w := range d.Params() { // final norm, projection, head
		delete(left, w)
	}
	for w := range left {
		return 0, fmt.Errorf("%s trains and is no weight of the decoder", w.Name)
	}
	return places, nil
}

// DropsBelow reports whether the embedding, or a block below a place, drops elements of the
// stream in training.
func (d *Decoder) DropsBelow(place int) bool {
	drops := false
	be := &dry.Backend{}
	be.Around = func(c intercept.Call) { drops = drops || c.Method == "Dropout" }
	p := autograd.NewPass(be)
	p.Dropout.P = 0.5
	d.ForwardBlocks(p, NewBatch([]int32{0}), autograd.Var{}, 0, place)
	return drops
}

// FingerprintBelow digests all that makes the stream which enters a place: the
// configuration, and of the embedding and each block below it the kind and the weights, as
// they are stored, in the order in which they run. Two decoders with the same fingerprint
// give every row of tokens the same bits there on one backend.
func (d *Decoder) FingerprintBelow(place int) (string, error) {
	h := sha256.New()
	c := d.Config
	c.Raw, c.Warnings = nil, nil
	fmt.Fprintf(h, "%+v\n", c)
	sums := map[*autograd.Parameter][]byte{} // a block may stand at several places
	add := func(m nn.Module) error {
		fmt.Fprintf(h, "%T\n", m)
		if s, ok := m.(*Scaled); ok {
			fmt.Fprintf(h, "%T times %v\n", s.Block, s.By)
		}
		for _, field := range nn.ProjectionsOf(m) {
			fmt.Fprintf(h, "%T\n", *field)
		}
		for w := range nn.ParamsOf(m) {
			if sums[w] == nil {
				one := sha256.New()
				if _, err := w.Value.WriteTo(one); err != nil {
					return fmt.Errorf("%s: %w", w.Name, err)
				}
				sums[w] = one.Sum(nil)
			}
			fmt.Fprintf(h, "%s %v %v %x\n", w.Name, w.Value.DType(), w.Value.Shape(), sums[w])
		}
		return nil
	}
	if err := add(d.Embed); err != nil {
		return "", err
	}
	for _, b := range d.Blocks[:place] {
		if err := add(b); err != nil {
			return "", err
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
