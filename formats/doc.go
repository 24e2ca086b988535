// Package formats holds what the formats of checkpoints share: the [Reader] that each
// of them opens, the one error type, mapped files and sharded indexes.
//
// It turns nothing into models and knows no tensor names. The formats:
// formats/safetensors, formats/torchbin, formats/gguf.
//
//	src, err := safetensors.Open("model.safetensors")
//	if err != nil { … }
//	defer src.Close()
//	e, ok := src.Entry("lm_head.weight")
//	data, err := src.Bytes("lm_head.weight")
//	tensor.DecodeF32(dst, data, e.DType)
//
// Invariants: a file is checked whole (every name, shape, type and byte range)
// before Open returns, nothing is allocated by a size the file only declares,
// and no code from a file runs. Bytes are views of the file: nobody writes to
// them, and nobody reads them after Close. A file that another process truncates
// while it is mapped ends the program; do not load from a file being written.
package formats
