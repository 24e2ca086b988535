package sim

import "syscall"

// thread returns the number of the calling thread, which a current context is bound to.
func thread() int { return syscall.Gettid() }
