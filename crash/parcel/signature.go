package parcel

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"aead.dev/minisign"
)

// Signatures and keys are files of minisign (https://jedisct1.github.io/minisign): ed25519
// over the BLAKE2b-512 of manifest.json, or over its bytes as minisign's -l has it, and
// once more over that signature and the trusted comment.

// maxSignature is the most bytes that a signature's or a key's file may have; real ones
// have some three hundred.
const maxSignature = 4096

// SignatureState says what is known of who sent a package.
type SignatureState string

// The states of a signature.
const (
	Unsigned SignatureState = "unsigned"
	Unknown  SignatureState = "signed by a key that is not pinned here" // so that anybody may have made it
	Verified SignatureState = "signed"
)

// Signature is what a package's signature says.
type Signature struct {
	State   SignatureState `json:"state"`
	House   string         `json:"house,omitempty"`   // whose pinned key it is, where Verified
	KeyID   string         `json:"key_id,omitempty"`  // a hint: anybody can write any
	Comment string         `json:"comment,omitempty"` // the trusted one, signed too, where Verified
}

// String says it in half a sentence.
func (s Signature) String() string {
	switch s.State {
	case Verified:
		return fmt.Sprintf("signed by %s (key %s): %s", s.House, s.KeyID, s.Comment)
	case Unknown:
		return fmt.Sprintf("%s (id %s)", s.State, s.KeyID)
	}
	return string(s.State)
}

// sign returns the signature of a manifest's bytes, which also binds kind, exchange and
// sequence in words that minisign shows.
func sign(key *SecretKey, manifest []byte, m Manifest) []byte {
	r := minisign.NewReader(bytes.NewReader(manifest))
	if _, err := io.Copy(io.Discard, r); err != nil {
		panic(err) // bytes in memory end without one
	}
	return r.SignWithComments(key.key, m.comment(), "lamina package")
}

// comment is the trusted comment of a manifest's signature.
func (m Manifest) comment() string {
	return fmt.Sprintf("lamina %s exchange=%s sequence=%d", m.Kind, m.Exchange, m.Sequence)
}

// checkSignature holds the signature's bytes in text (nil: there is no file) against those
// of the manifest: the key must be among those pinned, if there are any. Kind, exchange and
// sequence of the comment are compared once the manifest is read.
func checkSignature(path string, manifest, text []byte, trusted Trusting) (Signature, error) {
	if text == nil {
		if len(trusted.Keys) > 0 {
			return Signature{}, fmt.Errorf("%s: missing, and keys are pinned (%s): this package is not signed: have its sender sign it (lamina package --key), or take its own word (--trust none)", path, trusted.names())
		}
		return Signature{State: Unsigned}, nil
	}
	var s minisign.Signature
	err := s.UnmarshalText(text)
	if err == nil {
		// To the letter: base64 has several texts for some bytes, and a line may end in several ways.
		if canonical, _ := s.MarshalText(); !bytes.Equal(canonical, text) {
			err = fmt.Errorf("not as minisign writes it")
		}
	}
	if err != nil {
		return Signature{}, fmt.Errorf("%s: no signature of minisign: %s: take a fresh copy", path, strings.TrimPrefix(err.Error(), "minisign: "))
	}
	said := Signature{State: Unknown, KeyID: keyID(s.KeyID)}
	if len(trusted.Keys) == 0 {
		return said, nil
	}
	known := false
	for _, k := range trusted.Keys {
		if minisign.Verify(k.Key.key, manifest, text) {
			return Signature{Verified, k.House, said.KeyID, s.TrustedComment}, nil
		}
		known = known || k.Key.key.ID() == s.KeyID
	}
	if known {
		return Signature{}, fmt.Errorf("%s: the signature is not that of %s by the pinned key with the id %s: one of the two was changed, or somebody else signed: take a fresh copy", path, filepath.Base(strings.TrimSuffix(path, signatureSuffix)), said.KeyID)
	}
	return Signature{}, fmt.Errorf("%s: signed by a key with the id %s, and the pinned keys are others (%s): ask its sender for the public key by a way that nobody else can write to, and pin it", path, said.KeyID, trusted.names())
}

// keyID writes the id of a key as minisign does.
func keyID(id uint64) string { return fmt.Sprintf("%016X", id) }
