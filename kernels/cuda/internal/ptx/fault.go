package ptx

import "fmt"

// Kind says what a kernel did wrong.
type Kind uint8

const (
	// OutOfBounds: an access outside every allocation or variable.
	OutOfBounds Kind = iota + 1
	// Misaligned: an address that is no multiple of the access's size.
	Misaligned
	// Uninitialised: memory or a register is read that nothing has written.
	Uninitialised
	// SharedRace: two threads of a block use the same byte of shared memory, one of them
	// writes, and no barrier stands between.
	SharedRace
	// GlobalRace: the same of global memory, among blocks or warps of one launch.
	GlobalRace
	// DivergentBarrier: a barrier, or an exchange within a warp, that not all threads
	// reach that it waits for.
	DivergentBarrier
	// BadParameter: the parameters are not those of the entry.
	BadParameter
	// Unsupported: what a machine does not do, like a call of a function without a body.
	Unsupported
	// Limits: more threads, blocks, shared memory or instructions than a device allows.
	Limits
	// Trap: the kernel stopped itself.
	Trap
)

func (k Kind) String() string {
	names := [...]string{"", "OutOfBounds", "Misaligned", "Uninitialised", "SharedRace", "GlobalRace", "DivergentBarrier", "BadParameter", "Unsupported", "Limits", "Trap"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Fault is what a launch found wrong: where, who, and with what memory.
type Fault struct {
	Kind       Kind
	Entry      string
	Line       int    // of the PTX text; 0 where no instruction is to blame
	Text       string // the instruction
	Block      [3]int
	Thread     [3]int
	Address    uint64
	Allocation string // what the address belongs to, or lies next to
	What       string
}

func (f *Fault) Error() string {
	s := fmt.Sprintf("ptx: %s in %s", f.Kind, f.Entry)
	if f.Line > 0 {
		s += fmt.Sprintf(": line %d: %s: block %v thread %v", f.Line, f.Text, f.Block, f.Thread)
	}
	if f.Address != 0 || f.Allocation != "" {
		s += fmt.Sprintf(": address %#x", f.Address)
	}
	if f.Allocation != "" {
		s += " (" + f.Allocation + ")"
	}
	return s + ": " + f.What
}
