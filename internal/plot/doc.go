// Package plot draws the pictures of a report: matrices as heat maps, surfaces as
// landscapes and maps, values along a line, layer plans as strips of cells, loss
// curves, scores with their standard errors, trees of clusters, points, and any of
// these side by side. Each is laid out once and then written as SVG (for the report) or
// PNG (for everything that shows no SVG).
//
// It knows nothing of models or runs: it gets numbers and strings, and what a
// label says is the caller's choice.
//
//	pic := plot.HeatMap{
//		Title: "CKA between layer states", AxisLabel: "state (0 = embeddings)", ValueLabel: "CKA",
//		Matrix: matrix, Groups: []plot.Span{{From: 1, To: 4}, {From: 5, To: 12}},
//	}.Draw()
//	svg := pic.SVG()
//	err := files.Write("plots/cka.png", pic.PNG)
//
// Invariants: the same input gives the same bytes; no colour is the only
// carrier of a distinction (cells are numbered, lines differ in marker or
// width); texts and lines take the reader's light or dark theme in SVG; SVG
// holds no script and no reference to anything outside; names may be hostile,
// they are escaped and cut.
//
// The layout and the SVG are our own instead of gonum/plot's because its SVG
// has fixed black text (unreadable on a dark page), positions each glyph run
// for fonts the reader may lack, and fits neither numbered cells nor strips;
// PNG goes through its raster canvas (plot/vg/vgimg) and embedded fonts.
package plot
