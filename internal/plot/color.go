package plot

import (
	"fmt"
	"image/color"
	"math"
)

// rgb is a colour that stays the same in every theme.
type rgb struct{ r, g, b uint8 }

func (c rgb) hex() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

func (c rgb) rgba() color.RGBA { return color.RGBA{R: c.r, G: c.g, B: c.b, A: 255} }

// luminance returns the relative luminance of WCAG 2, 0 (black) … 1 (white).
func (c rgb) luminance() float64 {
	lin := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c.r) + 0.7152*lin(c.g) + 0.0722*lin(c.b)
}

// contrast returns the WCAG 2 contrast ratio of two colours, 1 … 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

var (
	black = rgb{0, 0, 0}
	white = rgb{255, 255, 255}
)

// over returns black or white, whichever reads better on c.
func over(c rgb) rgb {
	if contrast(c, black) >= contrast(c, white) {
		return black
	}
	return white
}

// paint is a colour of the theme (ink, muted, grid, paper) or a fixed one.
type paint struct {
	theme theme
	fixed rgb
}

// theme is a colour the reader's light or dark setting decides.
type theme uint8

const (
	none   theme = iota // nothing is painted
	fixed               // paint.fixed
	ink                 // text, axes
	muted               // secondary text
	grid                // grid lines, outlines of what is absent
	paper               // the page
	themes              // number of the above
)

// The theme's colours, in light and dark. PNG has no theme and uses light.
var lightTheme = [themes]rgb{ink: {0x1f, 0x24, 0x2b}, muted: {0x5a, 0x64, 0x70}, grid: {0xd5, 0xda, 0xe0}, paper: white}
var darkTheme = [themes]rgb{ink: {0xe8, 0xec, 0xf1}, muted: {0xa0, 0xaa, 0xb6}, grid: {0x3d, 0x45, 0x4f}, paper: {0x14, 0x18, 0x1d}}

func solid(c rgb) paint    { return paint{fixed, c} }
func themed(t theme) paint { return paint{theme: t} }

// light returns the colour p has on a light page.
func (p paint) light() rgb {
	if p.theme == fixed {
		return p.fixed
	}
	return lightTheme[p.theme]
}

// seriesColours tell runs and series apart; each has a contrast of at least 3
// to both papers (WCAG 2's bar for graphics). More series than colours repeat
// them with another marker.
var seriesColours = [...]rgb{
	{0x2f, 0x7d, 0xc8}, {0xd0, 0x6a, 0x0c}, {0x2a, 0x92, 0x62}, {0xa2, 0x5b, 0xc4},
	{0xd4, 0x48, 0x5c}, {0x1f, 0x90, 0xa0}, {0x86, 0x80, 0x20}, {0x9a, 0x6a, 0x50},
}

// scale maps t in [0,1] to a sequential colour: dark indigo over teal to pale
// yellow. Lightness rises in equal steps of OKLab (B. Ottosson, "A perceptual
// color space for image processing", 2020), so equal steps of t look equal and
// survive a grey print.
func scale(t float64) rgb {
	c, _ := oklch(scaleAt(min(max(t, 0), 1)))
	return c
}

// scaleAt returns lightness, chroma and hue. The chroma dips in the middle to
// stay inside sRGB, which is narrow at teal: clipping there would show as an
// edge that the data do not have.
func scaleAt(t float64) (lightness, chroma, hue float64) {
	d := 2*t - 1
	return 0.26 + 0.68*t, 0.087 + 0.055*d*d, (290 - 185*t) * math.Pi / 180
}

// oklch converts OKLab lightness, chroma and hue (radians) to sRGB and reports
// whether sRGB holds the colour without clipping.
func oklch(lightness, chroma, hue float64) (rgb, bool) {
	a, b := chroma*math.Cos(hue), chroma*math.Sin(hue)
	l := cube(lightness + 0.3963377774*a + 0.2158037573*b)
	m := cube(lightness - 0.1055613458*a - 0.0638541728*b)
	s := cube(lightness - 0.0894841775*a - 1.2914855480*b)
	inside := true
	channel := func(x float64) uint8 {
		const slack = 1e-4 // a quarter of a tenth of one 8-bit step
		if x < -slack || x > 1+slack {
			inside = false
		}
		x = min(max(x, 0), 1)
		if x <= 0.0031308 {
			x *= 12.92
		} else {
			x = 1.055*math.Pow(x, 1/2.4) - 0.055
		}
		return uint8(math.Round(x * 255))
	}
	c := rgb{
		channel(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		channel(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		channel(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
	}
	return c, inside
}

func cube(x float64) float64 { return x * x * x }
