package dataset

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// broken panics where a decoder of somebody else's has a fault.
type broken struct{ after io.Reader }

func (b broken) Read(p []byte) (int, error) {
	if n, err := b.after.Read(p); err == nil {
		return n, nil
	}
	var none []byte
	return int(none[len(p)]), nil
}

// A panic of a decoder that we only use is an error that says which stream is damaged;
// what came before it is read.
func TestPanickingDecoderIsAnError(t *testing.T) {
	b := &bounded{r: broken{strings.NewReader("text")}, in: &counter{}, form: "zstd"}
	got, err := io.ReadAll(b)
	if string(got) != "text" || err == nil || !strings.Contains(err.Error(), "the zstd stream is damaged: its decoder gave up: runtime error: index out of range") {
		t.Errorf("read %q, error %v", got, err)
	}
}

// So is one while the stream's head is read.
func TestDecoderPanicsAtOnce(t *testing.T) {
	for _, begin := range []string{"\x1f\x8b\x08\x04", "\x28\xb5\x2f\xfd"} {
		s, err := openStream(broken{strings.NewReader(begin)}, "rows.jsonl", 0)
		if err == nil { // zstd reads its head with the first bytes
			_, err = io.ReadAll(s)
		}
		if err == nil || !strings.Contains(err.Error(), "its decoder gave up: runtime error: index out of range") {
			t.Errorf("%q: error %v", begin, err)
		}
	}
}

// Damaged zstd files are errors that name the file, whichever byte is wrong, unless
// nothing stands in it: then all rows are there, which the checksum of the stream says.
// v1.17.9 of the decoder panicked on some (GO-2026-6865).
func TestDamagedZstdIsAnError(t *testing.T) {
	row := []byte(`{"query": "What is it?", "choices": ["this", "that"], "gold": 1}` + "\n")
	var whole bytes.Buffer
	w, err := zstd.NewWriter(&whole, zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		t.Fatal(err)
	}
	const rows = 2000
	for i := range rows {
		w.Write(bytes.Replace(row, []byte("it"), bytes.Repeat([]byte{byte('a' + i%26)}, i%97), 1))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rows.jsonl.zst")
	for at := 4; at < whole.Len(); at += max(whole.Len()/60, 1) {
		bad := bytes.Clone(whole.Bytes())
		bad[at] ^= 0xFF
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		set, err := Open(path, Options{})
		read := 0
		if err == nil {
			for _, next := range set.Records() {
				if err = next; err != nil {
					break
				}
				read++
			}
		}
		if err != nil && !strings.Contains(err.Error(), path) || err == nil && read != rows {
			t.Errorf("byte %d of %d turned over: %d rows, error %v", at, whole.Len(), read, err)
		}
	}
}
