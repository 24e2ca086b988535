// Package torchbin reads state dicts that torch.save wrote: pytorch_model.bin,
// single or sharded with a Hugging Face index. It runs no code.
//
// Such a file is a zip archive of uncompressed records: data.pkl, a pickle of
// the dict, and one record per storage; before torch 1.6 it was a row of pickles and
// the storages behind them, in one file. A pickle is a program for a stack
// machine that may import and call anything. The machine here knows the opcodes
// torch's own restricted loader knows and a closed table of names; "calling" one
// of them fills in a Go value, everything else is an error that names it, and
// its memory is bounded in proportion to the pickle. No name is ever looked up
// outside the table and no laxer mode is tried. Reference: pickletools.py for
// the opcodes, torch/serialization.py and torch/_weights_only_unpickler.py.
//
//	src, err := torchbin.Open("pytorch_model.bin")
//	if err != nil { … }
//	defer src.Close()
//	data, err := src.Bytes("decoder.embed_tokens.weight")
//
// The machine is our own because a general one cannot be bounded from outside:
// nlpodyssey/gopickle v0.3.0 takes 172 bytes for each byte of "]]]]…" and panics
// on "\xff", "\x8a\x00" and "}(Nu", of which no scan of opcode lengths warns.
//
// Invariants: Open has checked the archive, the pickle and that every tensor lies
// in its storage. Tensors that share a storage (tied weights) share bytes. A
// tensor that is not row-major (transposed before saving) is copied into order by
// each call of Bytes; all others are views. A record's checksum is compared when
// its bytes are first asked for; files older than torch 1.6 have none. Complex and 8-bit
// floating tensors are listed, and only asking for their bytes is an error. Tar archives
// (torch before 0.1.10), TorchScript and sparse or quantised tensors are errors that say so.
package torchbin
