package plot

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// unfit is a shape at which the library panics.
type unfit struct{ shape }

func (unfit) raster(*canvas) { panic("no such glyph") }

// A panic of the library that draws is an error, and nothing is written of the picture.
func TestPanickingRasterIsAnError(t *testing.T) {
	p := &Picture{width: 20, height: 10, shapes: []shape{rect{w: 5, h: 5}}}
	if err := p.PNG(io.Discard); err != nil {
		t.Fatal(err)
	}
	p.add(unfit{})
	var out bytes.Buffer
	if err := p.PNG(&out); err == nil || !strings.Contains(err.Error(), "drawing the png gave up: no such glyph") || out.Len() > 0 {
		t.Errorf("error %v, %d bytes", err, out.Len())
	}
}
