package main

import "lamina/kernels"

// gpu is a device with memory of its own: what opening one comes to.
type gpu struct {
	kernels.Backend
	note     string          // a line for people about how it works here, or ""
	notes    func() []string // lines about what was computed otherwise than it would be; nil: none
	overhead int             // bytes of its memory that it holds for itself from the beginning
}

// graphics is what this binary knows of GPUs; see device_cuda.go and device_nocuda.go.
type graphics interface {
	// open opens a GPU by its number, or says why it cannot, and what to do.
	open(number int, precision kernels.Precision) (*gpu, error)
	// choose opens the first that can be used well, or says in a line why there is none;
	// "" where nobody need be told.
	choose(precision kernels.Precision) (*gpu, string)
	// describe says what there is, and where it was looked for.
	describe() cudaDescription
}

// cudaDescription is what doctor says of CUDA.
type cudaDescription struct {
	Built  bool `json:"built"`            // into this binary
	Report any  `json:"report,omitempty"` // see cuda.Report

	lines [][2]string
}
