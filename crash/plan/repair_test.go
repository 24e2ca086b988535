package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestRepaired(t *testing.T) {
	for _, c := range []struct {
		plan string
		how  Repair
		want string
		left []Gap
	}{
		{"0* 1 5* 9 11*", NoRepair, "0* 1 5* 9 11*", nil},
		{"0* 1 5* 9 11*", Repair(Ghost), "0* 1 ~ 5* ~ 9 ~ 11*", nil},
		{"2 3* 9", Repair(Patch), "~patch 2 3* ~patch 9 ~patch", nil},
		{"0* 2 3 4:svd0.5 9 11*", FoldRepair, "0* 2 3 4:svd0.5 9:replaceme 11*", []Gap{{1, 1, 1}, {4, 5, 8}}},
		{"2 11*", FoldRepair, "2:replaceme 11*", []Gap{{0, 0, 1}}},
		{"0 1 2 3 4 5 6 7 8 9 10 11*", Repair(Ghost), "0 1 2 3 4 5 6 7 8 9 10 11*", nil},
	} {
		got, left, err := mustPlan(t, c.plan).Repaired(12, c.how)
		if err != nil || got.String() != c.want || !slices.Equal(left, c.left) {
			t.Errorf("%s, %s: %q, %v, %v; want %q, %v", c.plan, c.how, got, left, err, c.want, c.left)
		}
	}
	if _, _, err := mustPlan(t, "0* ~ 5").Repaired(12, Repair(Ghost)); err == nil || !strings.Contains(err.Error(), "has maps already") {
		t.Errorf("a plan with maps: %v", err)
	}
	if got := mustPlan(t, "0* ~ 1 2:q8_0 3").Transformed(Transform{"svd", 0.5}).String(); got != "0* ~ 1:svd0.5 2:q8_0 3:svd0.5" {
		t.Errorf("transformed %q", got)
	}
	for _, r := range Repairs() {
		if got, err := ParseRepair(string(r)); err != nil || got != r || r.Help() == "" {
			t.Errorf("%s: %v, %v", r, got, err)
		}
	}
}
