package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestShape(t *testing.T) {
	for _, c := range []struct {
		share, repair, compress string
		want                    string
		left                    []Gap
	}{
		{"", "", "", "0* 1 5*", nil},
		{"none", "none", "", "0* 1 5*", nil},
		{"all", "none", "", "0* 1 1 5 5 5*", nil},
		{"damped", "", "svd0.5", "0* 1:svd0.5 1xfit:svd0.5 5xfit:svd0.5 5xfit:svd0.5 5*", nil},
		{"none", "ghost", "q8_0", "0* 1:q8_0 ~ 5*", nil},
		{"", "replaceme", "width0.5", "0* 1:replaceme 5*", nil},
	} {
		s, err := ParseShape(c.share, c.repair, c.compress)
		if err != nil {
			t.Fatal(err)
		}
		got, left, err := ReadShaped("0* 1 5*", s, 6)
		if err != nil || got.String() != c.want || !slices.Equal(left, c.left) {
			t.Errorf("%+v: %q, %v, %v; want %q", c, got, left, err, c.want)
		}
	}
	s, _ := ParseShape("", "replaceme", "")
	if _, left, err := ReadShaped("0* 4 5*", s, 9); err != nil || GapsText(left) != "1 to 3, 6 to 8" {
		t.Errorf("left %q, %v", GapsText(left), err)
	}
	if help := TransformHelp(); !strings.Contains(help, "svd0.5: two factors") || strings.Contains(help, "ReplaceMe") {
		t.Error(help)
	}
}

func TestShapesAreRefused(t *testing.T) {
	for _, c := range [][4]string{
		{"some", "", "", `share: "some" is unknown`},
		{"", "all", "", `repair: "all" is unknown: want one of none, ghost, patch, hadamard, scalar, replaceme`},
		{"", "", "svd", `compress: transform "svd": want a number behind svd, such as svd0.5`},
		{"", "", "replaceme", "compress: replaceme fills gaps and makes nothing smaller: give it as the repair"},
		{"frozen", "ghost", "", "share frozen and repair ghost: sharing fills every removed place, and leaves no gap to repair"},
	} {
		if _, err := ParseShape(c[0], c[1], c[2]); err == nil || !strings.Contains(err.Error(), c[3]) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestShapesSayWhatTheyLeave: gaps that a repair does not fill, and layers that are not made
// smaller because they take up a gap, or because none is frozen.
func TestShapesSayWhatTheyLeave(t *testing.T) {
	for _, c := range []struct{ plan, repair, compress, want string }{
		{"0* 1 5*", "ghost", "svd0.5", ""},
		{"0* 1 5*", "", "", ""},
		{"0* 1 2 3 4 5*", "ghost", "", "--repair ghost: nothing is left out in the plan 0* 1 2 3 4 5*, there is no gap to fill"},
		{"0* 3 5*", "replaceme", "", "--repair replaceme leaves the gaps of layers 1 to 2: no frozen layer without a transform stands below them"},
		{"0* 1 3 4 5*", "replaceme", "svd0.5", "--compress svd0.5 leaves 1:replaceme as they are: a layer has one transform"},
		{"0* 1:q8_0 3:svd0.5 5*", "", "svd0.5", "--compress svd0.5 leaves 1:q8_0 as they are: a layer has one transform"},
		{"0* 5*", "", "svd0.5", "--compress svd0.5: no layer of the plan 0* 5* is frozen, and nothing is made smaller"},
	} {
		s, err := ParseShape("", c.repair, c.compress)
		if err != nil {
			t.Fatal(err)
		}
		p, left, err := ReadShaped(c.plan, s, 6)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.Doubts(p, left), "\n"); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
