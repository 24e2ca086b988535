package parcel

import (
	"fmt"
	"path/filepath"

	"lamina/internal/files"
)

// Package is a package that was opened: every byte of it is as its manifest says, and its
// signature, if there is one or one is asked for, is that of a pinned key.
type Package struct {
	Dir       string
	Manifest  Manifest
	Digest    string // SHA-256 of manifest.json
	Signature Signature
	Told      []string // what its settings tell of a machine, in lines
}

// Open checks a package as far as that goes without knowing what is done with it: names
// and kinds of files, sizes, signature, manifest, digests, and that nothing in it makes
// another program run code. No tensor is read.
func Open(dir string, trusted Trusting) (*Package, error) {
	l, err := list(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, manifestName)
	data, err := files.Read(path, maxManifest)
	if err != nil {
		return nil, err
	}
	var text []byte
	signature := filepath.Join(dir, signatureName)
	if l.signed {
		if text, err = files.Read(signature, maxSignature); err != nil {
			return nil, err
		}
	}
	p := &Package{Dir: dir, Digest: digestOf(data)}
	if p.Signature, err = checkSignature(signature, data, text, trusted); err != nil {
		return nil, err
	}
	if p.Manifest, err = ParseManifest(data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if s := p.Signature; s.State == Verified && s.Comment != p.Manifest.comment() {
		return nil, fmt.Errorf("%s: its trusted comment is %.200q, and the manifest is that of %q: it was signed for another package: take a fresh copy; who signs with minisign itself gives it -t and that text", signature, s.Comment, p.Manifest.comment())
	}
	if err := l.checkFiles(dir, p.Manifest); err != nil {
		return nil, err
	}
	p.Told, err = checkContent(p.payload(), p.Manifest.Kind, p.Manifest.Files)
	return p, err
}

// payload is where the emulator or the adapter lies.
func (p *Package) payload() string { return filepath.Join(p.Dir, payloadName) }

// wantKind returns an error unless the package is of a kind.
func (p *Package) wantKind(k Kind) error {
	if p.Manifest.Kind != k {
		return fmt.Errorf("%s: carries an %s, want an %s", p.Dir, p.Manifest.Kind, k)
	}
	return nil
}

// checkTensors holds the tensors of payload/ against the manifest: their digest, and that
// all are numbers.
func (p *Package) checkTensors() ([]TensorStats, error) {
	all, err := tensorsOf(p.payload(), p.Manifest.Files)
	if err != nil {
		return nil, err
	}
	if got := TensorsDigest(all); got != p.Manifest.Tensors {
		return nil, fmt.Errorf("%s: the tensors have the digest %.12s…, %s says %.12s…: one of the two was changed: take a fresh copy", p.payload(), got, manifestName, p.Manifest.Tensors)
	}
	return all, checkFinite(p.payload(), all)
}

// Warnings say, in lines, on what less than a pinned key the package is taken.
func (p *Package) Warnings() (lines []string) {
	switch p.Signature.State {
	case Unsigned:
		lines = append(lines, fmt.Sprintf("%s: is not signed, and no key is pinned: who sent it is its own word; --trust KEY.pub pins a key", p.Dir))
	case Unknown:
		lines = append(lines, fmt.Sprintf("%s: is signed by a key with the id %s, and no key is pinned: anybody may have signed it; --trust KEY.pub pins a key", p.Dir, p.Signature.KeyID))
	}
	return append(lines, p.Told...)
}
