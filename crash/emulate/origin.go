package emulate

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// Origin says which emulator something was made of.
type Origin struct {
	// Exchange names one handing out of an emulator: 128 random bits, in hexadecimal. No
	// number depends on it. "" for what was made of a full model, and for emulators of
	// earlier versions.
	Exchange string `json:"exchange,omitempty"`
	Emulator string `json:"emulator,omitempty"` // SHA-256 of the emulator's MANIFEST.json
}

// exchangeBytes is the length of an exchange's identity.
const exchangeBytes = 16

func newExchange() string {
	var id [exchangeBytes]byte
	rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// IsExchange reports whether a text has the form of an exchange's identity.
func IsExchange(id string) bool {
	return len(id) == 2*exchangeBytes && strings.Trim(id, "0123456789abcdef") == ""
}
