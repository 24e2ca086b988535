package parcel

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/exchange"
	"lamina/formats"
	"lamina/internal/files"
	"lamina/internal/units"
	"lamina/tensor"
)

// Report is everything that a package carries, looked at without applying it.
type Report struct {
	Dir       string        `json:"dir"`
	Bytes     int64         `json:"bytes"` // of payload/
	Files     []File        `json:"files"` // that lie in payload/; without digests where the manifest cannot be read
	Manifest  *Manifest     `json:"manifest,omitempty"`
	Digest    string        `json:"digest,omitempty"` // SHA-256 of manifest.json, by which an adapter names it as its parent
	Signature *Signature    `json:"signature,omitempty"`
	Tensors   []TensorStats `json:"tensors,omitempty"`
	Odd       []string      `json:"odd"`               // what a person should look at, in lines
	Refused   string        `json:"refused,omitempty"` // why accept takes it nowhere
}

// Inspect looks at a package as far as it can be read. The error is the first reason for
// which no house would accept it; what only one house can tell (the receipt, the base, the
// score) is not asked.
func Inspect(dir string, trusted Trusting) (Report, error) {
	r := Report{Dir: dir, Odd: []string{}}
	err := r.read(trusted)
	if err != nil {
		r.Refused = err.Error()
	}
	return r, err
}

func (r *Report) read(trusted Trusting) error {
	l, err := list(r.Dir)
	if err != nil {
		return err
	}
	r.Files = l.files
	for _, f := range l.files {
		r.Bytes += f.Size
	}
	if data, err := files.Read(filepath.Join(r.Dir, manifestName), maxManifest); err == nil {
		r.Digest = digestOf(data)
		if m, err := ParseManifest(data); err == nil {
			r.Manifest, r.Files = &m, m.Files
		}
	}
	p, err := Open(r.Dir, trusted)
	if err != nil {
		return err
	}
	r.Signature = &p.Signature
	r.Odd = append(r.Odd, p.Warnings()...)
	if r.Tensors, err = tensorsOf(p.payload(), p.Manifest.Files); err != nil {
		return err
	}
	r.look()
	_, err = p.checkTensors()
	return err
}

// odd values of a weight's root mean square: no trained model comes near either.
const (
	largeRMS = 100
	manyOdd  = 32
)

// look notes what is unusual.
func (r *Report) look() {
	say := func(format string, args ...any) {
		if len(r.Odd) < manyOdd {
			r.Odd = append(r.Odd, fmt.Sprintf(format, args...))
		}
	}
	for _, t := range r.Tensors {
		n := formats.Entry{Shape: t.Shape}.Elems()
		switch rms := t.Norm / math.Sqrt(float64(max(n, 1))); {
		case t.NaN+t.Inf > 0:
			say("tensor %s has %d NaN and %d infinite values", t.Slot, t.NaN, t.Inf)
		case rms > largeRMS:
			say("tensor %s has a root mean square of %.3g", t.Slot, rms)
		}
	}
	m := r.Manifest
	if m.Emulator != nil && m.Licence == "" && !hasLicence(m.Files) {
		say("no licence: neither the manifest nor a file says what may be done with it")
	}
	if m.Adapter != nil {
		for _, c := range m.Adapter.Changes {
			if c.Delta > exchange.MostChange*c.Base {
				say("%s: more of that block is new than was sent", c)
			}
		}
		if m.Adapter.Parent.Package == "" {
			say("names no package that its emulator came in")
		}
	}
}

// hasLicence reports whether a licence is among some files.
func hasLicence(all []File) bool {
	for _, f := range all {
		if name := strings.ToUpper(f.Name); strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE") {
			return true
		}
	}
	return false
}

// Text shows the report; "" where nothing could be looked at.
func (r Report) Text() string {
	if r.Files == nil { // nothing was seen: what is refused says so
		return ""
	}
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("%s: %d files, %s", r.Dir, len(r.Files), units.Bytes(int(r.Bytes)))
	for _, f := range r.Files {
		say("  %-40s %15s  %.16s", f.Name, units.Count(int(f.Size)), f.SHA256)
	}
	if m := r.Manifest; m != nil {
		b.WriteString(m.text())
		say("manifest.json %s", r.Digest)
	}
	if r.Signature != nil {
		say("signature: %s", r.Signature)
	}
	if len(r.Tensors) > 0 {
		say("tensors:")
	}
	for _, t := range r.Tensors {
		numbers := fmt.Sprintf("norm %.6g", t.Norm)
		if d, ok := tensor.ParseDType(t.DType); ok && !d.IsFloat() {
			numbers = "blocks of a quantised type, or whole numbers"
		}
		if t.NaN+t.Inf > 0 {
			numbers += fmt.Sprintf("  %d NaN, %d infinite", t.NaN, t.Inf)
		}
		say("  %-60s %s", t.Slot, numbers)
	}
	for _, line := range r.Odd {
		say("odd: %s", line)
	}
	if r.Refused != "" {
		say("would be refused: %s", r.Refused)
	}
	return b.String()
}

// text shows what a manifest says.
func (m Manifest) text() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("%s, sequence %d of the exchange %s, of %s, by lamina %s", m.Kind, m.Sequence, m.Exchange, m.Created, m.Lamina)
	say("plan: %s", m.Plan)
	if e := m.Emulator; e != nil {
		say("emulator %s: %.1f %% of the model's weights to the bit; trains %d tensors from %s", e.Manifest, 100*e.Recipe.Exact, len(e.Slots), e.Initial)
		for _, f := range e.Recipe.Fits {
			say("  %s", f)
		}
		if d := e.Recipe.Distilled; d != nil {
			say("  %s", d)
		}
	}
	if a := m.Adapter; a != nil {
		from := "in no package"
		if a.Parent.Package != "" {
			from = "in the package " + a.Parent.Package
		}
		say("adapter, %s, of the emulator %s, which came %s", a.Form, a.Parent.Emulator, from)
		for _, c := range a.Changes {
			say("  %s", c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Claims)) {
		say("claim: %s = %s (nobody can check it)", name, m.Claims[name])
	}
	if m.Licence != "" {
		say("licence, as its sender gave it:\n%s", indented(m.Licence))
	}
	return b.String()
}

// LicenceText returns what says what may be done with an emulator: the manifest's text, or
// which files of payload/ do.
func (m Manifest) LicenceText() string {
	if m.Licence != "" {
		return "licence, as its sender gave it:\n" + indented(m.Licence) + "\n"
	}
	var names []string
	for _, f := range m.Files {
		if hasLicence([]File{f}) {
			names = append(names, f.Name)
		}
	}
	if names == nil {
		return "no licence came with it: ask its sender what may be done with it\n"
	}
	return "its licence: " + strings.Join(names, ", ") + "\n"
}

// indented puts a text between the lines of others, without what moves a terminal's cursor.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if !printable(strings.ReplaceAll(line, "\t", " "), len(line)) {
			line = fmt.Sprintf("%q", line)
		}
		b.WriteString("  | " + line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
