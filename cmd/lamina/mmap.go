package main

import (
	"lamina/internal/machine"
	"lamina/tensor"
	"lamina/transformer"
)

// mmapFlag says where weights lie that every token reads once.
type mmapFlag struct {
	Mmap *bool `negatable:"" help:"Read the weights where they lie in the mapped file, or with --no-mmap from a copy in memory, in large pages, which is quicker for each token and a little slower to begin. Default: a copy, if many tokens may come and it takes no more than half of the memory that is free."`
}

// manyTokens is how many make up for the time of copying, about: see decision 32.
const manyTokens = 128

// place copies a decoder's weights if that is to be, before so many tokens are decoded. What
// is on a GPU lies in no file.
func (f mmapFlag) place(c *transformer.Checkpoint, d *transformer.Decoder, tokens int) error {
	wanted := f.Mmap != nil && !*f.Mmap
	if f.Mmap == nil && tokens >= manyTokens {
		wanted = worthCopying(c.Mapped(d), machine.ReadMemory().Usable(), tensor.LargePages())
	}
	if !wanted {
		return nil
	}
	return c.CopyMapped(d)
}

// worthCopying reports whether so many bytes of weights are copied if nobody says: where
// there are large pages, at most half of what is free, and nothing where that is not known.
func worthCopying(bytes, free int, largePages bool) bool {
	return largePages && bytes <= free/2
}
