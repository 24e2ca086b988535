package cpu

import "lamina/kernels"

// Custom implements kernels.Backend: the pieces of a kernel with code for the host are
// shared out as the elements of other operations are.
func (be *Backend) Custom(k kernels.Kernel) bool {
	host, ok := k.(kernels.HostKernel)
	if ok {
		be.eachRun(host.Len(), expensive, host.Run)
	}
	return ok
}
