package parcel

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/exchange"
)

// EmulatorOf finds the directory of the emulator that an adapter was trained in, by the
// ledgers here and beside the run; one that came as a package before others.
func EmulatorOf(run string) (string, error) {
	a, err := exchange.OpenAdapter(run)
	if err != nil {
		return "", err
	}
	defer a.Close()
	if err := wantOrigin(a.Path, a.Manifest.Origin); err != nil {
		return "", err
	}
	books, err := ledgersIn(a.Manifest.Exchange, ".", filepath.Dir(filepath.Clean(run)))
	if err != nil {
		return "", err
	}
	best := ""
	for _, l := range books {
		dir := strings.TrimSuffix(l.path, ledgerSuffix)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || l.Origin != a.Manifest.Origin {
			continue
		}
		if best == "" || slices.ContainsFunc(l.Accepted, func(p Passed) bool { return p.Kind == EmulatorKind }) {
			best = dir
		}
	}
	if best == "" {
		return "", fmt.Errorf("%s: the emulator that it was trained in is not found (no ledger *%s of its exchange lies here or beside the run): name it with --emulator", a.Path, ledgerSuffix)
	}
	if here, err := os.Getwd(); err == nil { // as people would name it
		if short, err := filepath.Rel(here, best); err == nil && len(short) < len(best) {
			best = short
		}
	}
	return best, nil
}
