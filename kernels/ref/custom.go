package ref

import "lamina/kernels"

// Custom implements kernels.Backend: a kernel with code for the host runs as one piece.
func (*Backend) Custom(k kernels.Kernel) bool {
	host, ok := k.(kernels.HostKernel)
	if ok {
		host.Run(0, host.Len())
	}
	return ok
}
