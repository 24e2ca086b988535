package exchange

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/internal/files"
)

// A receipt is what the model owner keeps of an emulator that he handed out: what may
// come back, said by him and not by who sends it. It stays with him.

const (
	receiptKind   = "receipt"
	receiptFormat = 1

	// receiptSuffix ends the name of every receipt, by which they are found.
	receiptSuffix = ".receipt.json"
)

// Receipt is such a file.
type Receipt struct {
	Format int    `json:"format"` // 1
	Kind   string `json:"kind"`   // "receipt"
	emulate.Origin
	Model   string     `json:"model"`         // as its owner named it
	Weights string     `json:"model_weights"` // fingerprint of all of them; they never leave him
	Plan    plan.Plan  `json:"plan"`          // shared places filled in
	Share   string     `json:"share"`
	DType   string     `json:"dtype,omitempty"` // storage type of what is not trained, if chosen
	Compact bool       `json:"compact,omitempty"`
	Trained []Trained  `json:"trained"`
	Base    string     `json:"base"` // fingerprint of the trained weights before training
	Tensors []Expected `json:"tensors"`
	// Repaired says how T was trained before it was sent: Base is of that, not of the
	// model's own T. nil: it was not.
	Repaired  *emulate.Distilled `json:"repaired,omitempty"`
	PluggedIn []string           `json:"plugged_in,omitempty"` // what each adapter is known by, in order
	// Unfinished is set until the emulator has its name.
	Unfinished bool `json:"unfinished,omitempty"`

	path string
}

// Trained is a starred place of the emulator.
type Trained struct {
	Place int `json:"place"`
	Layer int `json:"layer"` // of the full model
}

// Expected is a tensor that comes back.
type Expected struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

// ReceiptFile is where the receipt of an emulator's directory is kept unless somebody names
// a place: beside it.
func ReceiptFile(emulator string) string { return filepath.Clean(emulator) + receiptSuffix }

// CheckReceipt returns an error if the receipt of an emulator cannot be kept at a path: it
// would travel with the emulator, or stands where another is. cut says that the emulator
// there is the work of a call that was killed before it could say so; it may be replaced.
func CheckReceipt(path, emulator string, overwrite bool) (cut bool, err error) {
	within, err := filepath.Rel(emulator, path)
	if err == nil && within != ".." && !strings.HasPrefix(within, ".."+string(filepath.Separator)) || files.Holds(emulator, path) {
		return false, fmt.Errorf("%s: the receipt is kept, and %s is sent: name a file outside of it", path, emulator)
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	r, err := ReadReceipt(path)
	switch {
	case err != nil:
		return false, fmt.Errorf("%w; it is not overwritten: --receipt FILE names another", err)
	case r.Unfinished:
		digest, err := files.ManifestSum(emulator)
		return err == nil && digest == r.Emulator, nil
	case !overwrite:
		return false, fmt.Errorf("%s: is the receipt of an emulator of %q with the plan %s that was handed out, and is needed when an adapter comes back: --receipt FILE names another place for the new one; or --overwrite replaces it, and what was trained in that emulator is refused then", path, fmt.Sprintf("%.128s", r.Model), r.Plan)
	}
	return false, nil
}

// ReadReceipt reads a receipt to the letter.
func ReadReceipt(path string) (*Receipt, error) {
	r := &Receipt{path: path}
	switch err := files.ReadSealed(path, files.Small, r); {
	case err != nil:
		return nil, fmt.Errorf("%w (want the receipt that emulate kept)", err)
	case r.Kind != receiptKind || r.Format != receiptFormat:
		return nil, fmt.Errorf("%s: kind %.32q format %d: this version reads receipts of format %d", path, r.Kind, r.Format, receiptFormat)
	case !emulate.IsExchange(r.Exchange):
		return nil, fmt.Errorf("%s: not as emulate wrote it: it was changed: take a fresh copy", path)
	}
	return r, nil
}
