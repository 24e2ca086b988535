//go:build amd64 && !noasm

package simd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// codeOf returns the address of an assembly function: where the wrapper that Go
// code calls has its call.
func codeOf(t *testing.T, f any, name string) uintptr {
	wrapper := reflect.ValueOf(f).Pointer()
	code := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&wrapper))), 256)
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

// disassembled is what GNU's disassembler reads of an assembly function.
func disassembled(t *testing.T, f any, name string) string {
	t.Helper()
	tool, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("needs objdump of GNU binutils")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code := codeOf(t, f, name)
	end := code
	for at := runtime.FuncForPC(code); at != nil && at.Entry() == code; at = runtime.FuncForPC(end) {
		end++
	}
	text, err := exec.Command(tool, "-d", "--no-show-raw-insn", fmt.Sprintf("--start-address=%#x", code), fmt.Sprintf("--stop-address=%#x", end), self).Output()
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := strings.Cut(string(text), "int3") // what fills up to the next function
	if strings.Contains(body, "(bad)") {
		t.Fatalf("not code:\n%s", body)
	}
	return body
}

// operandsOf returns the operands of the instructions whose names match, one by one.
func operandsOf(text, names string) (all []string) {
	for _, found := range regexp.MustCompile(`\b(`+names+`)\b *([^\s]*)`).FindAllStringSubmatch(text, -1) {
		all = append(all, strings.TrimSpace(found[1]+" "+found[2]))
	}
	return all
}

// wantInstructions compares with what a function is to have.
func wantInstructions(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("instruction %d of %d: %q, want %d: %q", i, len(got), got[min(i, len(got)):], len(want), want[min(i, len(want)):])
		}
	}
}

// TestBytesAreTheInstruction has GNU's disassembler read what stands in the package as
// bytes: the instructions that Go's assembler does not know.
func TestBytesAreTheInstruction(t *testing.T) {
	t.Run("gemmBF16AVX512", func(t *testing.T) { // 24 products for each of five steps, every sum with its row of A and its half of B
		var want []string
		for i := range 5 * 24 {
			at := i % 24
			want = append(want, fmt.Sprintf("vdpbf16ps %%zmm%d,%%zmm%d,%%zmm%d", at%2, 2+at/2%4, 8+at))
		}
		wantInstructions(t, operandsOf(disassembled(t, gemmBF16AVX512, "gemmBF16AVX512"), "vdpbf16ps"), want)
	})
	t.Run("peakDotBF16", func(t *testing.T) {
		var want []string
		for _, sum := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13} {
			want = append(want, fmt.Sprintf("vdpbf16ps %%zmm0,%%zmm12,%%zmm%d", sum))
		}
		wantInstructions(t, operandsOf(disassembled(t, peakDotBF16, "peakDotBF16"), "vdpbf16ps"), want)
	})
	for name, f := range map[string]func(*tileShapes, int){"tdpbf16ps": peakTileBF16, "tdpbssd": peakTileInt8} {
		t.Run(name, func(t *testing.T) {
			function := map[string]string{"tdpbf16ps": "peakTileBF16", "tdpbssd": "peakTileInt8"}[name]
			want := []string{"ldtilecfg (%rsi)"}
			for tile := range 8 {
				want = append(want, fmt.Sprintf("tilezero %%tmm%d", tile))
			}
			for i := range 4 {
				want = append(want, fmt.Sprintf("%s %%tmm%d,%%tmm%d,%%tmm%d", name, 6+i%2, 4+i/2, i))
			}
			wantInstructions(t, operandsOf(disassembled(t, f, function), "ldtilecfg|tilezero|tdp[a-z0-9]*|tilerelease"), append(want, "tilerelease"))
		})
	}
	for parts, f := range []func(*splitRows){split1AVX512, split2AVX512, split3AVX512} {
		name := fmt.Sprintf("split%dAVX512", parts+1)
		t.Run(name, func(t *testing.T) {
			want := slices.Repeat([]string{"vcvtne2ps2bf16 %zmm0,%zmm1,%zmm2"}, 2*(parts+1))
			wantInstructions(t, operandsOf(disassembled(t, f, name), "vcvtne2ps2bf16"), want)
		})
	}
	for _, kernel := range []struct {
		name         string
		f            func(*tileBlock)
		rows, across bool
	}{
		{"gemmTiles22", gemmTiles22, true, true}, {"gemmTiles21", gemmTiles21, true, false},
		{"gemmTiles12", gemmTiles12, false, true}, {"gemmTiles11", gemmTiles11, false, false},
	} {
		t.Run(kernel.name, func(t *testing.T) {
			places := []string{"0x0(%rdi,%r8,1)", "0x40(%rdi,%r8,1)", "0x0(%rbx,%r8,1)", "0x40(%rbx,%r8,1)"}
			each := func(text string) (all []string) {
				for tile, place := range places {
					if (tile < 2 || kernel.rows) && (tile%2 == 0 || kernel.across) {
						all = append(all, strings.NewReplacer("TILE", fmt.Sprintf("%%tmm%d", tile), "PLACE", place, "FROM", strings.Replace(place, "rdi", "rsi", 1)).Replace(text))
					}
				}
				return all
			}
			want := slices.Concat([]string{"ldtilecfg (%rsi)"}, each("tileloadd FROM,TILE"), each("tilezero TILE"),
				slices.Repeat([]string{"prefetchw (%r15)", "prefetchw 0x40(%r15)"}, 2),
				[]string{"tileloadd 0x0(%rdx,%r9,1),%tmm6", "tileloaddt1 0x0(%rsi,%r9,1),%tmm4", "tdpbf16ps %tmm6,%tmm4,%tmm0"})
			if kernel.across {
				want = append(want, "tileloadd 0x0(%r12,%r9,1),%tmm7", "tdpbf16ps %tmm7,%tmm4,%tmm1")
			}
			if kernel.rows {
				want = append(want, "tileloaddt1 0x0(%rbx,%r9,1),%tmm5", "tdpbf16ps %tmm6,%tmm5,%tmm2")
			}
			if kernel.rows && kernel.across {
				want = append(want, "tdpbf16ps %tmm7,%tmm5,%tmm3")
			}
			want = append(append(want, each("tilestored TILE,PLACE")...), "tilerelease")
			wantInstructions(t, operandsOf(disassembled(t, kernel.f, kernel.name), "ldtilecfg|tile[a-z0-9]*|tdp[a-z0-9]*|prefetchw"), want)
		})
	}
}
