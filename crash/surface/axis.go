package surface

import "fmt"

// Axis is a run of coordinates, both ends among them.
type Axis struct {
	From, To float64
	Points   int
}

// MostPoints bounds an axis: a plane of as many each way has ten times more points than any
// picture has room for.
const MostPoints = 2001

// Check returns an error that says what is wrong with the axis.
func (a Axis) Check() error {
	switch {
	case a.Points < 2 || a.Points > MostPoints:
		return fmt.Errorf("%d points: want 2 to %d", a.Points, MostPoints)
	case !(a.From < a.To) || a.From < -1e6 || a.To > 1e6:
		return fmt.Errorf("range %g,%g: want two numbers, the lower first, from -1e6 to 1e6", a.From, a.To)
	}
	return nil
}

// At returns coordinate i: From + (To-From)·i/(Points-1), the ends as they were given.
func (a Axis) At(i int) float64 {
	switch i {
	case 0:
		return a.From
	case a.Points - 1:
		return a.To
	}
	return a.From + float64((a.To-a.From)*float64(i))/float64(a.Points-1)
}

// levels returns the places of the axis that each level has, coarse to fine: every 2^k-th and
// the last one, with half the step each time, all of them at the end. The first has three
// places or more.
func (a Axis) levels() (all [][]int) {
	step := 1
	for 4*step <= a.Points-1 {
		step *= 2
	}
	for ; step > 0; step /= 2 {
		var at []int
		for i := 0; i < a.Points-1; i += step {
			at = append(at, i)
		}
		all = append(all, append(at, a.Points-1))
	}
	return all
}
