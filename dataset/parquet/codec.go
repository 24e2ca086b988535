package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"lamina/internal/foreign"
)

// Codecs of parquet.thrift.
const (
	codecPlain  = 0
	codecSnappy = 1
	codecGzip   = 2
	codecBrotli = 4
	codecLZ4    = 5
	codecZstd   = 6
	codecLZ4Raw = 7
)

// maxPage is the most bytes of a page, decompressed. Writers aim at 1 MiB; one long text
// makes a page of its own length. How far it may be compressed no ratio says, for a page
// of one value is compressed to a thousandth: [memory] bounds what all pages take.
const maxPage = 256 << 20

func checkCodec(codec int64) error {
	switch codec {
	case codecPlain, codecSnappy, codecGzip, codecBrotli, codecZstd, codecLZ4Raw:
		return nil
	case codecLZ4:
		return fmt.Errorf("compressed with codec %d: write it with snappy or zstd", codec)
	}
	return fmt.Errorf("unknown codec %d", codec)
}

// inflater decompresses pages. The output grows as it comes, so that a page costs
// what it really holds and not what it says.
type inflater struct {
	zstd   *zstd.Decoder
	gzip   *gzip.Reader
	brotli *brotli.Reader
}

// inflate decompresses src, which must give size bytes. The result is src itself where
// nothing is compressed; else it reuses the memory of old, if old is large enough.
func (f *inflater) inflate(codec int64, old, src []byte, size int) ([]byte, error) {
	if size > maxPage {
		return nil, fmt.Errorf("%d bytes in a page of %d, and %d is the most", size, len(src), maxPage)
	}
	out, err := f.decode(codec, old, src, size)
	if err != nil {
		*f = inflater{} // what it left of them is not known
		return nil, fmt.Errorf("page does not decompress: %w", err)
	}
	if len(out) != size {
		return nil, fmt.Errorf("page has %d bytes, its head says %d", len(out), size)
	}
	return out, nil
}

// decode runs the decoder of a codec, which is not ours: should it panic on a damaged
// page, as one has, that is an error of the page.
func (f *inflater) decode(codec int64, old, src []byte, size int) (out []byte, err error) {
	defer foreign.Recover(&err, "its decoder")
	switch codec {
	case codecPlain:
		out = src
	case codecSnappy:
		out, err = inflateSnappy(old, src, size)
	case codecGzip:
		out, err = f.gunzip(old, src, size)
	case codecBrotli:
		out, err = f.unbrotli(old, src, size)
	case codecZstd:
		if src, err = withoutSize(src, size); err == nil {
			out, err = grow(old, src, size, f.unzstd)
		}
	case codecLZ4Raw:
		out, err = grow(old, src, size, inflateLZ4)
	}
	return out, err
}

// snappyRatio is more than any snappy stream can grow by: three bytes give at most
// 64.
const snappyRatio = 22

func inflateSnappy(old, src []byte, size int) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return nil, err
	}
	if n != size || size > len(src)*snappyRatio {
		return nil, fmt.Errorf("it says %d bytes, its head %d, in %d", n, size, len(src))
	}
	return snappy.Decode(room(old, size), src)
}

// room returns size bytes of memory: old's, if old is large enough, or new.
func room(old []byte, size int) []byte {
	if cap(old) < size {
		return make([]byte, size)
	}
	return old[:size]
}

func (f *inflater) gunzip(old, src []byte, size int) ([]byte, error) {
	var err error
	if f.gzip == nil {
		f.gzip, err = gzip.NewReader(bytes.NewReader(src))
	} else {
		err = f.gzip.Reset(bytes.NewReader(src))
	}
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(old[:0])
	_, err = out.ReadFrom(io.LimitReader(f.gzip, int64(size)+1))
	return out.Bytes(), err
}

func (f *inflater) unbrotli(old, src []byte, size int) ([]byte, error) {
	if f.brotli == nil {
		f.brotli = brotli.NewReader(nil)
	}
	if err := f.brotli.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(old[:0])
	_, err := out.ReadFrom(io.LimitReader(f.brotli, int64(size)+1))
	return out.Bytes(), err
}

// errRoom is the error of a decoder whose output did not fit the memory it was given.
var errRoom = errors.New("more bytes than its head says")

// grow calls decode with more and more memory, up to size, until its output fits. size
// is what the file claims, so memory grows (eightfold) only after a try has filled what
// it had.
func grow(old, src []byte, size int, decode func(dst, src []byte) ([]byte, error)) ([]byte, error) {
	for n := min(size, max(cap(old), 8*len(src)+1024)); ; n = min(size, 8*n) {
		old = room(old, n)
		out, err := decode(old[:0:n], src)
		if !errors.Is(err, errRoom) || n == size {
			return out, err
		}
	}
}

// maxBlockZstd is more than a block of zstd holds (RFC 8878, 3.1.1.2.4), with what the
// decoder wants behind it.
const maxBlockZstd = 128<<10 + 64

// unzstd appends what src holds to dst, up to its capacity.
func (f *inflater) unzstd(dst, src []byte) ([]byte, error) {
	if f.zstd == nil {
		var err error
		f.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxPage), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
	}
	out, err := f.zstd.DecodeAll(src, dst)
	// The decoder has no error of its own for a block that does not fit. One that is
	// damaged is decoded again, once there is room for a block behind what it gave.
	if err != nil && len(out)+maxBlockZstd > cap(dst) {
		err = fmt.Errorf("%w, or is damaged: %w", errRoom, err)
	}
	return out, err
}

// withoutSize returns a zstd frame whose head does not say how much it holds, after
// holding that against size: the decoder refuses a frame that says more than there
// is room for before it has decoded a byte, and room must not grow on its word
// (RFC 8878, 3.1.1.1).
func withoutSize(src []byte, size int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return nil, err
	}
	switch {
	case h.Skippable || h.DictionaryID != 0:
		return nil, fmt.Errorf("a zstd frame of a form that is not read")
	case h.HasFCS && h.FrameContentSize != uint64(size):
		return nil, fmt.Errorf("it says %d bytes, its head %d", h.FrameContentSize, size)
	}
	const window = 18 << 3 // 2^28 bytes, maxPage
	descriptor := byte(0)
	if h.HasCheckSum {
		descriptor = 1 << 2
	}
	out := make([]byte, 0, len(src)+6)
	out = append(append(out, src[:4]...), descriptor, window)
	return append(out, src[h.HeaderSize:]...), nil
}

// inflateLZ4 appends the block src to dst, up to its capacity
// (lz4_Block_format.md).
func inflateLZ4(dst, src []byte) ([]byte, error) {
	cut := fmt.Errorf("the LZ4 block ends early")
	for len(src) > 0 {
		token := src[0]
		src = src[1:]
		literals, rest, ok := lz4Length(int(token>>4), src)
		if src = rest; !ok || literals > len(src) {
			return dst, cut
		}
		if literals > cap(dst)-len(dst) {
			return dst, errRoom
		}
		dst = append(dst, src[:literals]...)
		if src = src[literals:]; len(src) == 0 { // the last sequence has no match
			return dst, nil
		}
		if len(src) < 2 {
			return dst, cut
		}
		back := int(src[0]) | int(src[1])<<8
		match, rest, ok := lz4Length(int(token&15), src[2:])
		if src = rest; !ok {
			return dst, cut
		}
		if match += 4; back == 0 || back > len(dst) {
			return dst, fmt.Errorf("an LZ4 match %d bytes back of %d", back, len(dst))
		}
		if match > cap(dst)-len(dst) {
			return dst, errRoom
		}
		for from := len(dst) - back; match > 0; match-- { // may overlap what it writes
			dst = append(dst, dst[from])
			from++
		}
	}
	return dst, nil
}

// lz4Length reads a length, of which 15 goes on in further bytes.
func lz4Length(n int, src []byte) (int, []byte, bool) {
	if n < 15 {
		return n, src, true
	}
	for i, b := range src {
		if n += int(b); b != 255 {
			return n, src[i+1:], n <= maxPage
		}
	}
	return 0, nil, false
}
