package parcel_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/parcel"
	"lamina/internal/files/filestest"
	"lamina/kernels/ref"
)

// TestPackagesSurviveAnyOperation: the disk fails, and the power goes, at every operation on
// files of a package that is made, taken out and plugged in. What it left is whole or not
// there, and the same call again comes to the same bits: it is refused as done before only
// where it is done.
func TestPackagesSurviveAnyOperation(t *testing.T) {
	h := newHouses(t)
	emulator := h.open(filepath.Join(h.dir, "owner", "emulator"))
	opened := func(pkg string) *parcel.Package {
		p, err := parcel.Open(pkg, parcel.Trusting{})
		must(t, err)
		return p
	}
	sent, back := opened(h.emulator), opened(h.adapter)
	for _, c := range []struct {
		name         string
		ledger, list string            // where what is done is noted
		keep         map[string]string // copied to the directory, by what is called there
		// do is what is disturbed; noted says that the ledger calls it done.
		do func(dir, out string, overwrite, noted bool) (warnings []string, err error)
	}{
		{"package", "x.exchange.json", "sent", nil, func(dir, out string, overwrite, noted bool) ([]string, error) {
			if noted {
				return nil, nil // another would be the next of the exchange
			}
			_, err := parcel.PackEmulator(emulator, out, parcel.PackOptions{Date: onDate, Version: "v0", Ledger: filepath.Join(dir, "x.exchange.json"), Overwrite: overwrite})
			return nil, err
		}},
		{"unpack", "out.exchange.json", "accepted", nil, func(dir, out string, overwrite, noted bool) ([]string, error) {
			_, err := sent.Unpack(ref.New(), out, parcel.UnpackOptions{Overwrite: overwrite, Again: noted})
			return nil, err
		}},
		{"plug in", "x.exchange.json", "accepted", map[string]string{h.receipt: "x.receipt.json", strings.Replace(h.receipt, ".receipt.", ".exchange.", 1): "x.exchange.json"},
			func(dir, out string, overwrite, noted bool) ([]string, error) {
				done, err := back.PlugIn(context.Background(), h.full, out, parcel.PlugInOptions{Receipt: filepath.Join(dir, "x.receipt.json"), Overwrite: overwrite, Again: noted})
				return done.Warnings, err
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Log(filestest.Everywhere(t, filestest.Scenario{
				Step: 3, // bench/attack does so to lamina at each
				Before: func(dir string) error {
					for from, name := range c.keep {
						data, err := os.ReadFile(from)
						must(t, err)
						must(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
					}
					return nil
				},
				Run: func(dir string, _ func(int)) (from int, err error) {
					out := filepath.Join(dir, "out")
					_, missing := os.Stat(out)
					ledger, _ := os.ReadFile(filepath.Join(dir, c.ledger))
					noted := strings.Contains(string(ledger), `"`+c.list+`"`) && !strings.Contains(string(ledger), `"unfinished"`)
					if noted {
						must(t, missing)
						os.Remove(filepath.Join(dir, ".out.lock")) // as the next call would
					}
					warnings, err := c.do(dir, out, missing == nil, noted)
					if err == nil && len(warnings) > 0 {
						err = fmt.Errorf("%s", warnings[0])
					}
					return -1, err
				},
				Said: func(err error) error {
					if !strings.Contains(err.Error(), string(filepath.Separator)) {
						return fmt.Errorf("names no path: %w", err)
					}
					return nil
				},
			}))
		})
	}
}
