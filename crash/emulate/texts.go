package emulate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Texts says what an emulator was fitted on.
type Texts struct {
	SHA256 string `json:"sha256"` // of the rows: of each its length and its tokens, 32 bits each, the low byte first
	Rows   int    `json:"rows"`
	Tokens int    `json:"tokens"`
}

// textsOf describes rows of tokens.
func textsOf(rows [][]int32) *Texts {
	t := &Texts{Rows: len(rows)}
	h := sha256.New()
	for _, row := range rows {
		t.Tokens += len(row)
		data := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+4*len(row)), uint32(len(row)))
		for _, id := range row {
			data = binary.LittleEndian.AppendUint32(data, uint32(id))
		}
		h.Write(data)
	}
	t.SHA256 = hex.EncodeToString(h.Sum(nil))
	return t
}
