package torchbin

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"lamina/formats"
	"lamina/internal/files"
	"lamina/tensor"
)

// storageNames are torch's classes of storage for what can be written.
var storageNames = map[tensor.DType]string{
	tensor.F64: "DoubleStorage", tensor.F32: "FloatStorage", tensor.F16: "HalfStorage", tensor.BF16: "BFloat16Storage",
	tensor.I64: "LongStorage", tensor.I32: "IntStorage", tensor.I16: "ShortStorage", tensor.I8: "CharStorage",
	tensor.U8: "ByteStorage", tensor.Bool: "BoolStorage",
}

// Write writes one flat state dict as torch.save does, in the order of the entries: path is
// there whole or not at all, and torch.load(path, weights_only=True) reads it. write writes a
// tensor's little-endian storage bytes to w, no more and no fewer; it is called twice for each
// entry, to the same bytes, since a record's checksum stands before it.
//
// The archive is that of torch 1.6 and later (caffe2/serialize/inline_container.cc): stored
// records NAME/data.pkl, byteorder, data/0 …, version, each at a multiple of 64 bytes. The
// pickle is of protocol 2: a dict whose values are torch._utils._rebuild_tensor_v2 of a
// storage of their own.
func Write(path string, entries []formats.Entry, write func(name string, w io.Writer) error) error {
	if err := checkEntries(path, entries); err != nil {
		return err
	}
	return files.Write(path, func(w io.Writer) error {
		out := &writer{to: counting{w: w}}
		out.zip = zip.NewWriter(&out.to)
		plain := func(name string, data []byte) error {
			return out.record(name, int64(len(data)), func(w io.Writer) error {
				_, err := w.Write(data)
				return err
			})
		}
		if err := plain("data.pkl", pickled(entries)); err != nil {
			return err
		}
		if err := plain("byteorder", []byte("little")); err != nil {
			return err
		}
		for i, e := range entries {
			err := out.record(fmt.Sprintf("data/%d", i), int64(e.Elems())*int64(e.DType.BlockBytes()), func(w io.Writer) error { return write(e.Name, w) })
			if err != nil {
				return fmt.Errorf("%s: %w", formats.TensorItem(e.Name), err)
			}
		}
		if err := plain("version", []byte("3\n")); err != nil {
			return err
		}
		return out.zip.Close()
	})
}

// checkEntries refuses what a state dict cannot hold.
func checkEntries(path string, entries []formats.Entry) error {
	seen := map[string]bool{}
	for _, e := range entries {
		fail := func(code, got, want string) error {
			return &formats.Error{Path: path, Item: formats.TensorItem(e.Name), Code: code, Got: got, Want: want}
		}
		size, ok := formats.StorageBytes(e.Shape, 1, e.DType.BlockBytes())
		switch {
		case storageNames[e.DType] == "":
			return fail("TORCH_DTYPE", fmt.Sprintf("the format has no %s", e.DType), "F32, F16 or BF16; convert it first")
		case !ok || len(e.Shape) > formats.MaxRank || size > math.MaxUint32-1:
			return fail("TORCH_SHAPE", fmt.Sprintf("shape %v", e.Shape), "less than 4 GiB")
		case seen[e.Name]:
			return fail("TORCH_DUPLICATE", "is listed twice", "")
		}
		seen[e.Name] = true
	}
	return nil
}

// writer is an archive in the making.
type writer struct {
	to  counting
	zip *zip.Writer
}

// counting knows how many bytes have gone to w.
type counting struct {
	w  io.Writer
	at int64
}

// Write counts.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.at += int64(n)
	return n, err
}

const (
	archiveName = "archive/"
	recordAlign = 64
)

// record writes a member of so many bytes, padded so that its data are aligned.
func (o *writer) record(name string, size int64, fill func(io.Writer) error) error {
	sum := crc32.NewIEEE()
	if err := formats.WriteExactly(sum, size, fill); err != nil {
		return err
	}
	if err := o.zip.Flush(); err != nil {
		return err
	}
	h := &zip.FileHeader{
		Name: archiveName + name, Method: zip.Store, CRC32: sum.Sum32(),
		CompressedSize64: uint64(size), UncompressedSize64: uint64(size),
	}
	const field = 4 // id and length of an extra field
	begins := o.to.at + localSize + int64(len(h.Name)) + field
	pad := (recordAlign - begins%recordAlign) % recordAlign
	h.Extra = make([]byte, field+pad)
	copy(h.Extra, "FB") // as torch calls its padding
	binary.LittleEndian.PutUint16(h.Extra[2:], uint16(pad))
	for i := field; i < len(h.Extra); i++ {
		h.Extra[i] = 'Z'
	}
	w, err := o.zip.CreateRaw(h)
	if err != nil {
		return err
	}
	return formats.WriteExactly(w, size, fill)
}

// pickled is the pickle of the dict. Opcodes are named as pickletools.py names them.
func pickled(entries []formats.Entry) []byte {
	b := []byte("\x80\x02}") // PROTO 2, EMPTY_DICT
	if len(entries) > 0 {
		b = append(b, '(') // MARK
		for i, e := range entries {
			b = pickleTensor(pickleText(b, e.Name), e, i)
		}
		b = append(b, 'u') // SETITEMS
	}
	return append(b, '.') // STOP
}

// pickleTensor calls torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()).
func pickleTensor(b []byte, e formats.Entry, key int) []byte {
	b = append(b, "ctorch._utils\n_rebuild_tensor_v2\n("...) // GLOBAL, MARK
	b = append(b, '(')
	b = pickleText(b, "storage")
	b = append(b, "ctorch\n"+storageNames[e.DType]+"\n"...)
	b = pickleText(b, fmt.Sprint(key))
	b = pickleText(b, "cpu")
	b = pickleInt(b, e.Elems())
	b = append(b, 't', 'Q') // TUPLE, BINPERSID
	b = pickleInt(b, 0)
	strides := make([]int, len(e.Shape))
	step := 1
	for i := len(e.Shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= e.Shape[i]
	}
	for _, numbers := range [][]int{e.Shape, strides} {
		b = append(b, '(')
		for _, n := range numbers {
			b = pickleInt(b, n)
		}
		b = append(b, 't')
	}
	b = append(b, 0x89)                               // NEWFALSE
	b = append(b, "ccollections\nOrderedDict\n)R"...) // GLOBAL, EMPTY_TUPLE, REDUCE
	return append(b, 't', 'R')                        // TUPLE, REDUCE
}

// pickleText writes BINUNICODE.
func pickleText(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, 'X'), uint32(len(s)))
	return append(b, s...)
}

// pickleInt writes BININT, or LONG1 where 32 bits do not hold the number.
func pickleInt(b []byte, n int) []byte {
	if n <= math.MaxInt32 {
		return binary.LittleEndian.AppendUint32(append(b, 'J'), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0x8a, 8), uint64(n))
}
