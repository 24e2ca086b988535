package simd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// neonInstructions has for every macro of neon_arm64.h the instruction that it is to be,
// with its operands by name. lanes, shifts and fractions take the values given, registers
// 0, 31 and some between.
var neonInstructions = map[string]string{
	"FADD": "fadd vd.4s, vn.4s, vm.4s",
	"FSUB": "fsub vd.4s, vn.4s, vm.4s",
	"FMUL": "fmul vd.4s, vn.4s, vm.4s",
	"FDIV": "fdiv vd.4s, vn.4s, vm.4s",
	"FMAX": "fmax vd.4s, vn.4s, vm.4s",
	"FMIN": "fmin vd.4s, vn.4s, vm.4s",

	"FABS":   "fabs vd.4s, vn.4s",
	"FNEG":   "fneg vd.4s, vn.4s",
	"FSQRT":  "fsqrt vd.4s, vn.4s",
	"FRINTN": "frintn vd.4s, vn.4s",
	"FCVTZS": "fcvtzs vd.4s, vn.4s",
	"FCMGE":  "fcmge vd.4s, vn.4s, vm.4s",
	"FCMGT":  "fcmgt vd.4s, vn.4s, vm.4s",

	"FADD_D":   "fadd vd.2d, vn.2d, vm.2d",
	"FSUB_D":   "fsub vd.2d, vn.2d, vm.2d",
	"FMUL_D":   "fmul vd.2d, vn.2d, vm.2d",
	"FMLA_D":   "fmla vd.2d, vn.2d, vm.2d",
	"FCVTL_D":  "fcvtl vd.2d, vn.2s",
	"FCVTL2_D": "fcvtl2 vd.2d, vn.4s",
	"FCVTN_D":  "fcvtn vd.2s, vn.2d",
	"FCVTN2_D": "fcvtn2 vd.4s, vn.2d",

	"ADD_S":  "add vd.4s, vn.4s, vm.4s",
	"SUB_S":  "sub vd.4s, vn.4s, vm.4s",
	"SHL_S":  "shl vd.4s, vn.4s, #s",
	"SSHR_S": "sshr vd.4s, vn.4s, #s",
	"USHR_S": "ushr vd.4s, vn.4s, #s",
	"BIT_B":  "bit vd.16b, vn.16b, vm.16b",
	"BSL_B":  "bsl vd.16b, vn.16b, vm.16b",
	"EOR_B":  "eor vd.16b, vn.16b, vm.16b",

	"FMLA": "fmla vd.4s, vn.4s, vm.4s",
	"FMLS": "fmls vd.4s, vn.4s, vm.4s",

	"FMLA_LANE": "fmla vd.4s, vn.4s, vm.s[i]",
	"FMUL_LANE": "fmul vd.4s, vn.4s, vm.s[i]",
	"FADDP":     "faddp vd.4s, vn.4s, vm.4s",

	"SCVTF":          "scvtf vd.4s, vn.4s",
	"SCVTF_FRACTION": "scvtf vd.4s, vn.4s, #f",
	"FCVTL":          "fcvtl vd.4s, vn.4h",
	"FCVTL2":         "fcvtl2 vd.4s, vn.8h",
	"SHLL":           "shll vd.4s, vn.4h, #16",
	"SHLL2":          "shll2 vd.4s, vn.8h, #16",
	"SXTL":           "sxtl vd.8h, vn.8b",
	"UXTL":           "uxtl vd.8h, vn.8b",
	"SXTL_H":         "sxtl vd.4s, vn.4h",
	"SXTL2_H":        "sxtl2 vd.4s, vn.8h",

	"FMAXV":  "fmaxv sd, vn.4s",
	"FCVTNS": "fcvtns vd.4s, vn.4s",
	"ADDP_S": "addp vd.4s, vn.4s, vm.4s",
	"XTN_H":  "xtn vd.4h, vn.4s",
	"XTN2_H": "xtn2 vd.8h, vn.4s",
	"XTN_B":  "xtn vd.8b, vn.8h",
	"XTN2_B": "xtn2 vd.16b, vn.8h",

	"UMULL":  "umull vd.2d, vn.2s, vm.2s",
	"UMULL2": "umull2 vd.2d, vn.4s, vm.4s",
	"CMHI":   "cmhi vd.4s, vn.4s, vm.4s",

	"SMULL":    "smull vd.8h, vn.8b, vm.8b",
	"SMULL2":   "smull2 vd.8h, vn.16b, vm.16b",
	"ADDP_H":   "addp vd.8h, vn.8h, vm.8h",
	"SADDLP_H": "saddlp vd.4s, vn.8h",
	"SADALP_H": "sadalp vd.4s, vn.8h",

	"AND_B":   "and vd.16b, vn.16b, vm.16b",
	"ORR_B":   "orr vd.16b, vn.16b, vm.16b",
	"BIC_B":   "bic vd.16b, vn.16b, vm.16b",
	"CMTST_B": "cmtst vd.16b, vn.16b, vm.16b",
	"SUB_B":   "sub vd.16b, vn.16b, vm.16b",
	"SHL_B":   "shl vd.16b, vn.16b, #s",
	"USHR_B":  "ushr vd.16b, vn.16b, #s",
	"TBL":     "tbl vd.16b, {vn.16b}, vm.16b",
	"DUP_S":   "dup vd.4s, vn.s[i]",
}

// neonNumbers are the operands that macros are tried with.
var neonNumbers = map[string][]int{
	"d": {0, 31, 9, 22}, "n": {31, 0, 21, 10}, "m": {5, 31, 0, 26},
	"i": {0, 1, 2, 3}, "f": {24, 1, 31, 16}, "s": {4, 1, 7, 2},
}

// TestWordsAreTheInstruction has GNU's disassembler read what the macros of neon_arm64.h
// make of their operands: the instructions that Go's assembler does not know.
func TestWordsAreTheInstruction(t *testing.T) {
	header, err := os.ReadFile("neon_arm64.h")
	if err != nil {
		t.Skip("the package's source is not here")
	}
	tool, err := exec.LookPath("aarch64-linux-gnu-objdump")
	if err != nil {
		t.Skip("needs aarch64-linux-gnu-objdump of GNU binutils")
	}
	macros := regexp.MustCompile(`(?m)^#define (\w+)\(([^)]*)\) WORD \$(\(.*\))$`).FindAllStringSubmatch(string(header), -1)
	if lines := bytes.Count(header, []byte("\n#define")); len(macros) != lines || lines != len(neonInstructions) {
		t.Fatalf("%d macros, of which %d are words, and %d instructions", lines, len(macros), len(neonInstructions))
	}
	var code []byte
	var want []string
	for _, macro := range macros {
		for try := range 4 {
			text, expression := neonInstructions[macro[1]], macro[3]
			for _, operand := range strings.Split(macro[2], ", ") {
				number := strconv.Itoa(neonNumbers[operand][try])
				expression = regexp.MustCompile(`\b`+operand+`\b`).ReplaceAllString(expression, number)
				text = regexp.MustCompile(`(\b[vs]|#|\[)`+operand+`\b`).ReplaceAllString(text, "${1}"+number)
			}
			value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expression)
			if err != nil {
				t.Fatalf("%s: %v", macro[1], err)
			}
			word, _ := constant.Uint64Val(value.Value)
			code = binary.LittleEndian.AppendUint32(code, uint32(word))
			want = append(want, fmt.Sprintf("%s: %s", macro[1], text))
		}
	}
	file := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	listing, err := exec.Command(tool, "-D", "-b", "binary", "-m", "aarch64", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(?m)^ *[0-9a-f]+:\t[0-9a-f]{8} \t(.*?)(?: *//.*)?$`).FindAllStringSubmatch(string(listing), -1)
	if len(got) != len(want) {
		t.Fatalf("%d instructions read, want %d:\n%s", len(got), len(want), listing)
	}
	for i, line := range got {
		name, text, _ := strings.Cut(want[i], ": ")
		if read := strings.Join(strings.Fields(line[1]), " "); read != text {
			t.Errorf("%s is %q, want %q", name, read, text)
		}
	}
}
