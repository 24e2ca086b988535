// Package pyrandom draws what CPython's random module draws: the Mersenne Twister
// MT19937 (gonum's) seeded with a whole number, and the methods of random.Random
// that lm-evaluation-harness calls. It exists to choose the same few-shot examples and
// bootstrap samples; everything else in this module is drawn by philox.
//
//	r := pyrandom.New(1234)
//	shots := r.Sample(len(train), 5) // random.Random(1234).sample(train, 5)
//
// Invariants: equal seeds and calls give CPython 3.11's numbers, on any machine. A
// Random is used by one goroutine.
//
// Sources: the seeding and the order of draws are those of CPython's
// Lib/random.py and Modules/_randommodule.c.
package pyrandom

import (
	"fmt"
	"math"
	"math/bits"

	"gonum.org/v1/gonum/mathext/prng"
)

// Random is random.Random.
type Random struct {
	words prng.MT19937
}

// New returns random.Random(seed): a whole number is seeded with its absolute
// value, in 32-bit words, the lowest first.
func New(seed int64) *Random {
	abs := uint64(seed)
	if seed < 0 {
		abs = -abs
	}
	key := []uint32{uint32(abs)}
	if high := uint32(abs >> 32); high != 0 {
		key = append(key, high)
	}
	r := &Random{}
	r.words.SeedFromKeys(key)
	return r
}

// Uint32 is getrandbits(32).
func (r *Random) Uint32() uint32 { return r.words.Uint32() }

// Float64 is random(): 53 bits in [0, 1).
func (r *Random) Float64() float64 {
	a, b := r.Uint32()>>5, r.Uint32()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

// Below is _randbelow(n): a whole number in [0, n), drawn again while it is too
// large. It panics unless 1 <= n <= 2³¹.
func (r *Random) Below(n int) int {
	if n < 1 || n > 1<<31 {
		panic(fmt.Sprintf("pyrandom: Below: %d: want 1 to 2³¹", n))
	}
	shift := 32 - bits.Len32(uint32(n))
	for {
		if v := int(r.Uint32() >> shift); v < n {
			return v
		}
	}
}

// Sample is sample(range(n), k): k different places in the order they were drawn.
// It panics unless 0 <= k <= n.
func (r *Random) Sample(n, k int) []int {
	if k < 0 || k > n {
		panic(fmt.Sprintf("pyrandom: Sample: %d of %d", k, n))
	}
	out := make([]int, k)
	// CPython keeps a list where it is smaller than a set would be, and both draw
	// differently.
	set := 21
	if k > 5 {
		set += int(math.Pow(4, math.Ceil(math.Log(float64(k*3))/math.Log(4))))
	}
	if n <= set {
		pool := make([]int, n)
		for i := range pool {
			pool[i] = i
		}
		for i := range out {
			j := r.Below(n - i)
			out[i], pool[j] = pool[j], pool[n-i-1]
		}
		return out
	}
	taken := make(map[int]bool, k)
	for i := range out {
		j := r.Below(n)
		for taken[j] {
			j = r.Below(n)
		}
		taken[j], out[i] = true, j
	}
	return out
}

// Shuffle is shuffle(x) for a list of n things: swap is called as x[i], x[j] =
// x[j], x[i].
func (r *Random) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.Below(i+1))
	}
}

// Choice is one place that choices(range(n)) draws.
func (r *Random) Choice(n int) int { return int(r.Float64() * float64(n)) }
