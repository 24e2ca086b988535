package tensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page of amd64, and of arm64 with pages of 4 KiB.
const hugePage = 2 << 20

// advise asks for large pages where whole ones fit into data: arenas, weights and
// moments are gone through in order and by several streams at once, which small
// pages slow down by a fifth. A system that refuses the hint is only slower.
func advise(data []byte) {
	if len(data) < 2*hugePage {
		return
	}
	skip := int(-uintptr(unsafe.Pointer(&data[0])) & (hugePage - 1))
	n := (len(data) - skip) / hugePage * hugePage
	_ = unix.Madvise(data[skip:skip+n], unix.MADV_HUGEPAGE)
}
