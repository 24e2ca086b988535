//go:build !cuda

package main

import (
	"errors"

	"lamina/kernels"
)

// cudaGraphics knows no GPU: what does stands behind a build tag, since it makes the binary
// ask for the C library's loader.
var cudaGraphics graphics = noCUDA{}

type noCUDA struct{}

func (noCUDA) open(int, kernels.Precision) (*gpu, error) {
	return nil, errors.New("CUDA is not in this binary: build one that has it by `go build -tags cuda ./cmd/lamina`, or give --device cpu")
}

func (noCUDA) choose(kernels.Precision) (*gpu, string) { return nil, "" }

func (noCUDA) describe() cudaDescription {
	return cudaDescription{lines: [][2]string{{"CUDA", "not in this binary: go build -tags cuda ./cmd/lamina makes one that has it"}}}
}
