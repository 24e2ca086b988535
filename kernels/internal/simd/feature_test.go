package simd

import "testing"

// TestFeaturesGoByLevelAndCanBeTakenAway: no level but AVX512 has a feature, nor one
// that Without took, and PeakOf runs nothing that the machine has not.
func TestFeaturesGoByLevelAndCanBeTakenAway(t *testing.T) {
	was := Active()
	defer Set(was)
	for _, l := range Levels() {
		Set(l)
		for f := range features {
			t.Logf("%v: %v %v", l, f, Has(f))
			if Has(f) && l != AVX512 {
				t.Errorf("%v has %v", l, f)
			}
			if got := PeakOf(f, 3); (got > 0) != Has(f) {
				t.Errorf("%v: %v does %d operations, Has says %v", l, f, got, Has(f))
			}
			had := Has(f)
			restore := Without(f)
			if Has(f) || PeakOf(f, 3) != 0 || f == TileBF16 && NoTiles() == "" {
				t.Errorf("%v: %v was not taken away", l, f)
			}
			restore()
			if Has(f) != had {
				t.Errorf("%v: %v was not given back", l, f)
			}
		}
		if Has(TileBF16) != (NoTiles() == "") {
			t.Errorf("tiles %v, but why not is %q", Has(TileBF16), NoTiles())
		}
	}
}
