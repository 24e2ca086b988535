// Package tfevents writes and reads the event files that TensorBoard shows, of scalars
// alone:
//
//	w, err := tfevents.Open("logs/events.out.tfevents.1", func(tfevents.Event) bool { return true })
//	err = w.Add(12, time.Now(), []tfevents.Scalar{{Tag: "train/loss", Value: 1.5}})
//	err = w.Close()
//
// A file is records of TFRecord: length (8 bytes, little-endian), its masked CRC-32C, the
// bytes, their masked CRC-32C; mask(c) = rotr(c, 15) + 0xa282ead8. Each holds a message
// tensorflow.Event: wall_time = 1 (double), step = 2, file_version = 3 ("brain.Event:2", of
// the first record alone), summary = 5, of values = 1 with tag = 1 and simple_value = 2
// (float). There is no maintained writer of it for Go; docs/dependencies.md has what was
// looked at.
//
// Invariants: a file that was cut is gone on with behind its last whole record; nothing of a
// damaged one is taken for a number.
package tfevents

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"lamina/internal/files"
)

// Scalar is a number with its name; the file has it in 32 bits.
type Scalar struct {
	Tag   string
	Value float64
}

// Event is a record of scalars.
type Event struct {
	Step    int64
	Time    time.Time
	Scalars []Scalar
}

const (
	version   = "brain.Event:2"
	maxRecord = 1 << 20 // bytes of a record; ours have some hundred
	maxFile   = 64 << 30
)

// Writer adds records to a file.
type Writer struct{ f *files.File }

// Open makes a file, or opens one to be gone on with: what is cut at its end is dropped, and
// so is the first event that keep does not name with all behind it. A file that holds
// something else is an error.
func Open(path string, keep func(Event) bool) (*Writer, error) {
	f, err := files.OpenOwn(path, maxFile)
	if err != nil {
		return nil, err
	}
	w := &Writer{f}
	if err := w.begin(keep); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

// errDrop ends a scan before an event that is not kept.
var errDrop = errors.New("dropped")

// begin goes behind the last record that is kept, or writes the first.
func (w *Writer) begin(keep func(Event) bool) error {
	if err := files.TryLock(w.f); err != nil {
		return fmt.Errorf("another process writes there: %w", err)
	}
	end, err := scan(w.f, func(e Event) error {
		if !keep(e) {
			return errDrop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDrop) {
		return err
	}
	if err := w.f.Truncate(end); err != nil {
		return err
	}
	if _, err := w.f.Seek(end, io.SeekStart); err != nil || end > 0 {
		return err
	}
	var b []byte
	b = wallTime(b, time.Now())
	b = protowire.AppendTag(b, 3, protowire.BytesType)
	return w.record(protowire.AppendString(b, version))
}

// Add writes a record.
func (w *Writer) Add(step int64, at time.Time, scalars []Scalar) error {
	var summary []byte
	for _, s := range scalars {
		var v []byte
		v = protowire.AppendTag(v, 1, protowire.BytesType)
		v = protowire.AppendString(v, s.Tag)
		v = protowire.AppendTag(v, 2, protowire.Fixed32Type)
		v = protowire.AppendFixed32(v, math.Float32bits(float32(s.Value)))
		summary = protowire.AppendTag(summary, 1, protowire.BytesType)
		summary = protowire.AppendBytes(summary, v)
	}
	var b []byte
	b = wallTime(b, at)
	b = protowire.AppendTag(b, 2, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(step))
	b = protowire.AppendTag(b, 5, protowire.BytesType)
	return w.record(protowire.AppendBytes(b, summary))
}

// Sync syncs the file.
func (w *Writer) Sync() error {
	if err := w.f.Sync(); err != nil {
		return fmt.Errorf("%s: %w", w.f.Name(), err)
	}
	return nil
}

// Close closes the file.
func (w *Writer) Close() error { return w.f.Close() }

func wallTime(b []byte, at time.Time) []byte {
	b = protowire.AppendTag(b, 1, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, math.Float64bits(float64(at.UnixNano())/1e9))
}

// record writes a message with its frame, in one call.
func (w *Writer) record(message []byte) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(message)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, message...)
	b = binary.LittleEndian.AppendUint32(b, masked(message))
	if _, err := w.f.Write(b); err != nil {
		return fmt.Errorf("%s: %w", w.f.Name(), err)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// Read passes on the events of a file in order, up to what is cut at its end.
func Read(path string, yield func(Event) error) error {
	f, _, err := files.Open(path, maxFile)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := scan(f, yield); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// scan walks the records and returns where the last whole one ends.
func scan(f io.Reader, yield func(Event) error) (end int64, err error) {
	r := bufio.NewReader(f)
	for first := true; ; first = false {
		message, err := next(r)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return end, nil
		}
		if err != nil {
			return end, fmt.Errorf("byte %d: %w: no event file, or a damaged one: name another", end, err)
		}
		e, said, err := parse(message)
		if err == nil && first && said != version {
			err = fmt.Errorf("version %.32q, want %q", said, version)
		}
		if err != nil {
			return end, fmt.Errorf("byte %d: %w", end, err)
		}
		if !first && yield != nil {
			if err := yield(e); err != nil {
				return end, err
			}
		}
		end += int64(len(message)) + 16
	}
}

// next reads a record.
func next(r io.Reader) ([]byte, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(head[:8])
	if masked(head[:8]) != binary.LittleEndian.Uint32(head[8:]) || n > maxRecord {
		return nil, fmt.Errorf("a record whose length is not as it was written")
	}
	body := make([]byte, n+4)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if masked(body[:n]) != binary.LittleEndian.Uint32(body[n:]) {
		return nil, fmt.Errorf("a record that is not as it was written")
	}
	return body[:n], nil
}
