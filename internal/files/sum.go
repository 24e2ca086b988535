package files

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// sumBuffer is the most of a file that is held while it is hashed.
const sumBuffer = 256 << 10

// SHA256 returns the digest of a regular file in hexadecimal, and its size in bytes.
func SHA256(path string) (digest string, size int64, err error) {
	f, _, err := Open(path, Unlimited)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	if digest, size, err = Sum(sha256.New(), f); err != nil {
		return "", 0, fmt.Errorf("%s: %w", path, bare(err))
	}
	return digest, size, nil
}

// Sum reads r to its end into h and returns the digest in hexadecimal, and how many
// bytes r had.
func Sum(h hash.Hash, r io.Reader) (digest string, size int64, err error) {
	// Without the wrapper CopyBuffer would ask r to write itself, in pieces of its own.
	size, err = io.CopyBuffer(h, struct{ io.Reader }{r}, make([]byte, sumBuffer))
	return hex.EncodeToString(h.Sum(nil)), size, err
}
