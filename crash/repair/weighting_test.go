package repair_test

import (
	"math"
	"testing"

	"lamina/crash/repair"
)

// TestSmallDirectionsAreKept: as in modern models, the first token of each text is a
// thousand times as long as the others, along two channels alone, and the removed blocks
// leave it as it is, while they turn the others. Weighted by size, and without the first
// tokens, a Ghost map at the ridge of commands gives the others back; unweighted the ridge,
// which the massive tokens set, is more than all that the others say, and the map is
// nothing.
func TestSmallDirectionsAreKept(t *testing.T) {
	const width, rows, length, massive, ridge = 16, 600, 10, 1000, 1e-3
	g := &gap{width: width, state: 5}
	values := g.draw(rows)
	var positions []int
	for n := range rows {
		row := values[n*width : (n+1)*width]
		for k, v := range row {
			x, y := v, row[(k+1)%width] // the blocks turn the channels by one
			if n%length == 0 {
				if x = v / massive; k < 2 {
					x = v + math.Copysign(1, v)
				}
				x *= massive
				y = x
			}
			g.x, g.y = append(g.x, float32(x)), append(g.y, float32(y))
		}
		positions = append(positions, n%length)
	}
	left := func(w repair.Weighting) float64 {
		weights, err := w.Of(g.x, width, positions)
		if err != nil {
			t.Fatal(err)
		}
		m := repair.NewMoments(width)
		if err := m.Add(g.x, g.y, weights); err != nil {
			t.Fatal(err)
		}
		ghost, err := repair.Ghost(m, ridge)
		if err != nil {
			t.Fatal(err)
		}
		g.weights = repair.WithoutFirst(positions) // of the other tokens
		return g.left(ghost.W)
	}
	rms, first, plain := left(repair.ByRMS), left(repair.DropFirst), left(repair.Plain)
	t.Logf("of what is done to ordinary tokens is left: rms %.3f, drop-first %.3f, plain %.3f", rms, first, plain)
	if !(rms < 0.2) || !(first < 0.05) || !(plain > 0.9) {
		t.Errorf("left: rms %.3f, drop-first %.3f, plain %.3f", rms, first, plain)
	}
}
