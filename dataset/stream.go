package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lamina/internal/files"
	"lamina/internal/foreign"
	"lamina/record"
)

// Limits of compressed files. Text packs to a tenth, repeated rows to a hundredth;
// gzip reaches 1/1032 with zeros, zstd any share.
const (
	freeOutput  = 64 << 20 // a file may grow to so many bytes whatever its own size
	outputRatio = 256      // beyond that, to so many times its size
	maxOutput   = 1 << 40

	// Bytes that zstd may look back, which it holds: 128 MiB is the most that its own
	// program uses, 8 MiB what it uses unless asked for more.
	freeWindow = 16 << 20
	maxWindow  = 128 << 20
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// stream is a file's text, decompressed if its first bytes say that it is packed.
type stream struct {
	*bufio.Reader
	packed bool
	close  func()
}

// openStream begins to read a file of size bytes whose name is name.
func openStream(file io.Reader, name string, size int64) (_ *stream, err error) {
	defer foreign.Recover(&err, "its decoder")
	in := &counter{r: file}
	head := bufio.NewReaderSize(in, 64<<10)
	first, err := head.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	s := &stream{Reader: head, close: func() {}}
	_, end := plainName(name)
	switch {
	case bytes.HasPrefix(first, gzipMagic):
		r, err := gzip.NewReader(head)
		if err != nil {
			return nil, fmt.Errorf("the gzip stream is cut or damaged: %w", err)
		}
		s.Reader = bufio.NewReader(&bounded{r: r, in: in, form: "gzip"})
		s.packed = true
	case bytes.HasPrefix(first, zstdMagic):
		window := min(maxWindow, freeWindow+size)
		r, err := zstd.NewReader(head, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(window)))
		if err != nil {
			return nil, fmt.Errorf("the zstd stream is cut or damaged: %w", err)
		}
		s.close = r.Close
		s.Reader = bufio.NewReader(&bounded{r: r, in: in, form: "zstd"})
		s.packed = true
	case end != "":
		return nil, fmt.Errorf("is named %s and holds no such stream (it begins with %q)", end, first)
	}
	return s, nil
}

// freeLine is how long a row of a packed file may be whatever the file's size; beyond
// that it may be as long as the whole file.
const freeLine = 2 << 20

// longest returns how many bytes a row of a file of size bytes may have. It is held whole
// as text and as values, and of a packed file it may be made of next to nothing.
func (s *stream) longest(size int64) int {
	if s.packed {
		return int(min(freeLine+size, record.MaxLine))
	}
	return record.MaxLine
}

// counter counts what is read of the file.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded ends a stream that decompresses to more than the limits allow, and says what
// is wrong with a damaged one.
type bounded struct {
	r    io.Reader
	in   *counter
	out  int64
	form string
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.decode(p)
	b.out += int64(n)
	switch {
	case b.out > maxOutput || b.out > freeOutput && b.out/outputRatio > b.in.n:
		return 0, fmt.Errorf("the %s stream grows to more than %d times its bytes: decompress the file yourself if it is right", b.form, outputRatio)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = fmt.Errorf("the zstd stream looks back further than a file of its size may: decompress it yourself if it is right")
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the %s stream is cut", b.form)
	case err != nil && err != io.EOF:
		err = fmt.Errorf("the %s stream is damaged: %w", b.form, err)
	}
	return n, err
}

// decode reads from the decoder, which is not ours: should it panic on a damaged
// stream, as one has, that is an error of the file.
func (b *bounded) decode(p []byte) (n int, err error) {
	defer foreign.Recover(&err, "its decoder")
	return b.r.Read(p)
}

// sniff tells the form of a file whose name does not, by its first bytes.
func sniff(path string) (form, error) {
	f, size, err := files.Open(path, files.Unlimited)
	if err != nil {
		return unknown, err
	}
	defer f.Close()
	s, err := openStream(f, "", size)
	if err != nil {
		return unknown, fmt.Errorf("%s: %w", path, err)
	}
	defer s.close()
	head, err := s.Peek(512)
	if err != nil && err != io.EOF {
		return unknown, fmt.Errorf("%s: %w", path, err)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(head) == 0:
		return unknown, fmt.Errorf("%s: the file is empty", path)
	case bytes.HasPrefix(head, []byte("PAR1")):
		return parquetForm, nil
	case bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")):
		return jsonForm, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unknown, fmt.Errorf("%s: a zip archive: unpack it and name the file or the directory", path)
	}
	return unknown, fmt.Errorf("%s: neither JSON lines, CSV, TSV nor Parquet by its name or its first bytes", path)
}
