package plot

import (
	"math"
	"testing"
)

func TestScaleIsPerceptual(t *testing.T) {
	const n = 256
	last := -1.0
	for i := range n {
		x := float64(i) / (n - 1)
		if _, inside := oklch(scaleAt(x)); !inside {
			t.Errorf("scale(%g) lies outside sRGB", x)
		}
		y := scale(x).luminance()
		if y <= last {
			t.Errorf("luminance falls at %g: %g after %g", x, y, last)
		}
		// OKLab's lightness is nearly the cube root of luminance; 8-bit
		// channels and the hue's share leave ± 0.03.
		if got, want := math.Cbrt(y), 0.26+0.68*x; math.Abs(got-want) > 0.03 {
			t.Errorf("lightness %g at %g, want %g", got, x, want)
		}
		last = y
	}
	if scale(-1) != scale(0) || scale(2) != scale(1) {
		t.Error("values outside [0,1] do not take the end's colour")
	}
}

func TestContrast(t *testing.T) {
	if got := contrast(black, white); math.Abs(got-21) > 1e-9 {
		t.Fatalf("contrast of black and white %g, want 21", got)
	}
	for i, c := range seriesColours {
		for name, page := range map[string]rgb{"light": lightTheme[paper], "dark": darkTheme[paper]} {
			if got := contrast(c, page); got < 3 {
				t.Errorf("series %d on %s: contrast %.2f < 3", i, name, got)
			}
		}
	}
	for name, theme := range map[string][themes]rgb{"light": lightTheme, "dark": darkTheme} {
		for _, c := range []namedTheme{{"ink", ink}, {"muted", muted}} {
			if got := contrast(theme[c.t], theme[paper]); got < 4.5 {
				t.Errorf("%s: %s on paper: contrast %.2f < 4.5", name, c.name, got)
			}
		}
	}
	for _, look := range looks {
		if look.fill.theme == fixed {
			if got := contrast(look.fill.fixed, look.text.fixed); got < 4.5 {
				t.Errorf("%s: number on cell: contrast %.2f < 4.5", look.name, got)
			}
		}
	}
	for i := range 101 {
		c := scale(float64(i) / 100)
		if got := contrast(c, over(c)); got < 4.5 {
			t.Errorf("number on scale(%d%%): contrast %.2f < 4.5", i, got)
		}
	}
}

type namedTheme struct {
	name string
	t    theme
}
