package exchange

import (
	"fmt"
	"path/filepath"
	"slices"

	"lamina/internal/files"
	"lamina/transformer"
)

// NoReceipt is named instead of a receipt's file by who plugs in a run of his own, of which
// there is none, where receipts of the model lie.
const NoReceipt = "none"

// HoldAgainst holds an adapter against the receipt at named. Without a name it is looked
// for as *.receipt.json in the working directory, beside the model and beside the adapter:
// the one of the adapter's exchange. Where none is of that, but some are of the model full,
// the adapter is refused, since it may only have left the exchange out; with no receipt of
// the model at all, or with [NoReceipt], it returns nil, and the adapter's own word is all
// there is.
func (a *Adapter) HoldAgainst(named, model string, full *transformer.Decoder) (*Receipt, error) {
	if named == NoReceipt {
		return nil, nil
	}
	if named != "" {
		r, err := ReadReceipt(named)
		if err != nil {
			return nil, err
		}
		return r, r.Hold(a, full)
	}
	found, err := findReceipts(".", filepath.Dir(filepath.Clean(model)), filepath.Dir(filepath.Clean(a.named)))
	if err != nil {
		return nil, err
	}
	var held *Receipt
	for _, r := range found { // all of them agree, or a false one lies among them
		if r.Exchange == a.Manifest.Exchange {
			if err := r.Hold(a, full); err != nil {
				return nil, err
			}
			held = r
		}
	}
	if held != nil || len(found) == 0 {
		return held, nil
	}
	weights := transformer.Fingerprint(full.Params())
	for _, r := range found {
		if r.Weights == weights {
			return nil, a.strange(r)
		}
	}
	return nil, nil
}

// strange is the error of an adapter that no receipt is here of, where r is one of the
// model that it is for.
func (a *Adapter) strange(r *Receipt) error {
	if a.Manifest.Exchange == "" {
		return fmt.Errorf("%s: does not say that it was trained in an emulator, and the receipt %s is of one of this model: --receipt %s plugs in a run of your own on the full model; what somebody sent you says which emulator it is of, and without that is not to be trusted", a.Path, r.path, NoReceipt)
	}
	return fmt.Errorf("%s: was trained in an emulator whose receipt is not here (exchange %.12q…), and the receipt %s is of another of this model: --receipt FILE names the right one, --receipt %s takes its own word", a.Path, a.Manifest.Exchange, r.path, NoReceipt)
}

// findReceipts reads the receipts in directories, those of the first first.
func findReceipts(dirs ...string) (found []*Receipt, err error) {
	paths, err := files.Ending(receiptSuffix, dirs...)
	for _, path := range paths {
		r, err := ReadReceipt(path)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, err
}

// Hold returns an error that says what is wrong with an adapter for the emulator that the receipt is of, and
// for the model it is to be plugged into: another exchange, emulator, plan or model, and
// every tensor that is missing, too many or of another shape or type.
func (r *Receipt) Hold(a *Adapter, full *transformer.Decoder) error {
	m := a.Manifest
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if m.Exchange == "" {
		return fmt.Errorf("%s: names no exchange, and the receipt %s is of %q: it was not trained in the emulator that was sent", a.Path, r.path, r.Exchange)
	}
	if m.Exchange != r.Exchange {
		return fmt.Errorf("%s: of the exchange %.40q, and the receipt %s is of %q: it was trained in another emulator, or is an old one", a.Path, m.Exchange, r.path, r.Exchange)
	}
	if m.Emulator != r.Emulator {
		say("trained in an emulator whose MANIFEST.json has SHA-256 %.12q…, %.12q… was sent", m.Emulator, r.Emulator)
	}
	switch {
	case m.Whole:
		say("says that everything was trained, and the plan that was sent is %s", r.Plan)
	case m.Plan.String() != r.Plan.String():
		say("says that its plan is %.200q, and %s was sent", m.Plan.String(), r.Plan)
	}
	if m.Base != r.Base {
		say("says that it started from weights of fingerprint %.19q…, %.19q… were sent", m.Base, r.Base)
	}
	wrong = append(wrong, a.Form.Fits(a.file, r.Tensors)...)
	if len(wrong) > 0 {
		return fmt.Errorf("%s: not what the receipt %s expects, nothing was applied: %s", a.Path, r.path, joinSome(wrong))
	}
	if got := transformer.Fingerprint(full.Params()); got != r.Weights {
		return fmt.Errorf("%s: the receipt is of the model %.128q, whose weights have fingerprint %.19q…, and this model's have %.19q…", r.path, r.Model, r.Weights, got)
	}
	a.repaired = r.Repaired != nil
	return nil
}

// Path returns where the receipt was read; "" without one.
func (r *Receipt) Path() string {
	if r == nil {
		return ""
	}
	return r.path
}

// Held says in half a sentence that an adapter was held against the receipt.
func (r *Receipt) Held() string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf(", held against the receipt %s of %s", r.path, r.Model)
}

// Warnings tell that there is no receipt of an adapter, or that it was plugged in before.
func (r *Receipt) Warnings(a *Adapter) []string {
	if r == nil {
		return []string{fmt.Sprintf("%s: no receipt was held against it: that its plan and tensors are those that were sent is its own word; --receipt FILE names what emulate kept", a.Path)}
	}
	var warnings []string
	if r.Repaired != nil && a.Form.Replaces {
		warnings = append(warnings, fmt.Sprintf("%s: is of weights that were trained before they were sent (--train %s), to stand in the emulator: they are put in the place of the model's own as they are, that training included; a delta leaves it out", a.Path, r.Repaired.Train))
	}
	if before := r.Before(a); before != "" {
		warnings = append(warnings, before)
	}
	return warnings
}

// Before says that an adapter was plugged in before, whatever it came in; "" if not.
func (r *Receipt) Before(a *Adapter) string {
	digest, err := a.identity()
	if err != nil || !slices.Contains(r.PluggedIn, digest) {
		return ""
	}
	return fmt.Sprintf("%s: was plugged in before, by the receipt %s, or that was cut short: is it an old one that was sent again?", a.Path, r.path)
}

// Note keeps in the receipt that an adapter is plugged in, which is said before the model
// is there; where that cannot be written, it returns a warning.
func (r *Receipt) Note(a *Adapter) []string {
	if r == nil {
		return nil
	}
	digest, err := a.identity()
	if err == nil && !slices.Contains(r.PluggedIn, digest) {
		r.PluggedIn = append(r.PluggedIn, digest)
		err = files.WriteSealed(r.path, r)
	}
	if err != nil {
		return []string{fmt.Sprintf("that this adapter was plugged in is not noted: %v", err)}
	}
	return nil
}

// identity names an adapter by the fingerprint of its weights, so that the same ones in
// another package are known again; one of an earlier version by its MANIFEST.json.
func (a *Adapter) identity() (string, error) {
	if a.Manifest.Weights != "" {
		return a.Manifest.Weights, nil
	}
	return files.ManifestSum(a.Path)
}
