package files

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// What a sealed file ends with, around its digest.
const (
	sealBegin = ",\n  \"sha256\": \""
	sealEnd   = "\"\n}\n"
)

// WriteSealed writes v, which is an object with members, as [WriteJSON] does, and one
// member more: "sha256", the digest of the file without it.
func WriteSealed(path string, v any) error {
	data, err := JSON(v)
	if err != nil {
		return err
	}
	text := fmt.Appendf(bytes.TrimSuffix(data, []byte("\n}\n")), "%s%x%s", sealBegin, sha256.Sum256(data), sealEnd)
	return WriteBytes(path, text)
}

// ReadSealed reads what WriteSealed wrote into v; a file that was changed since is an
// error, and so is one of more than limit bytes. One that WriteJSON wrote, without a
// digest, is read as [ReadJSON] reads it.
func ReadSealed(path string, limit int64, v any) error {
	data, err := Read(path, limit)
	if err != nil {
		return err
	}
	if at := len(data) - len(sealBegin) - 2*sha256.Size - len(sealEnd); at > 0 && bytes.HasPrefix(data[at:], []byte(sealBegin)) {
		sum := data[at+len(sealBegin):]
		data = append(bytes.Clone(data[:at]), "\n}\n"...)
		if want := fmt.Appendf(nil, "%x%s", sha256.Sum256(data), sealEnd); !bytes.Equal(sum, want) {
			return fmt.Errorf("%s: not as it was written, by the SHA-256 at its end: it was changed: put back a copy", path)
		}
	}
	return decodeJSON(path, data, v)
}
