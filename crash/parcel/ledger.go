package parcel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lamina/crash/emulate"
	"lamina/internal/files"
)

// Ledger is what a house keeps of the packages of an exchange: which it sent, and which it
// accepted. By it a package that comes again is known, and an adapter that is of another
// emulator than was sent. It stays in its house, beside the emulator.
type Ledger struct {
	Format         int      `json:"format"` // 1
	Kind           string   `json:"kind"`   // "exchange"
	emulate.Origin          // of the emulator
	Sent           []Passed `json:"sent,omitempty"`
	Accepted       []Passed `json:"accepted,omitempty"`

	path string
}

// Passed is a package that went from one house to the other.
type Passed struct {
	Kind     Kind   `json:"kind"`
	Sequence int    `json:"sequence"`
	Manifest string `json:"manifest"` // SHA-256 of its manifest.json

	// Unfinished is said before what passes is there under its name: who is cut short can
	// do the same again.
	Unfinished bool `json:"unfinished,omitempty"`
}

const (
	ledgerKind   = "exchange"
	ledgerFormat = 1
	ledgerSuffix = ".exchange.json"
)

// LedgerFile is where the ledger of an emulator's directory is kept unless somebody names
// a place: beside it.
func LedgerFile(emulator string) string { return filepath.Clean(emulator) + ledgerSuffix }

// openLedger reads a ledger, or begins the one of an emulator where there is none.
func openLedger(path string, of emulate.Origin) (*Ledger, error) {
	l, err := readLedger(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Ledger{Format: ledgerFormat, Kind: ledgerKind, Origin: of, path: path}, nil
	case err != nil:
		return nil, err
	case l.Origin != of:
		return nil, fmt.Errorf("%s: is of another emulator, of the exchange %.12s…, and this one is of %.12s…: move it, or name another directory", path, l.Exchange, of.Exchange)
	}
	return l, nil
}

// readLedger reads a ledger to the letter.
func readLedger(path string) (*Ledger, error) {
	if _, err := os.Lstat(path); err != nil {
		return nil, err
	}
	l := &Ledger{path: path}
	switch err := files.ReadSealed(path, files.Small, l); {
	case err != nil:
		return nil, fmt.Errorf("%w (want what package and accept keep of an exchange)", err)
	case l.Kind != ledgerKind || l.Format != ledgerFormat || !emulate.IsExchange(l.Exchange):
		return nil, fmt.Errorf("%s: kind %.32q format %d: this version reads those of format %d", path, l.Kind, l.Format, ledgerFormat)
	}
	return l, nil
}

// ledgersIn reads the ledgers of directories that are of one exchange.
func ledgersIn(exchange string, dirs ...string) (found []*Ledger, err error) {
	paths, err := files.Ending(ledgerSuffix, dirs...)
	for _, path := range paths {
		l, err := readLedger(path)
		if err != nil {
			return nil, err
		}
		if l.Exchange == exchange {
			found = append(found, l)
		}
	}
	return found, err
}

// highest returns the largest sequence of a kind that has passed, 0 for none.
func highest(list []Passed, kind Kind) (n int) {
	for _, p := range list {
		if p.Kind == kind && !p.Unfinished {
			n = max(n, p.Sequence)
		}
	}
	return n
}

// checkFresh returns an error if a package was accepted before, or an older one after it.
func (l *Ledger) checkFresh(p *Package) error {
	for _, a := range l.Accepted {
		if a.Manifest == p.Digest && !a.Unfinished {
			return fmt.Errorf("%s: was accepted before, by %s: it came again; --again takes it once more", p.Dir, l.path)
		}
	}
	if last := highest(l.Accepted, p.Manifest.Kind); p.Manifest.Sequence <= last {
		return fmt.Errorf("%s: sequence %d, and %d of the same exchange was accepted, by %s: it is an older one; --again takes it all the same", p.Dir, p.Manifest.Sequence, last, l.path)
	}
	return nil
}

// begin keeps that a package is about to pass; end follows when it has.
func (l *Ledger) begin(list *[]Passed, m Manifest, digest string) error {
	p := Passed{m.Kind, m.Sequence, digest, false}
	if slices.Contains(*list, p) {
		return nil
	}
	p.Unfinished = true
	*list = append(slices.DeleteFunc(*list, func(a Passed) bool { return a.Unfinished && a.Kind == m.Kind }), p)
	return l.write()
}

// end keeps that what was begun has passed.
func (l *Ledger) end(list []Passed, digest string) error {
	for i, p := range list {
		if p.Unfinished && p.Manifest == digest {
			list[i].Unfinished = false
			return l.write()
		}
	}
	return nil
}

// cutShort reports whether the package was begun to be accepted, and no more is known.
func (l *Ledger) cutShort(p *Package) bool {
	return slices.ContainsFunc(l.Accepted, func(a Passed) bool { return a.Unfinished && a.Manifest == p.Digest })
}

func (l *Ledger) write() error {
	if err := files.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
		return err
	}
	return files.WriteSealed(l.path, l)
}
