package kernels

// LogitBytes returns how many bytes of logits, each row of the size of a vocabulary, are
// meant to exist at once where a loss is computed for some rows at a time: 64 MiB, or what
// the backend says by a method LogitBytes() int. It is a constant of a device, never of
// what is free on it: a gradient that is a sum over rows may be added up otherwise
// where rows are cut otherwise. A nil be says nothing.
func LogitBytes(be Backend) int {
	const usual = 64 << 20
	if be, ok := be.(interface{ LogitBytes() int }); ok {
		return be.LogitBytes()
	}
	return usual
}
