package plot

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

func tokenGrid() TokenGrid {
	g := TokenGrid{Title: "Lens", Columns: []string{"One", " Ring", "\n"}, RowLabel: "layer", ValueLabel: "probability", Max: 1}
	for panel := range 3 {
		p := TokenPanel{Title: fmt.Sprintf("model %d", panel)}
		for row := range 4 {
			r := TokenRow{Label: fmt.Sprint(row)}
			if row != panel {
				for k := range g.Columns {
					r.Cells = append(r.Cells, TokenCell{fmt.Sprintf(" word%d<&>", k), float64(row) / 4, "the tip"})
				}
			}
			p.Rows = append(p.Rows, r)
		}
		g.Panels = append(g.Panels, p)
	}
	return g
}

// TestTokenGrid: the words are there, blanks are seen, a layer that is left out says so, and the
// same grid gives the same bytes.
func TestTokenGrid(t *testing.T) {
	pic := tokenGrid().Draw()
	svg := pic.SVG()
	for _, want := range []string{"·Ring", `\n`, "model 2", "not in this model", "the tip", ".75", "probability", "·word0&lt;&amp;"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the SVG lacks %q", want)
		}
	}
	if svg != tokenGrid().Draw().SVG() {
		t.Error("other bytes the second time")
	}
	var one, two bytes.Buffer
	if err := pic.PNG(&one); err != nil {
		t.Fatal(err)
	}
	if err := tokenGrid().Draw().PNG(&two); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("the PNG differs the second time: %v", err)
	}
	if !strings.Contains(pic.values, "model 0: 4 rows, on top") {
		t.Errorf("in words: %s", pic.values)
	}
}

// TestTokenGridOfOddValues: no value breaks the picture, and the scale is that of the values.
func TestTokenGridOfOddValues(t *testing.T) {
	g := tokenGrid()
	g.Max = 0
	g.Panels[0].Rows[1].Cells[0] = TokenCell{"", math.NaN(), ""}
	g.Panels[0].Rows[1].Cells[1] = TokenCell{strings.Repeat("long ", 40), 7.3, ""}
	g.Panels[0].Rows[1].Cells[2] = TokenCell{"\x00\x1b", math.Inf(1), ""}
	svg := g.Draw().SVG()
	if strings.Contains(svg, "NaN") || strings.ContainsAny(svg, "\x00\x1b") || !strings.Contains(svg, "(empty)") {
		t.Error("odd values came through")
	}
	for what, bad := range map[string]TokenGrid{"nothing": {}, "cells": {Columns: []string{"a"}, Panels: []TokenPanel{{Rows: []TokenRow{{Cells: make([]TokenCell, 2)}}}}}} {
		func() {
			defer func() {
				if e, _ := recover().(string); !strings.HasPrefix(e, "plot: TokenGrid: ") {
					t.Errorf("%s: %q", what, e)
				}
			}()
			bad.Draw()
		}()
	}
}
