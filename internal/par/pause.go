//go:build !noasm && (amd64 || arm64)

package par

// pause executes the instruction for spin loops n times: it takes a few dozen
// cycles in which the core's other thread, if it has one, runs alone.
func pause(n uint32)
