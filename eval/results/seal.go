package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// What lamina writes says by what digests it is known, under keys of its own that the
// harness does not read: each file of samples, and the file of results itself, with zeros
// where its digest stands.
const (
	sumsKey = "samples_sha256"
	sealKey = "file_sha256"
)

var noSeal = strings.Repeat("0", hex.EncodedLen(sha256.Size))

// seal is how the digest of a file stands in it.
func seal(digest string) []byte { return []byte(`"` + sealKey + `": "` + digest + `"`) }

// sealed puts the digest of a file of results into it.
func sealed(text []byte) []byte {
	return bytes.Replace(text, seal(noSeal), seal(hash(string(text))), 1)
}

// checkSeal returns an error if a file of results is not as lamina wrote it. digest is
// what it says of itself, "" where the harness wrote it.
func checkSeal(text []byte, digest string) error {
	if digest == "" {
		return nil
	}
	if got := hash(string(bytes.Replace(text, seal(digest), seal(noSeal), 1))); got != digest {
		return fmt.Errorf("its SHA-256 is %.12s…, it says %.12q…: it was changed since lamina eval wrote it: score anew", got, digest)
	}
	return nil
}
