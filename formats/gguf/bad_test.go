package gguf_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lamina/formats/gguf"
	"lamina/formats/internal/formattest"
)

// join lays down uint32, uint64, counted strings and raw bytes in a row.
func join(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, p)
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, p)
		case int: // a count or an axis
			b = binary.LittleEndian.AppendUint64(b, uint64(p))
		case string:
			b = append(binary.LittleEndian.AppendUint64(b, uint64(len(p))), p...)
		case []byte:
			b = append(b, p...)
		default:
			panic(fmt.Sprintf("join: %T", p))
		}
	}
	return b
}

var magic = []byte("GGUF")

// model is a version 3 file: pairs, infos, padding to 32, n data bytes.
func model(pairs, infos [][]byte, n int) []byte {
	b := join(magic, uint32(3), len(infos), len(pairs), slices.Concat(pairs...), slices.Concat(infos...))
	for len(b)%32 != 0 {
		b = append(b, 0)
	}
	return append(b, make([]byte, n)...)
}

func pairs(p ...[]byte) []byte { return model(p, nil, 0) }

// info describes a tensor; axes innermost first as in the file.
func info(name string, typ uint32, offset int, axes ...int) []byte {
	b := join(name, uint32(len(axes)))
	for _, n := range axes {
		b = join(b, n)
	}
	return join(b, typ, offset)
}

func parse(data []byte) error {
	_, err := gguf.Parse("m.gguf", data)
	return err
}

const (
	f32, q4_0, q4K = uint32(0), uint32(2), uint32(12)

	tUint8, tUint32, tBool, tString, tArray = uint32(0), uint32(4), uint32(7), uint32(8), uint32(9)
)

func TestBadFilesAreRefused(t *testing.T) {
	bad := formattest.Bad
	empty := join(magic, uint32(3), 0, 0)
	padded := func(b []byte) []byte { return append(b, make([]byte, 64)...) }
	one := func(i []byte, n int) []byte { return model(nil, [][]byte{i}, n) }
	two := func(i, j []byte, n int) []byte { return model(nil, [][]byte{i, j}, n) }
	ok := one(info("w", f32, 0, 2), 8)
	okTwo := two(info("a", f32, 0, 2), info("b", f32, 32, 2), 40)
	pair := pairs(join("k", tUint32, uint32(1)))
	align := func(n uint32) []byte { return pairs(join("general.alignment", tUint32, n)) }
	formattest.Reject(t, []formattest.Case{
		bad("no magic", []byte("GG"), "GGUF_TRUNCATED", empty),
		bad("other magic", join([]byte("GGML"), uint32(3), 0, 0), "GGUF_MAGIC", empty),
		bad("version 0", join(magic, uint32(0), 0, 0), "GGUF_VERSION", empty),
		bad("version 1", join(magic, uint32(1), 0, 0), "GGUF_VERSION", join(magic, uint32(2), 0, 0)),
		bad("version of the future", join(magic, uint32(4), 0, 0), "GGUF_VERSION", empty),
		bad("big-endian", join(magic, uint32(3<<24), 0, 0), "GGUF_ENDIAN", empty),
		bad("cut in the counts", empty[:20], "GGUF_TRUNCATED", empty),
		bad("too many pairs", join(magic, uint32(3), 0, 1), "GGUF_COUNT", empty),
		bad("2^63 pairs", padded(join(magic, uint32(3), 0, uint64(1<<63))), "GGUF_COUNT", padded(empty)),
		bad("2^63 tensors", padded(join(magic, uint32(3), uint64(1<<63), 0)), "GGUF_COUNT", padded(empty)),
		bad("empty key", padded(pairs(join("", tUint32, uint32(1)))), "GGUF_NAME", pair),
		bad("key of 65536 bytes", pairs(join(strings.Repeat("k", 65536), tUint32, uint32(1))), "GGUF_NAME",
			pairs(join(strings.Repeat("k", 65535), tUint32, uint32(1)))),
		bad("key past the file", join(magic, uint32(3), 0, 1, 60000, make([]byte, 20)), "GGUF_TRUNCATED", pair),
		bad("key twice", pairs(join("k", tUint32, uint32(1)), join("k", tUint32, uint32(1))), "GGUF_DUPLICATE",
			pairs(join("k", tUint32, uint32(1)), join("K", tUint32, uint32(1)))),
		bad("unknown value type", pairs(join("k", uint32(13), uint32(1))), "GGUF_TYPE", pair),
		bad("bool of 2", pairs(join("k", tBool, []byte{2})), "GGUF_BOOL", pairs(join("k", tBool, []byte{1}))),
		bad("string past the file", padded(pairs(join("k", tString, 1000))), "GGUF_TRUNCATED", pairs(join("k", tString, "v"))),
		bad("string of 2^64-1", padded(pairs(join("k", tString, uint64(math.MaxUint64)))), "GGUF_STRING", pairs(join("k", tString, "v"))),
		bad("array of arrays", padded(pairs(join("k", tArray, tArray, 1))), "GGUF_TYPE", pairs(join("k", tArray, tUint8, 1, []byte{1}))),
		bad("array of unknown type", padded(pairs(join("k", tArray, uint32(99), 1))), "GGUF_TYPE", pairs(join("k", tArray, tUint8, 0))),
		bad("array past the file", padded(pairs(join("k", tArray, tUint32, 1000))), "GGUF_TRUNCATED", pairs(join("k", tArray, tUint32, 1, uint32(7)))),
		bad("array of 2^62", padded(pairs(join("k", tArray, tUint32, uint64(1<<62)))), "GGUF_ARRAY", pairs(join("k", tArray, tUint32, 0))),
		bad("array of strings past the file", join(magic, uint32(3), 0, 1, "k", tArray, tString, 2, "a"), "GGUF_TRUNCATED",
			pairs(join("k", tArray, tString, 2, "a", "b"))),
		bad("alignment 0", align(0), "GGUF_ALIGNMENT", align(1)),
		bad("alignment 24", align(24), "GGUF_ALIGNMENT", align(16)),
		bad("alignment 2^21", align(1<<21), "GGUF_ALIGNMENT", align(1<<20)),
		bad("alignment of another type", pairs(join("general.alignment", uint32(10), 32)), "GGUF_ALIGNMENT", align(32)),
		bad("tensor without a name", one(info("", f32, 0, 2), 8), "GGUF_NAME", ok),
		bad("tensor name of 65 bytes", one(info(strings.Repeat("n", 65), f32, 0, 2), 8), "GGUF_NAME",
			one(info(strings.Repeat("n", 64), f32, 0, 2), 8)),
		bad("tensor name twice", two(info("a", f32, 0, 2), info("a", f32, 32, 2), 40), "GGUF_DUPLICATE", okTwo),
		bad("five axes", one(info("w", f32, 0, 2, 1, 1, 1, 1), 8), "GGUF_SHAPE", one(info("w", f32, 0, 2, 1, 1, 1), 8)),
		bad("negative axis", one(info("w", f32, 0, -2), 8), "GGUF_SHAPE", ok),
		bad("product overflows", one(info("w", f32, 0, 1<<32, 1<<32), 8), "GGUF_SHAPE", ok),
		bad("product overflows beside a zero", one(info("w", f32, 0, 0, 1<<62, 4), 8), "GGUF_SHAPE", one(info("w", f32, 0, 0, 1<<6, 4), 8)),
		bad("bytes overflow", one(info("w", f32, 0, 1<<61), 8), "GGUF_SHAPE", ok),
		bad("sum of bytes overflows", two(info("a", f32, 0, 1<<61-16), info("b", f32, 1<<63-64, 1<<61-16), 40), "GGUF_TRUNCATED", okTwo),
		bad("half a block", one(info("w", q4_0, 0, 16), 18), "GGUF_SHAPE", one(info("w", q4_0, 0, 32), 18)),
		bad("a row of half a block of 256", one(info("w", q4K, 0, 2, 128), 144), "GGUF_SHAPE", one(info("w", q4K, 0, 256), 144)),
		bad("scalar of blocks", one(info("w", q4_0, 0), 18), "GGUF_SHAPE", one(info("w", f32, 0), 4)),
		bad("removed type", one(info("w", 4, 0, 32), 64), "GGUF_DTYPE", ok),
		bad("type of the future", one(info("w", 1000, 0, 32), 64), "GGUF_DTYPE", ok),
		bad("offset not aligned", two(info("a", f32, 0, 2), info("b", f32, 8, 2), 40), "GGUF_OFFSET", okTwo),
		bad("offset overlaps", two(info("a", f32, 0, 2), info("b", f32, 0, 2), 40), "GGUF_OFFSET", okTwo),
		bad("offset leaves a hole", two(info("a", f32, 0, 2), info("b", f32, 64, 2), 72), "GGUF_OFFSET", okTwo),
		bad("offset of 2^63", one(info("w", f32, math.MinInt64, 2), 8), "GGUF_OFFSET", ok),
		bad("larger than the file", one(info("w", f32, 0, 1<<20), 8), "GGUF_TRUNCATED", ok),
		bad("one byte missing", ok[:len(ok)-1], "GGUF_TRUNCATED", ok),
		bad("data before its alignment", one(info("w", f32, 0, 0), 0)[:24+36], "GGUF_TRUNCATED", one(info("w", f32, 0, 0), 0)),
	}, parse)
}

func TestOddButGoodFiles(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing inside":       join(magic, uint32(3), 0, 0),
		"trailing padding":     append(model(nil, [][]byte{info("w", f32, 0, 2)}, 8), make([]byte, 24)...),
		"zero-size in between": model(nil, [][]byte{info("z", q4_0, 0, 0, 5), info("w", f32, 0, 2)}, 8),
		"NaN as block scale":   append(model(nil, [][]byte{info("w", q4_0, 0, 32)}, 0), slices.Repeat([]byte{0xff}, 18)...),
	} {
		if err := parse(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyItemsStayWithinTheBound(t *testing.T) {
	var keys, infos [][]byte
	for i := range 10_000 {
		keys = append(keys, join(fmt.Sprintf("%x", i), tUint8, []byte{0}))
		infos = append(infos, info(fmt.Sprintf("%x", i), f32, 0))
	}
	infos = append(infos, info("last", 1000, 0)) // refused at the very end
	for name, data := range map[string][]byte{"pairs": model(keys, infos[10_000:], 0), "tensors": model(nil, infos, 0)} {
		if err := formattest.Bounded(t, data, parse); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzGGUF(f *testing.F) {
	whole, err := os.ReadFile("testdata/golden.gguf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(model([][]byte{join("k", tArray, tString, 2, "a", "b")}, [][]byte{info("a", f32, 0, 2), info("b", q4_0, 32, 32)}, 50))
	f.Add(join(magic, uint32(3), uint64(1<<40), uint64(1<<40)))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := formattest.Bounded(t, data, parse)
		if err != nil {
			formattest.CheckError(t, err)
			return
		}
		g, err := gguf.Parse("m.gguf", data)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range g.Keys() {
			g.Uint(key)
			g.Int(key)
			g.Float(key)
			g.Bool(key)
			g.String(key)
			g.Strings(key)
			g.Ints(key)
			g.Floats(key)
		}
		for _, name := range g.Names() {
			e, _ := g.Entry(name)
			got, err := g.Bytes(name)
			if err == nil && e.DType.Bytes(e.Elems()) != len(got) {
				t.Errorf("%q: %d bytes for %v", name, len(got), e)
			}
		}
	})
}
