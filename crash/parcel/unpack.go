package parcel

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/internal/files"
	"lamina/kernels"
	"lamina/transformer"
)

// UnpackOptions say how an emulator is taken out of its package.
type UnpackOptions struct {
	Overwrite bool // replaces an emulator, and nothing else
	Again     bool // also one that was accepted before, or is older than one that was
}

// Unpacked is an emulator that was taken out of its package.
type Unpacked struct {
	Out       string    `json:"out"`
	Manifest  Manifest  `json:"manifest"`
	Signature Signature `json:"signature"`
	Ledger    string    `json:"ledger"`
}

// Unpack writes the emulator of a package as the directory out, ready to be trained, and
// notes it in the ledger beside that. It was opened before and held against the manifest,
// and what is copied has the digests of what was opened.
func (p *Package) Unpack(be kernels.Backend, out string, opt UnpackOptions) (Unpacked, error) {
	done := Unpacked{Out: out, Manifest: p.Manifest, Signature: p.Signature, Ledger: LedgerFile(out)}
	if err := p.wantKind(EmulatorKind); err != nil {
		return done, err
	}
	to := files.Output{Path: out, Kind: string(EmulatorKind), Overwrite: opt.Overwrite}
	for _, f := range p.Manifest.Files {
		to.Bytes += f.Size
	}
	if err := to.Check(); err != nil {
		return done, err
	}
	book, err := p.emulatorLedger(done.Ledger, opt)
	if err != nil {
		return done, err
	}
	if err := p.checkEmulator(be); err != nil {
		return done, err
	}
	err = to.Write(func(tmp string) error {
		if err := p.copyPayload(tmp); err != nil {
			return err
		}
		return book.begin(&book.Accepted, p.Manifest, p.Digest)
	})
	if err == nil {
		err = book.end(book.Accepted, p.Digest)
	}
	return done, err
}

// copyPayload copies what was checked, and nothing else.
func (p *Package) copyPayload(to string) error {
	copied, err := copyInto(to, p.payload(), p.Manifest.Files)
	if err == nil && !slices.Equal(copied, p.Manifest.Files) {
		err = fmt.Errorf("%s: changed while it was copied: take a fresh copy", p.Dir)
	}
	return err
}

// emulatorLedger returns the ledger that the emulator will have, begun if need be. By that
// one and all of the exchange that lie beside it the package must be fresh.
func (p *Package) emulatorLedger(path string, opt UnpackOptions) (*Ledger, error) {
	of := emulate.Origin{Exchange: p.Manifest.Exchange, Emulator: p.Manifest.Emulator.Manifest}
	beside, err := ledgersIn(of.Exchange, filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for _, l := range beside {
		if err := l.checkFresh(p); err != nil && !opt.Again {
			return nil, err
		}
	}
	book, err := openLedger(path, of)
	if err != nil && opt.Overwrite { // of the emulator that is replaced
		if old, other := readLedger(path); other == nil && old.Origin != of {
			return &Ledger{Format: ledgerFormat, Kind: ledgerKind, Origin: of, path: path}, nil
		}
	}
	return book, err
}

// checkEmulator opens the emulator and holds it against the manifest.
func (p *Package) checkEmulator(be kernels.Backend) error {
	c, err := transformer.Open(p.payload())
	if err != nil {
		return emulate.Blame(p.payload(), err)
	}
	defer c.Close()
	m, err := exchange.OpenModel(c, be)
	if err != nil {
		return err
	}
	said, want := p.Manifest, p.Manifest.Emulator
	if m.Emulator == nil {
		return fmt.Errorf("%s: is no emulator: it has no lamina.json", p.payload())
	}
	for _, fact := range []struct {
		what      string
		got, want any
	}{
		{"exchange_id", m.Emulator.Origin.Exchange, said.Exchange},
		{"emulator: manifest", m.Emulator.Origin.Emulator, want.Manifest},
		{"plan", m.Manifest.Plan.String(), said.Plan.String()},
		{"emulator: initial", m.Manifest.Base, want.Initial},
		{"emulator: config", digestOfFile(said.Files, "config.json"), want.Config},
		{"emulator: tokenizer", tokenizerDigest(said.Files), want.Tokenizer},
		{"emulator: recipe", recipeOf(m.Manifest), want.Recipe},
	} {
		if !reflect.DeepEqual(fact.got, fact.want) {
			return p.differs(fact.what, fact.got, fact.want)
		}
	}
	if wrong := compareSlots(slotsOf(m.Emulator.Params()), want.Slots); wrong != nil {
		return fmt.Errorf("%s: emulator: slots are not those of its plan: %s", filepath.Join(p.Dir, manifestName), joined(wrong))
	}
	_, err = p.checkTensors()
	return err
}

// differs is the error of a manifest that says something else of payload/ than is so.
func (p *Package) differs(what string, got, want any) error {
	return fmt.Errorf("%s: %s is %.80q, and of payload/ it is %.80q: one of the two was changed: take a fresh copy", filepath.Join(p.Dir, manifestName), what, fmt.Sprint(want), fmt.Sprint(got))
}

// compareSlots says what is missing, too many or other than it should be.
func compareSlots(got, want []Slot) (wrong []string) {
	have := map[string]Slot{}
	for _, s := range got {
		have[s.Name] = s
	}
	for _, s := range want {
		switch g, ok := have[s.Name]; {
		case !ok:
			wrong = append(wrong, fmt.Sprintf("tensor %s is missing", s))
		case g.DType != s.DType || !slices.Equal(g.Shape, s.Shape):
			wrong = append(wrong, fmt.Sprintf("tensor %s, want %s", g, s))
		}
		delete(have, s.Name)
	}
	for _, s := range got {
		if _, extra := have[s.Name]; extra {
			wrong = append(wrong, fmt.Sprintf("tensor %s is too many", s))
		}
	}
	return wrong
}

// joined lists the first of many.
func joined(lines []string) string {
	const shown = 8
	text := ""
	for i, line := range lines[:min(shown, len(lines))] {
		if i > 0 {
			text += "; "
		}
		text += line
	}
	if n := len(lines) - shown; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}
