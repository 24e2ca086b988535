package parcel

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/internal/files"
	"lamina/tensor"
)

// PlugInOptions say what an adapter must come up to, and how the model is written.
type PlugInOptions struct {
	Receipt   string // that emulate kept; "": it is looked for here and beside the model
	DType     tensor.DType
	Overwrite bool // replaces a plugged model, and nothing else
	Again     bool // also one that was accepted before, or is older than one that was
	Force     bool // also one that went far, or that the gate refuses
	Undo      bool // keeps the way back beside the model: see [exchange.Unplug]
	Gate      Gate

	// Correct, if not nil, makes the owner's corrections of an adapter that came through
	// every check but the gate, which scores what comes of them.
	Correct func(*exchange.Adapter) error
}

// PluggedIn is an adapter that was accepted.
type PluggedIn struct {
	Out       string                  `json:"out"`
	Kept      bool                    `json:"kept,omitempty"` // Out is the adapter, beside the model: it cannot be merged
	Manifest  Manifest                `json:"manifest"`
	Signature Signature               `json:"signature"`
	Receipt   string                  `json:"receipt"`
	Ledger    string                  `json:"ledger"`
	Changes   []exchange.Change       `json:"changes"`
	Tensors   []exchange.TensorChange `json:"tensors"`
	Scores    *Scores                 `json:"scores,omitempty"` // none without rows to score
	Applied   exchange.Applied        `json:"applied"`
	Warnings  []string                `json:"warnings,omitempty"`
}

// acceptance is an adapter on its way into a model.
type acceptance struct {
	*Package
	full    *exchange.Model
	opt     PlugInOptions
	receipt *exchange.Receipt
	book    *Ledger
	adapter *exchange.Adapter
	done    PluggedIn
}

// PlugIn puts the adapter of a package into the full model and writes that as out, or the
// adapter itself where it cannot be merged with the model's weights. Before
// it is held against the receipt, the ledger beside that, and the model; then it is scored,
// where the gate has rows. Whatever is wrong, nothing is written, and the model full is as
// it was.
func (p *Package) PlugIn(ctx context.Context, full *exchange.Model, out string, opt PlugInOptions) (PluggedIn, error) {
	x := &acceptance{Package: p, full: full, opt: opt, done: PluggedIn{Out: out, Manifest: p.Manifest, Signature: p.Signature}}
	if err := x.checkOut(); err != nil {
		return x.done, err
	}
	if err := x.expected(); err != nil {
		return x.done, err
	}
	var err error
	if x.adapter, err = exchange.OpenAdapter(p.payload()); err != nil {
		return x.done, err
	}
	defer x.adapter.Close()
	for _, check := range []func() error{x.checkManifest, x.checkReceipt, x.checkTensors, x.checkScale} {
		if err := check(); err != nil {
			return x.done, err
		}
	}
	if err := x.gate(ctx); err != nil {
		return x.done, err
	}
	how := exchange.PlugOptions{DType: opt.DType, Overwrite: opt.Overwrite, Force: opt.Force, Undo: opt.Undo, Ready: x.note}
	if x.done.Kept {
		_, err = exchange.Keep(full.Decoder, x.adapter, out, how)
	} else {
		_, err = exchange.ExportPlugged(full.Checkpoint, full.Decoder, x.adapter, out, how)
	}
	x.done.Applied = x.adapter.Applied()
	if err == nil {
		x.noted(x.book.end(x.book.Accepted, x.Digest))
	}
	return x.done, err
}

// checkOut finds what can be said before anything is read: of what is to be written, and of
// the model.
func (x *acceptance) checkOut() error {
	if err := x.wantKind(AdapterKind); err != nil {
		return err
	}
	if err := x.full.Full("accept of an adapter"); err != nil {
		return err
	}
	kind := "plugged model"
	if form, err := exchange.FormNamed(x.Manifest.Adapter.Form); err == nil && form.Delta == nil {
		x.done.Kept, kind = true, string(AdapterKind)
		if x.opt.DType != tensor.Invalid {
			return fmt.Errorf("%s: what it has, %s, is kept beside the model's weights, which no storage type changes: leave out --dtype", x.Dir, form.Help)
		}
	}
	return files.Output{Path: x.done.Out, Kind: kind, Overwrite: x.opt.Overwrite}.Check()
}

// expected finds the receipt and the ledger of the package's exchange, and holds its
// manifest against them: nothing of payload/ is looked at.
func (x *acceptance) expected() (err error) {
	m := x.Manifest
	if x.opt.Receipt != "" {
		x.receipt, err = exchange.ReadReceipt(x.opt.Receipt)
	} else {
		x.receipt, err = exchange.FindReceipt(m.Exchange, ".", filepath.Dir(filepath.Clean(x.full.Path)))
	}
	switch {
	case err != nil:
		return err
	case x.receipt == nil:
		return fmt.Errorf("%s: of the exchange %.12s…, of which no *.receipt.json lies here or beside the model: --receipt FILE names what emulate kept", x.Dir, m.Exchange)
	case x.receipt.Exchange != m.Exchange:
		return fmt.Errorf("%s: of the exchange %.12s…, and the receipt %s is of %.12s…: it was trained in another emulator, or is an old one", x.Dir, m.Exchange, x.receipt.Path(), x.receipt.Exchange)
	}
	x.done.Receipt = x.receipt.Path()
	x.done.Ledger = strings.TrimSuffix(x.done.Receipt, ".receipt.json") + ledgerSuffix
	if x.book, err = openLedger(x.done.Ledger, emulate.Origin{Exchange: x.receipt.Exchange, Emulator: x.receipt.Emulator}); err != nil {
		return err
	}
	if err := x.checkParent(m.Adapter.Parent); err != nil {
		return err
	}
	if err := x.book.checkFresh(x.Package); err != nil && !x.opt.Again {
		return err
	}
	return nil
}

// checkParent wants the emulator that was sent, and the package that it was sent in.
func (x *acceptance) checkParent(of Parent) error {
	manifest := filepath.Join(x.Dir, manifestName)
	if of.Emulator != x.receipt.Emulator {
		return fmt.Errorf("%s: adapter: parent: trained in an emulator whose MANIFEST.json has SHA-256 %.12s…, and %.12s… was sent, by the receipt %s", manifest, of.Emulator, x.receipt.Emulator, x.receipt.Path())
	}
	sent := slices.ContainsFunc(x.book.Sent, func(p Passed) bool { return p.Kind == EmulatorKind })
	known := slices.ContainsFunc(x.book.Sent, func(p Passed) bool { return p.Kind == EmulatorKind && p.Manifest == of.Package })
	switch {
	case known || !sent && of.Package == "":
		return nil
	case of.Package == "":
		return fmt.Errorf("%s: adapter: parent: names no package, and the emulator was sent in one, by %s: have its sender make the package beside the emulator that accept wrote there", manifest, x.book.path)
	}
	return fmt.Errorf("%s: adapter: parent: trained in an emulator that came in the package %.12s…, which was not sent, by %s", manifest, of.Package, x.book.path)
}

// checkManifest holds what adapter.json says against the package's manifest.
func (x *acceptance) checkManifest() error {
	said, got := x.Manifest, x.adapter.Manifest
	for _, fact := range []struct{ what, got, want string }{
		{"exchange_id", got.Exchange, said.Exchange},
		{"adapter: parent: emulator", got.Emulator, said.Adapter.Parent.Emulator},
		{"plan", got.Plan.String(), said.Plan.String()},
		{"adapter: base", got.Base, said.Adapter.Base},
		{"adapter: form", x.adapter.Form.Name, said.Adapter.Form},
	} {
		if fact.got != fact.want {
			return x.differs(fact.what, fact.got, fact.want)
		}
	}
	return nil
}

// checkReceipt holds the adapter against the receipt, and refuses weights that were
// plugged in before in whatever package.
func (x *acceptance) checkReceipt() error {
	if err := x.receipt.Hold(x.adapter, x.full.Decoder); err != nil {
		return err
	}
	before := x.receipt.Before(x.adapter)
	if before != "" && !x.opt.Again && !x.book.cutShort(x.Package) {
		return fmt.Errorf("%s; --again plugs it in once more", before)
	}
	for _, line := range x.receipt.Warnings(x.adapter) {
		if line != before {
			x.done.Warnings = append(x.done.Warnings, line)
		}
	}
	return nil
}

// checkTensors holds the tensors against the manifest's list of them.
func (x *acceptance) checkTensors() error {
	all, err := x.Package.checkTensors()
	if err != nil {
		return err
	}
	if wrong := compareSlots(slotsOfTensors(all), x.Manifest.Adapter.Expected); wrong != nil {
		return fmt.Errorf("%s: adapter: expected: %s", filepath.Join(x.Dir, manifestName), joined(wrong))
	}
	return nil
}

// checkScale measures how far training went, and holds that against what the sender says
// and against what fine-tuning does; then it makes the owner's corrections.
func (x *acceptance) checkScale() error {
	if _, _, err := x.adapter.Plugged(x.full.Decoder); err != nil {
		return err
	}
	got, said := moved(x.adapter, x.full.Config), x.Manifest.Adapter
	if !agree(x.adapter.Form, x.receipt.Repaired != nil, said.Changes, got) {
		return x.differs("adapter: changes", got, said.Changes)
	}
	if err := x.checkChanges(); err != nil || x.opt.Correct == nil {
		return err
	}
	if err := x.opt.Correct(x.adapter); err != nil {
		return err
	}
	if _, _, err := x.adapter.Plugged(x.full.Decoder); err != nil {
		return err
	}
	return x.checkChanges()
}

// checkChanges notes how far the adapter goes as it is plugged in, and refuses what went
// further than fine-tuning does.
func (x *acceptance) checkChanges() error {
	x.done.Tensors, x.done.Changes = x.adapter.TensorChanges(), x.adapter.Changes(x.full.Config)
	if err := x.adapter.CheckChanges(x.done.Changes); err != nil && !x.opt.Force {
		return fmt.Errorf("%w; nothing was applied; --force plugs it in all the same", err)
	}
	return nil
}

// noted warns where the ledger could not be written.
func (x *acceptance) noted(err error) {
	if err != nil {
		x.done.Warnings = append(x.done.Warnings, fmt.Sprintf("that this package was accepted is not noted: %v", err))
	}
}

// note keeps that the adapter is plugged in, before the model has its name.
func (x *acceptance) note() {
	x.noted(x.book.begin(&x.book.Accepted, x.Manifest, x.Digest)) // first: of the receipt alone it would seem to come again
	x.done.Warnings = append(x.done.Warnings, x.receipt.Note(x.adapter)...)
}
