package main

import (
	"fmt"
	"os"
	"path/filepath"

	"lamina/crash/measure"
	"lamina/internal/files"
	"lamina/internal/plot"
)

// checkPlot returns an error where a picture could not be written at path, before what it
// shows is computed; "" is none.
func checkPlot(path string) error {
	if path == "" {
		return nil
	}
	if ext := filepath.Ext(path); ext != ".svg" && ext != ".png" {
		return usagef("--plot %s: want a name that ends in .svg or .png", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("--plot %s: no such directory: %s", path, filepath.Dir(path))
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("--plot %s: is a directory, give a file", path)
	}
	return nil
}

// plotSimilarity draws the matrix with the likeness of neighbours below it; nothing where
// path is "".
func plotSimilarity(path string, sim measure.Similarity) error {
	if path == "" {
		return nil
	}
	picture := plot.HeatMap{
		Title: "Similarity of layers", AxisLabel: "state (0: embeddings, i: output of block i-1)", ValueLabel: sim.Metric,
		Matrix: sim.Matrix, Neighbours: true,
	}.Draw()
	if filepath.Ext(path) == ".png" {
		return files.Write(path, picture.PNG)
	}
	return files.WriteBytes(path, []byte(picture.SVG()))
}
