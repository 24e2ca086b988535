package privacy

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

// F.5.5 of NIST SP 800-38A: the first output block of AES-256 in counter mode, whose counter and
// stream are the two halves of the block that is encrypted.
func TestStreamIsAES256(t *testing.T) {
	k, err := ParseKey("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
	if err != nil {
		t.Fatal(err)
	}
	s := k.Stream(0, 0)
	s.stream = 0xfffefdfcfbfaf9f8
	a, b := s.At(0xf7f6f5f4f3f2f1f0)
	if got := fmt.Sprintf("%x", binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, a), b)); got != "0bdf7df1591716335e9a8b15c860c502" {
		t.Errorf("block %s", got)
	}
}

func TestKeysAreDifferentAndHidden(t *testing.T) {
	a, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if a == b {
		t.Error("two keys are the same")
	}
	for _, text := range []string{fmt.Sprint(a), fmt.Sprintf("%+v", a), fmt.Sprintf("%#v", a)} {
		if strings.Contains(text, a.Secret()[:8]) || text != "(secret)" {
			t.Errorf("a key prints as %s", text)
		}
	}
	back, err := ParseKey(a.Secret() + "\n")
	if err != nil || back != a {
		t.Errorf("read back: %v", err)
	}
	for _, bad := range []string{"", "00", strings.Repeat("g", 64), strings.Repeat("0", 66)} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if TestKey(1) == TestKey(2) {
		t.Error("two test keys are the same")
	}
}

// Moments of 2^18 numbers within six standard errors: the numbers are fixed by the key.
// The fourth moment of a product of neighbours tells that pairs are independent.
func TestNoiseIsNormal(t *testing.T) {
	const n = 1 << 18
	s := TestKey(42).Stream(7, 1)
	x := make([]float32, n)
	s.AddNormal(x, 0, 1)
	var m [6]float64
	for i, v := range x {
		a, b := float64(v), float64(x[(i+1)%n])
		for j, f := range []float64{a, a * a, a * a * a, a * a * a * a, a * b, a * a * b * b} {
			m[j] += f / n
		}
	}
	for j, want := range []struct{ value, deviation float64 }{{0, 1}, {1, math.Sqrt(2)}, {0, math.Sqrt(15)}, {3, math.Sqrt(96)}, {0, 1}, {1, math.Sqrt(8)}} {
		if d := math.Abs(m[j] - want.value); !(d <= 6*want.deviation/math.Sqrt(n)) {
			t.Errorf("moment %d is %v, want %v", j, m[j], want.value)
		}
	}
	sum := 0.0
	for i := range n {
		sum += s.Uniform(uint64(i)) / n
	}
	if d := math.Abs(sum - 0.5); !(d <= 6*math.Sqrt(1./12/n)) {
		t.Errorf("mean of uniforms %v", sum)
	}
}

// However a vector is cut, each element gets its own number; streams differ by step and
// purpose.
func TestAddNormalGoesByPlace(t *testing.T) {
	s := TestKey(3).Stream(1, 2)
	whole := make([]float32, 11)
	s.AddNormal(whole, 4, 2.5)
	parts := make([]float32, 11)
	s.AddNormal(parts[:6], 4, 2.5)
	s.AddNormal(parts[6:], 10, 2.5)
	for i := range whole {
		if whole[i] != parts[i] || whole[i] != float32(2.5*s.Normal(uint64(4+i))) {
			t.Errorf("element %d: %v, %v", i, whole[i], parts[i])
		}
	}
	for _, other := range []Stream{TestKey(3).Stream(2, 2), TestKey(3).Stream(1, 1), TestKey(4).Stream(1, 2)} {
		if other.Normal(0) == s.Normal(0) {
			t.Error("two streams begin alike")
		}
	}
}
