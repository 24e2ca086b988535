package pyrandom

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// draws are what CPython 3.11 draws from one seed, see testdata/gen_random.py.
type draws struct {
	Seed   int64
	Bits32 []uint32
	Random []float64
	Below  []struct {
		N     int
		Draws []int
	}
	Sample []struct {
		N, K  int
		Draws []int
	}
	Shuffle, Choices []int
	InARow           [][]int `json:"in_a_row"`
	Late             []uint32
}

func golden(t *testing.T) (all []draws) {
	t.Helper()
	text, err := os.ReadFile("testdata/random.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil || len(all) == 0 {
		t.Fatalf("%d seeds, %v", len(all), err)
	}
	return all
}

// several calls draw n times.
func several[T any](n int, draw func() T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = draw()
	}
	return out
}

func shuffled(r *Random, n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	r.Shuffle(n, func(i, j int) { x[i], x[j] = x[j], x[i] })
	return x
}

func TestDrawsEqualPython(t *testing.T) {
	for _, g := range golden(t) {
		if got := several(len(g.Bits32), New(g.Seed).Uint32); !slices.Equal(got, g.Bits32) {
			t.Errorf("seed %d: words %v, want %v", g.Seed, got, g.Bits32)
		}
		if got := several(len(g.Random), New(g.Seed).Float64); !slices.Equal(got, g.Random) {
			t.Errorf("seed %d: floats %v, want %v", g.Seed, got, g.Random)
		}
		for _, b := range g.Below {
			if b.N > 1<<31 {
				continue // more than Below takes
			}
			r := New(g.Seed)
			if got := several(len(b.Draws), func() int { return r.Below(b.N) }); !slices.Equal(got, b.Draws) {
				t.Errorf("seed %d: below %d: %v, want %v", g.Seed, b.N, got, b.Draws)
			}
		}
		for _, s := range g.Sample {
			if got := New(g.Seed).Sample(s.N, s.K); !slices.Equal(got, s.Draws) {
				t.Errorf("seed %d: %d of %d are %v, want %v", g.Seed, s.K, s.N, got, s.Draws)
			}
		}
		if got := shuffled(New(g.Seed), len(g.Shuffle)); !slices.Equal(got, g.Shuffle) {
			t.Errorf("seed %d: shuffled to %v, want %v", g.Seed, got, g.Shuffle)
		}
		r := New(g.Seed)
		if got := several(len(g.Choices), func() int { return r.Choice(10) }); !slices.Equal(got, g.Choices) {
			t.Errorf("seed %d: choices %v, want %v", g.Seed, got, g.Choices)
		}
		// One generator for several calls, as the harness uses it.
		r = New(g.Seed)
		got := [][]int{shuffled(r, len(g.InARow[0]))}
		for range g.InARow[1:] {
			got = append(got, r.Sample(15, 2))
		}
		if !slices.EqualFunc(got, g.InARow, slices.Equal) {
			t.Errorf("seed %d: in a row %v, want %v", g.Seed, got, g.InARow)
		}
		r = New(g.Seed)
		several(2000, r.Uint32) // the state has been made anew three times
		if got := several(len(g.Late), r.Uint32); !slices.Equal(got, g.Late) {
			t.Errorf("seed %d: late words %v, want %v", g.Seed, got, g.Late)
		}
	}
}

func TestMisusePanics(t *testing.T) {
	for name, call := range map[string]func(){
		"below nothing":  func() { New(1).Below(0) },
		"below 2³²":      func() { New(1).Below(1 << 32) },
		"more than all":  func() { New(1).Sample(3, 4) },
		"less than none": func() { New(1).Sample(3, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

func Example() {
	r := New(1234)
	fmt.Println(r.Sample(100, 3))
	// Output: [99 56 14]
}
