package parcel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/formats"
	"lamina/internal/files"
	"lamina/nn"
)

// PackOptions say how a package is made.
type PackOptions struct {
	Key       *SecretKey        // nil: it is not signed
	Claims    map[string]string // see [Manifest]
	Licence   string            // its text
	Ledger    string            // file that the package is noted in; "": see [PackEmulator] and [PackAdapter]
	Date      string            // 2026-11-28
	Version   string            // of lamina
	Overwrite bool              // replaces a package, and nothing else
}

// Packed is a package that was made.
type Packed struct {
	exchange.Sent          // with the files of payload/
	Manifest      Manifest `json:"manifest"`
	Digest        string   `json:"digest"` // SHA-256 of manifest.json
	Key           string   `json:"key_id,omitempty"`
	Ledger        string   `json:"ledger"`
}

// PackEmulator makes the package of an emulator that emulate wrote, as OpenModel opened
// it. It is noted in the ledger beside the emulator's directory, which says afterwards what
// an adapter may name as its parent.
func PackEmulator(m *exchange.Model, out string, opt PackOptions) (Packed, error) {
	if m.Emulator == nil {
		return Packed{}, fmt.Errorf("%s: is no emulator: name the directory that emulate wrote", m.Path)
	}
	if err := wantOrigin(m.Path, m.Emulator.Origin); err != nil {
		return Packed{}, err
	}
	if err := m.Manifest.Plan.WantStar(); err != nil {
		return Packed{}, err
	}
	k := &packing{opt: opt, from: m.Dir, out: out, ledger: opt.Ledger}
	if k.ledger == "" {
		k.ledger = LedgerFile(m.Dir)
	}
	return k.pack(m.Emulator.Origin, EmulatorKind, func(manifest *Manifest) error {
		manifest.Plan = m.Manifest.Plan
		manifest.Emulator = &Emulator{
			Manifest: m.Emulator.Origin.Emulator, Slots: slotsOf(m.Emulator.Params()), Initial: m.Manifest.Base,
			Config: digestOfFile(manifest.Files, "config.json"), Tokenizer: tokenizerDigest(manifest.Files), Recipe: recipeOf(m.Manifest),
		}
		return nil
	})
}

// PackAdapter makes the package of what finetune trained in an emulator: run is its
// directory, m the emulator, which says how far training went. The ledger is the one that
// lies beside the emulator, where Unpack keeps from which package it came.
func PackAdapter(run string, m *exchange.Model, out string, opt PackOptions) (Packed, error) {
	a, err := exchange.OpenAdapter(run)
	if err != nil {
		return Packed{}, err
	}
	defer a.Close()
	if err := wantOrigin(a.Path, a.Manifest.Origin); err != nil {
		return Packed{}, err
	}
	if m.Emulator == nil || m.Emulator.Origin != a.Manifest.Origin {
		return Packed{}, fmt.Errorf("%s: was trained in the emulator of the exchange %.12s…, and %s is another: name the one that it was trained in (--emulator)", a.Path, a.Manifest.Exchange, m.Path)
	}
	if err := a.ApplyTo(m.Backend, m.Emulator); err != nil {
		return Packed{}, err
	}
	k := &packing{opt: opt, from: a.Path, out: out, ledger: opt.Ledger}
	if k.ledger == "" {
		k.ledger = LedgerFile(m.Dir)
	}
	return k.pack(a.Manifest.Origin, AdapterKind, func(manifest *Manifest) error {
		manifest.Plan = a.Manifest.Plan
		manifest.Adapter = &Adapter{
			Parent: Parent{k.parent(), a.Manifest.Emulator}, Base: a.Manifest.Base, Form: a.Form.Name,
			Expected: slotsOfTensors(k.tensors), Finite: true, Changes: moved(a, m.Config),
		}
		return nil
	})
}

// wantOrigin refuses what was not handed out.
func wantOrigin(path string, o emulate.Origin) error {
	if o.Exchange == "" || o.Emulator == "" {
		return fmt.Errorf("%s: is of no exchange: a package carries an emulator that lamina emulate wrote, or what was trained in one (earlier versions wrote none: write the emulator again)", path)
	}
	return nil
}

// packing is a package that is being made.
type packing struct {
	opt     PackOptions
	from    string // the directory that is sent
	out     string
	ledger  string
	book    *Ledger
	tensors []TensorStats
}

// pack writes the package: payload/ first, of which each byte is hashed as it is copied,
// then the manifest that fill completes.
func (k *packing) pack(of emulate.Origin, kind Kind, fill func(*Manifest) error) (made Packed, err error) {
	all, err := listPayload(k.from)
	if err != nil {
		return made, err
	}
	if err := k.checkSource(kind, all); err != nil {
		return made, err
	}
	if k.book, err = openLedger(k.ledger, of); err != nil {
		return made, err
	}
	if err := k.checkOut(all); err != nil {
		return made, err
	}
	m := Manifest{Schema: Schema, Kind: kind, Exchange: of.Exchange, Sequence: 1 + highest(k.book.Sent, kind), Created: k.opt.Date, Lamina: k.opt.Version,
		Claims: k.opt.Claims, Licence: k.opt.Licence}
	to := files.Output{Path: k.out, Overwrite: k.opt.Overwrite}
	for _, f := range all {
		to.Bytes += f.Size
	}
	err = to.Write(func(tmp string) (err error) {
		payload := filepath.Join(tmp, payloadName)
		if err := files.MkdirAll(payload, 0o755); err != nil {
			return err
		}
		if m.Files, err = copyInto(payload, k.from, all); err != nil {
			return err
		}
		if k.tensors, err = tensorsOf(payload, m.Files); err != nil {
			return err
		}
		m.Tensors = TensorsDigest(k.tensors)
		if err := checkFinite(k.from, k.tensors); err != nil {
			return err
		}
		if err := fill(&m); err != nil {
			return err
		}
		data, err := files.JSON(m)
		if err == nil {
			_, err = ParseManifest(data) // what the other house would refuse is not written
		}
		if err != nil {
			return fmt.Errorf("%s: %w", k.out, err)
		}
		made.Digest = digestOf(data)
		if err := files.WriteBytes(filepath.Join(tmp, manifestName), data); err != nil {
			return err
		}
		if k.opt.Key != nil {
			made.Key = k.opt.Key.Public().ID()
			if err := files.WriteBytes(filepath.Join(tmp, signatureName), sign(k.opt.Key, data, m)); err != nil {
				return err
			}
		}
		return k.book.begin(&k.book.Sent, m, made.Digest)
	})
	if err == nil {
		err = k.book.end(k.book.Sent, made.Digest)
	}
	if err != nil {
		return made, err
	}
	made.Manifest, made.Ledger = m, k.ledger
	made.Sent = exchange.Sent{Path: k.out, Files: len(all) + 1, Bytes: to.Bytes}
	return made, nil
}

// checkSource refuses to send what the other house would not take, and what tells of this
// machine.
func (k *packing) checkSource(kind Kind, all []File) error {
	told, err := checkContent(k.from, kind, all)
	if err == nil && len(told) > 0 {
		err = fmt.Errorf("%s: take it out of the file, and of the model's if it was copied from there (lamina emulate writes the emulator again)", told[0])
	}
	return err
}

// checkOut wants a new directory, or one that holds a package and nothing else, outside of
// what is sent.
func (k *packing) checkOut(all []File) error {
	if within, err := filepath.Rel(k.from, k.out); err == nil && within != ".." && !strings.HasPrefix(within, ".."+string(filepath.Separator)) {
		return fmt.Errorf("%s: lies in %s, which is sent: choose another --out", k.out, k.from)
	}
	if _, err := os.Lstat(k.out); err != nil || !k.opt.Overwrite {
		return nil // files.Output says what is wrong
	}
	if _, err := list(k.out); err != nil {
		return fmt.Errorf("%w: it is not overwritten: choose another directory, or remove it first", err)
	}
	return nil
}

// parent returns the digest of the package that the emulator came in, the newest if there
// are several; "" where it did not come as one.
func (k *packing) parent() (digest string) {
	last := 0
	for _, p := range k.book.Accepted {
		if p.Kind == EmulatorKind && p.Sequence >= last {
			digest, last = p.Manifest, p.Sequence
		}
	}
	return digest
}

// copyInto copies files into an empty directory and returns them with the digests of what
// it wrote.
func copyInto(dir, from string, all []File) (copied []File, err error) {
	for _, f := range all {
		path := filepath.Join(from, f.Name)
		in, _, err := files.Open(path, maxFile)
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		n := int64(0)
		err = files.Write(filepath.Join(dir, f.Name), func(w io.Writer) (err error) {
			n, err = io.Copy(io.MultiWriter(w, h), in)
			return err
		})
		in.Close()
		if err != nil {
			return nil, err
		}
		if n != f.Size {
			return nil, fmt.Errorf("%s: changed while it was copied: call again", path)
		}
		copied = append(copied, File{f.Name, n, hex.EncodeToString(h.Sum(nil))})
	}
	return copied, nil
}

// slotsOf lists parameters by name as they come back: in F32.
func slotsOf(params nn.Params) (slots []Slot) {
	for w := range params {
		slots = append(slots, Slot{w.Name, "F32", w.Value.Shape()})
	}
	slices.SortFunc(slots, func(a, b Slot) int { return strings.Compare(a.Name, b.Name) })
	return slots
}

func slotsOfTensors(all []TensorStats) (slots []Slot) {
	for _, t := range all {
		slots = append(slots, t.Slot)
	}
	return slots
}

func recipeOf(m emulate.Manifest) Recipe {
	return Recipe{Fits: m.Fits, FittedOn: m.FittedOn, Distilled: m.Distilled, Repaired: m.Repaired, Return: m.Return, Folded: m.Folded, Exact: m.ExactShare}
}

// described says a slot in words.
func (s Slot) String() string { return fmt.Sprintf("%s %s%v", formats.Quote(s.Name), s.DType, s.Shape) }
