package units_test

import (
	"testing"

	"lamina/internal/units"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "7": 7, "1.5 KiB": 1536, "1.5KiB": 1536, "512MiB": 512 << 20, "2G": 2 << 30, "2GB": 2 << 30, " 3 TiB ": 3 << 40, "0.5K": 512,
	} {
		if got, err := units.ParseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1 PiB", "NaN", "inf", "1e30", "KiB", "2 G i B", "1KMiB"} {
		if got, err := units.ParseBytes(text); err == nil {
			t.Errorf("%q: %d, and no error", text, got)
		}
	}
}
