package cases

import "testing"

func TestAllCasesAreAskedFor(t *testing.T) {
	for asked, want := range map[string]int{"": 7, "whole": 1} {
		t.Setenv("LAMINA_TESTS", asked)
		if got := Each(7); got != want || Few() != (want > 1) {
			t.Errorf("LAMINA_TESTS=%q: each %d-th, want each %d-th; few: %v", asked, got, want, Few())
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("LAMINA_TESTS=all is taken for something")
		}
	}()
	t.Setenv("LAMINA_TESTS", "all")
	Few()
}
