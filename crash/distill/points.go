package distill

import "lamina/crash/plan"

// Point is where emulator and model are compared: the stream before a place of the one
// and before a layer of the other. The number behind the last of either is its last
// stream, before the final norm.
type Point struct{ Place, Layer int }

// Middles returns where each part of a plan that is not trained ends: before the next
// starred place, or at the end. Of a plan whose stars are the first and the last layers
// there is one, the output of offsite-tuning's middle. Between stars that are neighbours in
// the plan and in the model there is none.
func Middles(p plan.Plan, layers int) (ends []Point) {
	place, layer := 0, 0 // that would follow the last star without a gap
	for at, s := range p {
		if !s.Trainable {
			continue
		}
		if at != place || s.Layer != layer {
			ends = append(ends, Point{at, s.Layer})
		}
		place, layer = at+1, s.Layer+1
	}
	if place != len(p) || layer != layers {
		ends = append(ends, Point{len(p), layers})
	}
	return ends
}

// withLast returns the points, and the last stream if it is none of them.
func withLast(points []Point, p plan.Plan, layers int) []Point {
	last := Point{len(p), layers}
	if n := len(points); n > 0 && points[n-1] == last {
		return points
	}
	return append(points[:len(points):len(points)], last)
}
