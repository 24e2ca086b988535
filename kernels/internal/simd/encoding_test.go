//go:build amd64 && !noasm

package simd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// codeOf returns the address of an assembly function: where the wrapper that Go
// code calls has its call.
func codeOf(t *testing.T, f func(c *float32, ldc int, a, b *float32, k, rows, cols int, add bool), name string) uintptr {
	// A function value points to the address of its code.
	code := (**(***[256]byte)(unsafe.Pointer(&f)))[:]
	wrapper := uintptr(unsafe.Pointer(&code[0]))
	for at := 0; ; at++ {
		next := bytes.IndexByte(code[at:len(code)-5], 0xe8) // CALL, and how far
		if next < 0 {
			t.Fatalf("no call of %s in its wrapper", name)
		}
		at += next
		to := wrapper + uintptr(at+5) + uintptr(int32(binary.LittleEndian.Uint32(code[at+1:])))
		if f := runtime.FuncForPC(to); f != nil && f.Entry() == to && strings.Contains(f.Name(), name) {
			return to
		}
	}
}

// TestBytesAreTheInstruction has GNU's disassembler read what
// gemmbf16avx512_amd64.s writes as bytes: 24 products for each of the five steps
// that stand there, every sum with its row of A and its half of B.
func TestBytesAreTheInstruction(t *testing.T) {
	tool, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("needs objdump of GNU binutils")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code := codeOf(t, gemmBF16AVX512, "gemmBF16AVX512")
	text, err := exec.Command(tool, "-d", "--no-show-raw-insn", fmt.Sprintf("--start-address=%#x", code), fmt.Sprintf("--stop-address=%#x", code+0x1000), self).Output()
	if err != nil {
		t.Fatal(err)
	}
	products := regexp.MustCompile(`vdpbf16ps (\S+)`).FindAllStringSubmatchIndex(string(text), -1)
	if len(products) != 5*24 {
		t.Fatalf("%d products, want 120:\n%s", len(products), text)
	}
	if end := products[119][1]; bytes.Contains(text[:end], []byte("(bad)")) {
		t.Errorf("not code:\n%s", text[:end])
	}
	for i, p := range products {
		at := i % 24
		if got, want := string(text[p[2]:p[3]]), fmt.Sprintf("%%zmm%d,%%zmm%d,%%zmm%d", at%2, 2+at/2%4, 8+at); got != want {
			t.Errorf("product %d takes %s, want %s", i, got, want)
		}
	}
}
