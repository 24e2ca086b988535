package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every plan of models of 2 to 128 layers is the reference's, floating-point stride
// included; testdata/gen_uniform.py made the hash.
func TestUniformIsOffsiteTunings(t *testing.T) {
	want, err := os.ReadFile("testdata/uniform.sha256")
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for layers := 2; layers <= 128; layers++ {
		for trainable := 1; trainable <= 8; trainable++ {
			for keep := trainable + 2; keep <= layers; keep++ {
				fmt.Fprintf(h, "%d %d %d: %v\n", layers, keep, trainable, uniform(layers, keep, trainable))
			}
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != strings.TrimSpace(string(want)) {
		t.Errorf("hash %s, want %s", got, want)
	}
}

// Where i·(m-1)/(k-1) is a half, the stride rounded first falls to one side of it.
func TestUniformRoundsTheStrideFirst(t *testing.T) {
	if got := uniform(32, 17, 2).String(); !strings.Contains(got, " 16 ") || strings.Contains(got, " 15 ") {
		t.Errorf("%s: want layer 16 and not 15", got)
	}
}
