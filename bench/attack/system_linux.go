package main

import "golang.org/x/sys/unix"

// mostMemory is far more than any case needs, and little enough for the machine.
const mostMemory = 3 << 30

// boundMemory lets a process that asks for more than mostMemory die of it.
func boundMemory(pid int) {
	limit := unix.Rlimit{Cur: mostMemory, Max: mostMemory}
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &limit, nil) // it may have ended already
}
