package emulate

import (
	"slices"
	"testing"

	"lamina/crash/plan"
)

// TestEveryTransformOfPlansIsBuilt, and no other.
func TestEveryTransformOfPlansIsBuilt(t *testing.T) {
	var named []string
	for _, k := range plan.Transforms {
		if named = append(named, k.Name); transforms[k.Name].apply == nil {
			t.Errorf("plans may say %s, which nothing carries out", k.Name)
		}
	}
	for name := range transforms {
		if !slices.Contains(named, name) {
			t.Errorf("%s is no transform of plans", name)
		}
	}
}
