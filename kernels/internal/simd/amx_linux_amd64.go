//go:build !noasm

package simd

import (
	"fmt"
	"syscall"
)

// askForTiles has Linux let the process use the data of tiles, and says why not. A kernel
// that grants it makes room for them where it saves registers: at switches of threads,
// and on the stacks of signal handlers, whose 32 KiB in Go hold the 11 KiB of AVX-512 and
// AMX three times.
func askForTiles() string {
	const (
		archReqXcompPerm = 0x1023
		xtileData        = 18
	)
	if _, _, err := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, archReqXcompPerm, xtileData, 0); err != 0 {
		return fmt.Sprintf("the operating system does not grant tiles: arch_prctl: %v", err)
	}
	return ""
}
