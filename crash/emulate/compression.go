package emulate

// Compression makes an emulator smaller than its plan alone does: it replaces blocks,
// or layers in them, by cheaper ones. Frozen blocks are the full model's own, so
// Apply puts others in their places and changes none of them; trainable blocks and
// the order of places stay as they are.
type Compression struct {
	Name  string // as run directories state it; "" is no compression
	Apply func(*Emulator) error
}
