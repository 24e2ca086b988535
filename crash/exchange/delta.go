package exchange

import "math"

// Delta is what is added to a tensor, element by element. D + Rest is exact: of two F32
// values a and b, D is a - b rounded, and Rest what rounding took away, as TwoSum (Knuth,
// The Art of Computer Programming 2, 4.2.2) has it.
type Delta struct {
	D []float64
	// Rest is that of some elements, those where b + D alone does not round to a. A rest of
	// zero says which sign a sum of zero has.
	Rest map[int]float64
}

// newDelta returns a - b with D of type F. b plus it is a, to the bit, unless D is
// infinite.
func newDelta[F float32 | float64](a, b []float32) Delta {
	d := Delta{D: make([]float64, len(a))}
	for i, v := range a {
		x, y := F(v), F(b[i])
		step := x - y
		d.D[i] = float64(step)
		if sameBits(d.plus(i, b[i], 1), v) {
			continue
		}
		if d.Rest == nil {
			d.Rest = map[int]float64{}
		}
		d.Rest[i] = restOf(x, y, step)
		if d.Rest[i] == 0 {
			d.Rest[i] = math.Copysign(0, float64(v))
		}
	}
	return d
}

// restOf returns a - b - d, where d is a - b rounded: Knuth's TwoSum of a and -b.
func restOf[F float32 | float64](a, b, d F) float64 {
	part := F(a - d)
	return float64(F(a-F(d+part)) + F(part-b))
}

// plus returns fl32(b + α·(D + Rest)), computed in float64 as (b + α·D) + α·Rest: b + D is
// exact where b is many times larger than what it becomes, and only there is a rest. What
// changes by nothing keeps its bits.
func (d Delta) plus(i int, b float32, alpha float64) float32 {
	step := float64(alpha * d.D[i])
	rest, has := d.Rest[i]
	if step == 0 && (!has || alpha == 0) {
		return b
	}
	sum := float64(float64(b)+step) + float64(alpha*rest)
	if sum == 0 && has {
		return float32(math.Copysign(0, rest))
	}
	return float32(sum)
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
