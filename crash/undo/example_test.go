package undo_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"lamina/crash/undo"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/tensor"
)

// A directory that was written from another gives that one's bytes back.
func ExampleBack() {
	dir, err := os.MkdirTemp("", "undo")
	check(err)
	defer os.RemoveAll(dir)
	base, out := filepath.Join(dir, "model"), filepath.Join(dir, "tuned")
	check(os.Mkdir(base, 0o700))
	check(exampleWeights(base, 1))
	before, err := os.ReadFile(filepath.Join(base, "model.safetensors"))
	check(err)

	release, err := undo.Lock(out)
	check(err)
	var id string
	check(files.Output{Path: out, Kind: "plugged model"}.Write(func(tmp string) error {
		if err := exampleWeights(tmp, 2); err != nil {
			return err
		}
		id, err = undo.Keep(tmp, out, undo.Base{Path: base, Weights: []string{filepath.Join(base, "model.safetensors")}})
		return err
	}))
	check(undo.Settle(out, id))
	release()
	check(os.RemoveAll(base)) // the way back needs it no more

	_, err = undo.Back(out, "plugged model")
	check(err)
	after, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
	check(err)
	fmt.Println(string(after) == string(before))
	// Output: true
}

// exampleWeights writes a model of one tensor.
func exampleWeights(dir string, value float32) error {
	w := []formats.Entry{{Name: "w", DType: tensor.F32, Shape: []int{1}}}
	return safetensors.WriteSharded(dir, w, 0, func(_ string, to io.Writer) error {
		_, err := to.Write(tensor.Bytes([]float32{value}))
		return err
	})
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
