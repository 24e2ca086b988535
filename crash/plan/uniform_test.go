package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
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

// TestDeviationIsTheReferences for every size that the reference takes.
func TestDeviationIsTheReferences(t *testing.T) {
	golden, err := os.ReadFile("testdata/deviation.sha256")
	if err != nil {
		t.Fatal(err)
	}
	h, lines := sha256.New(), 0
	for layers := 2; layers < 97; layers++ {
		for kept := 2; kept <= layers; kept++ {
			for _, deviation := range []int{-1, 1} {
				for _, percent := range []float64{0.125, 0.25, 0.375, 0.5} {
					thin := int(math.RoundToEven(float64(kept) * percent))
					if thin == 1 || kept-thin < 2 || thin == 0 && deviation < 0 {
						continue // the reference divides by 0, or looks for the last of no places
					}
					places, err := uniformPlaces(layers, kept, deviation, percent)
					if err != nil {
						continue
					}
					fmt.Fprintf(h, "%d %d %d %v: %s\n", layers, kept, deviation, percent, strings.Trim(fmt.Sprint(places), "[]"))
					lines++
				}
			}
		}
	}
	if got := fmt.Sprintf("%s %d", hex.EncodeToString(h.Sum(nil)), lines); got != strings.TrimSpace(string(golden)) {
		t.Errorf("%s, want %s", got, golden)
	}
}

// TestDeviationThinsAHalf: two of the eight frozen layers of OPT-1.3B stand in the lower
// half of its middle, or in the upper.
func TestDeviationThinsAHalf(t *testing.T) {
	for deviation, want := range map[float64]string{-1: "0* 1* 2 11 12 14 16 17 19 21 22* 23*", 1: "0* 1* 2 4 6 7 9 11 12 21 22* 23*"} {
		r := Request{Layers: 24, Keep: 12, Trainable: 4, Options: map[string]float64{"deviation": deviation}}
		if got, err := chosen(Uniform, r); err != nil || got.String() != want {
			t.Errorf("deviation %v: %v, %v; want %s", deviation, got, err, want)
		}
	}
}
