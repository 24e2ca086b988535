package parcel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/formats"
	"lamina/internal/files"
	"lamina/internal/strictjson"
	"lamina/tensor"
)

// Schema is the version of [Manifest] that this code writes, and the one that it reads.
const Schema = 1

// Kind says what a package carries.
type Kind string

// The kinds of packages: what goes to the data owner, and what comes back.
const (
	EmulatorKind Kind = "emulator"
	AdapterKind  Kind = "adapter"
)

// Manifest is manifest.json. A reader takes it only to the letter: as this code would
// write it again.
type Manifest struct {
	Schema   int    `json:"schema"`
	Kind     Kind   `json:"kind"`
	Exchange string `json:"exchange_id"` // 128 random bits in hexadecimal, drawn by emulate
	Sequence int    `json:"sequence"`    // of its sender's packages of this kind in this exchange, from 1
	Created  string `json:"created"`     // a date: 2026-11-28
	Lamina   string `json:"lamina"`      // version that wrote it

	Files   []File    `json:"files"`   // of payload/, by name
	Tensors string    `json:"tensors"` // digest of all tensors, see [TensorsDigest]
	Plan    plan.Plan `json:"plan"`

	Claims  map[string]string `json:"claims,omitempty"`  // what the sender says and nobody can check
	Licence string            `json:"licence,omitempty"` // its text, where the sender gave one

	Emulator *Emulator `json:"emulator,omitempty"` // of that kind
	Adapter  *Adapter  `json:"adapter,omitempty"`  // of that kind
}

// File is a file of payload/.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Slot is a tensor that trains at the data owner's and comes back: its name and shape in
// the full model.
type Slot struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

// Emulator is what the manifest of an emulator says of it. No digest of the full model is
// among it: with one its receiver could test which model it is.
type Emulator struct {
	Manifest  string `json:"manifest"`  // SHA-256 of payload/MANIFEST.json, by which an adapter names it
	Slots     []Slot `json:"slots"`     // what may come back
	Initial   string `json:"initial"`   // fingerprint of their values, from which training starts
	Config    string `json:"config"`    // SHA-256 of config.json
	Tokenizer string `json:"tokenizer"` // digest of the tokenizer's files, see [tokenizerDigest]; "": it has none
	Recipe    Recipe `json:"recipe"`
}

// Recipe says how an emulator was made of the full model, beside its plan.
type Recipe struct {
	Fits      []emulate.Fitted   `json:"fits,omitempty"`
	FittedOn  *emulate.Texts     `json:"fitted_on,omitempty"`
	Distilled *emulate.Distilled `json:"distilled,omitempty"`
	Repaired  *emulate.Distilled `json:"repaired,omitempty"` // how what trains was trained before
	Return    string             `json:"return,omitempty"`   // the form that the owner wants back
	Folded    bool               `json:"folded,omitempty"`
	Exact     float64            `json:"exact_share"` // of the model's weights that stand in it to the bit
}

// Adapter is what the manifest of an adapter says of it.
type Adapter struct {
	Parent   Parent  `json:"parent"`
	Base     string  `json:"base"`     // fingerprint of the weights before training
	Form     string  `json:"form"`     // of what comes back, as [exchange.Forms] has them
	Expected []Slot  `json:"expected"` // the tensors that it has
	Finite   bool    `json:"finite"`   // true: no NaN, no infinity
	Changes  []Moved `json:"changes"`  // how far training went, by block
}

// Parent says which emulator an adapter was trained in.
type Parent struct {
	Package  string `json:"package,omitempty"` // SHA-256 of the manifest.json it came with; "": it did not come as a package
	Emulator string `json:"emulator"`          // SHA-256 of its MANIFEST.json
}

// Moved is how far training took a block, in Euclidean norms over its weights.
type Moved struct {
	Layer int     `json:"layer"` // of the full model; -1: embeddings, last norm and head
	Delta float64 `json:"delta"` // ‖Δ‖
	Base  float64 `json:"base"`  // ‖T₀‖
}

// Bounds of a manifest. Real ones have some hundred files and some thousand tensors.
const (
	maxManifest   = 16 << 20
	maxFiles      = 10_000
	maxSlots      = 100_000
	maxClaims     = 64
	MaxLicence    = 256 << 10
	maxClaim      = 1024
	maxSequence   = 1_000_000_000
	manifestDepth = 16
)

var (
	hexDigest   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	fingerprint = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	claimName   = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)
)

// ParseManifest reads the bytes of a manifest.json; an error says what is wrong with
// which part of it.
func ParseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if len(data) > maxManifest {
		return m, fmt.Errorf("%d bytes, more than the %d that a manifest may have", len(data), maxManifest)
	}
	var first struct {
		Schema int `json:"schema"`
	}
	rules := strictjson.Rules{Depth: manifestDepth}
	if err := strictjson.Decode(data, rules, &first); err != nil {
		return m, err
	}
	if first.Schema != Schema {
		return m, fmt.Errorf("schema %d: this version reads %d: take a newer or an older lamina", first.Schema, Schema)
	}
	if err := strictjson.CheckFit(data, rules, &m, strictjson.Whole); err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, err
	}
	if err := m.check(); err != nil {
		return m, err
	}
	if canonical, err := files.JSON(m); err != nil || !bytes.Equal(canonical, data) {
		return m, fmt.Errorf("not as lamina writes it: it was changed: take a fresh copy")
	}
	return m, nil
}

// check returns an error that names the first part that cannot be.
func (m Manifest) check() error {
	created, err := time.Parse(time.DateOnly, m.Created)
	switch {
	case !emulate.IsExchange(m.Exchange):
		return fmt.Errorf("exchange_id %.40q: want 32 hexadecimal digits", m.Exchange)
	case m.Sequence < 1 || m.Sequence > maxSequence:
		return fmt.Errorf("sequence %d: want 1 to %d", m.Sequence, maxSequence)
	case err != nil || created.Format(time.DateOnly) != m.Created:
		return fmt.Errorf("created %.40q: want a date such as 2026-11-28", m.Created)
	case !printable(m.Lamina, 128) || m.Lamina == "":
		return fmt.Errorf("lamina %.128q: want the version that wrote it", m.Lamina)
	case !hexDigest.MatchString(m.Tensors):
		return fmt.Errorf("tensors %.70q: want a SHA-256", m.Tensors)
	case len(m.Plan) == 0:
		return fmt.Errorf("plan: has no place")
	case len(m.Licence) > MaxLicence:
		return fmt.Errorf("licence: %d bytes, more than %d", len(m.Licence), MaxLicence)
	}
	if err := m.checkFiles(); err != nil {
		return err
	}
	if err := m.checkClaims(); err != nil {
		return err
	}
	switch {
	case m.Kind == EmulatorKind && m.Emulator != nil && m.Adapter == nil:
		return m.checkEmulator()
	case m.Kind == AdapterKind && m.Adapter != nil && m.Emulator == nil:
		return m.checkAdapter()
	}
	return fmt.Errorf("kind %.32q: want %q or %q, and what it says under that name alone", m.Kind, EmulatorKind, AdapterKind)
}

func (m Manifest) checkFiles() error {
	if len(m.Files) == 0 || len(m.Files) > maxFiles {
		return fmt.Errorf("files: %d, want 1 to %d", len(m.Files), maxFiles)
	}
	names := make([]string, len(m.Files))
	for i, f := range m.Files {
		names[i] = f.Name
		switch {
		case f.Size < 0 || f.Size > maxFile:
			return fmt.Errorf("file %s: %d bytes, want 0 to %d", formats.Quote(f.Name), f.Size, int64(maxFile))
		case !hexDigest.MatchString(f.SHA256):
			return fmt.Errorf("file %s: sha256 %.70q: want 64 hexadecimal digits", formats.Quote(f.Name), f.SHA256)
		}
	}
	if err := checkNames(names); err != nil {
		return err
	}
	if !slices.IsSorted(names) {
		return fmt.Errorf("files: not sorted by name")
	}
	return nil
}

func (m Manifest) checkClaims() error {
	if len(m.Claims) > maxClaims {
		return fmt.Errorf("claims: %d, more than %d", len(m.Claims), maxClaims)
	}
	for name, v := range m.Claims {
		if !claimName.MatchString(name) || !printable(v, maxClaim) {
			return fmt.Errorf("claim %s: want a name of small letters, digits, . _ - and one line of at most %d bytes", formats.Quote(name), maxClaim)
		}
	}
	return nil
}

func (m Manifest) checkEmulator() error {
	e := m.Emulator
	inner := slices.IndexFunc(m.Files, func(f File) bool { return f.Name == files.Manifest })
	switch {
	case inner < 0 || m.Files[inner].SHA256 != e.Manifest:
		return fmt.Errorf("emulator: manifest %.70q is not the SHA-256 of %s among the files", e.Manifest, files.Manifest)
	case !fingerprint.MatchString(e.Initial):
		return fmt.Errorf("emulator: initial %.80q: want a fingerprint", e.Initial)
	case !hexDigest.MatchString(e.Config):
		return fmt.Errorf("emulator: config %.70q: want a SHA-256", e.Config)
	case e.Tokenizer != "" && !hexDigest.MatchString(e.Tokenizer):
		return fmt.Errorf("emulator: tokenizer %.70q: want a SHA-256", e.Tokenizer)
	}
	return checkSlots("emulator: slots", e.Slots)
}

func (m Manifest) checkAdapter() error {
	a := m.Adapter
	switch {
	case a.Parent.Package != "" && !hexDigest.MatchString(a.Parent.Package):
		return fmt.Errorf("adapter: parent package %.70q: want a SHA-256", a.Parent.Package)
	case !hexDigest.MatchString(a.Parent.Emulator):
		return fmt.Errorf("adapter: parent emulator %.70q: want a SHA-256", a.Parent.Emulator)
	case !fingerprint.MatchString(a.Base):
		return fmt.Errorf("adapter: base %.80q: want a fingerprint", a.Base)
	case !claimName.MatchString(a.Form):
		return fmt.Errorf("adapter: form %.70q: want the word of one", a.Form)
	case !a.Finite:
		return fmt.Errorf("adapter: finite: its sender does not say that all numbers are")
	}
	for _, c := range a.Changes {
		if !(c.Delta >= 0 && c.Base >= 0) || math.IsInf(c.Delta+c.Base, 0) || c.Layer < -1 {
			return fmt.Errorf("adapter: changes: layer %d: ‖Δ‖ %v and ‖T₀‖ %v", c.Layer, c.Delta, c.Base)
		}
	}
	return checkSlots("adapter: expected", a.Expected)
}

// checkSlots wants names that are sorted, each once, and shapes that can be.
func checkSlots(what string, slots []Slot) error {
	if len(slots) == 0 || len(slots) > maxSlots {
		return fmt.Errorf("%s: %d tensors, want 1 to %d", what, len(slots), maxSlots)
	}
	for i, s := range slots {
		d, ok := tensor.ParseDType(s.DType)
		switch {
		case !printable(s.Name, 1024) || s.Name == "":
			return fmt.Errorf("%s: the name %s", what, formats.Quote(s.Name))
		case i > 0 && slots[i-1].Name >= s.Name:
			return fmt.Errorf("%s: tensor %s comes twice, or not in order", what, formats.Quote(s.Name))
		case !ok || len(s.Shape) > formats.MaxRank:
			return fmt.Errorf("%s: tensor %s is %.32q of %d axes", what, formats.Quote(s.Name), s.DType, len(s.Shape))
		}
		if _, fits := formats.StorageBytes(s.Shape, d.BlockLen(), d.BlockBytes()); !fits {
			return fmt.Errorf("%s: tensor %s: no such shape: %v", what, formats.Quote(s.Name), s.Shape)
		}
	}
	return nil
}

// printable reports whether a text is one line of at most limit bytes, as people read it.
func printable(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// digestOf returns the SHA-256 of a manifest's bytes, by which others name its package.
func digestOf(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return hex.EncodeToString(sum[:])
}
