// Package safetensors reads and writes .safetensors files, single or sharded
// with a Hugging Face index.
//
// A file is an 8-byte little-endian length N, N bytes of JSON naming each
// tensor's dtype, shape and byte range, and the ranges themselves, which tile
// the rest of the file without hole or overlap. The format knows no quantised
// blocks. Reference: the format section of huggingface/safetensors, README.md
// and tensor.rs. Nothing is read that the Rust code refuses; seven things are refused
// that it reads:
//
//   - two tensors of one name, of which there the last one wins,
//
//   - two equal keys in __metadata__, likewise,
//
//   - a field of a tensor other than dtype, shape and data_offsets,
//
//   - a name that is empty, holds NUL or is longer than 1024 bytes,
//
//   - more than 16 axes, or more than a million tensors,
//
//   - null for __metadata__, and an array for a tensor's object,
//
//   - axes whose product overflows beside one of zero, and axes of 2^63 and more.
//
//     src, err := safetensors.Open("model.safetensors")
//     if err != nil { … }
//     defer src.Close()
//     for _, name := range src.Names() {
//     data, err := src.Bytes(name) // a view, no copy
//     }
//
// Invariants: Open returns only files whose whole header was checked, and
// allocates in proportion to the header bytes that are there. Tensor data is not
// looked at: it may hold NaN. Files appear under their name complete or not at
// all.
package safetensors
