package privacy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// Key is the secret that sampling and noise are drawn by. Who has it can take the noise
// away again and knows which examples each step saw: no guarantee holds against him. It
// prints as nothing, and never as itself.
type Key struct{ bytes [32]byte }

// NewKey draws a key from the system's cryptographic source.
func NewKey() (k Key, err error) {
	if _, err := rand.Read(k.bytes[:]); err != nil {
		return k, fmt.Errorf("a key of noise: %w", err)
	}
	return k, nil
}

// TestKey makes a key of a number, which anybody can guess: for tests, where the same
// numbers are wanted and nothing is promised.
func TestKey(seed uint64) (k Key) {
	copy(k.bytes[:], "lamina: a key that is no secret.")
	binary.LittleEndian.PutUint64(k.bytes[:], seed)
	return k
}

// ParseKey reads what [Key.Secret] wrote.
func ParseKey(text string) (k Key, err error) {
	data, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(data) != len(k.bytes) {
		return k, fmt.Errorf("no key of noise: want %d digits of 0-9 and a-f", 2*len(k.bytes))
	}
	copy(k.bytes[:], data)
	return k, nil
}

// Secret returns the key as text, to be kept where nobody else reads it.
func (k Key) Secret() string { return hex.EncodeToString(k.bytes[:]) }

// String hides the key.
func (k Key) String() string { return "(secret)" }

// GoString hides it too.
func (k Key) GoString() string { return k.String() }

// Stream returns the numbers of one purpose in one step. Different arguments give
// different streams.
func (k Key) Stream(step, purpose uint32) Stream {
	block, err := aes.NewCipher(k.bytes[:])
	if err != nil {
		panic("privacy: Stream: " + err.Error()) // 32 bytes are a key
	}
	return Stream{block, uint64(purpose)<<32 | uint64(step)}
}

// Stream gives random numbers by counter, as internal/philox does, by a generator that is
// meant for secrets: block i is AES-256 of (i, stream) under the key, AES in counter mode
// at any place. It has no state; calls may come from several goroutines at once.
//
// Words are of 64 bits, so that a normal deviate reaches to 9.4 and the chance of more, of
// 2⁻⁶⁶, is far below any δ; 32 bits would end at 6.7. That rounded numbers can tell more
// of what they were added to than real ones (Mironov, "On Significance of the Least
// Significant Bits", CCS 2012) is not counted against.
type Stream struct {
	block  cipher.Block
	stream uint64
}

// At returns the two random words of a counter.
func (s Stream) At(counter uint64) (a, b uint64) {
	var in, out [aes.BlockSize]byte
	binary.LittleEndian.PutUint64(in[:8], counter)
	binary.LittleEndian.PutUint64(in[8:], s.stream)
	s.block.Encrypt(out[:], in[:])
	return binary.LittleEndian.Uint64(out[:8]), binary.LittleEndian.Uint64(out[8:])
}

// Uniform returns element i of a uniform stream over [0, 1): the upper 53 bits of a word.
func (s Stream) Uniform(i uint64) float64 {
	a, b := s.At(i / 2)
	if i%2 == 1 {
		a = b
	}
	return float64(a>>11) * 0x1p-53
}

// Normal returns element i of a stream of independent standard normal deviates: elements
// 2k and 2k+1 are the Box–Muller pair of block k.
func (s Stream) Normal(i uint64) float64 {
	x, y := s.pair(i / 2)
	if i%2 == 1 {
		return y
	}
	return x
}

// pair is Box and Muller (1958): √(-2 ln u)·(cos 2πv, sin 2πv), u in (0, 1], which keeps
// the logarithm finite.
func (s Stream) pair(counter uint64) (x, y float64) {
	a, b := s.At(counter)
	u := (float64(a) + 1) * 0x1p-64
	radius := math.Sqrt(-2 * math.Log(u))
	sin, cos := math.Sincos(2 * math.Pi * float64(b>>11) * 0x1p-53)
	return radius * cos, radius * sin
}

// AddNormal adds std times elements first, first+1, … of the stream to dst, in float64,
// each sum rounded to 32 bits once. first is even.
func (s Stream) AddNormal(dst []float32, first uint64, std float64) {
	if first%2 != 0 {
		panic(fmt.Sprintf("privacy: AddNormal: first %d is odd, and numbers come in pairs", first))
	}
	for i := 0; i < len(dst); i += 2 {
		x, y := s.pair((first + uint64(i)) / 2)
		dst[i] = float32(float64(dst[i]) + float64(std*x)) // the conversion keeps it from being fused
		if i+1 < len(dst) {
			dst[i+1] = float32(float64(dst[i+1]) + float64(std*y))
		}
	}
}
