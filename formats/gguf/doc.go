// Package gguf reads GGUF files, versions 2 and 3, little-endian: typed metadata
// and tensors of F32, F16, BF16, F64, integers, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K,
// Q5_K and Q6_K.
//
// Tensors of other quantised types are listed, with an invalid DType, and only
// asking for their bytes is an error. What the metadata mean for a model or a
// tokenizer is not known here. Reference: ggml docs/gguf.md; where a check differs
// between the document and gguf.cpp the comment says which was followed.
//
//	f, err := gguf.Open("model.gguf")
//	if err != nil { … }
//	defer f.Close()
//	arch, ok := f.String("general.architecture")
//	layers, ok := f.Uint(arch + ".block_count")
//	data, err := f.Bytes("token_embd.weight") // blocks as they are
//
// Invariants: Open has checked every key, value, shape and range; counts and
// lengths are held against the bytes left before they are used; metadata values
// are decoded when asked for, from the file. Shapes are row-major: GGUF's ne
// reversed, so a weight of ne [in, out] has Shape [out in].
package gguf
