package cuda

import (
	"encoding/binary"

	"lamina/kernels"
)

// poolStates implements [kernels.Pool]: norms of tokens, then what is made of each sample's.
func (be *Backend) poolStates(a kernels.PoolArgs) {
	tokens, d, samples := a.X.Rows(), a.X.Cols(), len(a.Segments)
	list := make([]byte, 0, 8*samples)
	for _, s := range a.Segments {
		list = binary.LittleEndian.AppendUint32(list, uint32(s.Start))
		list = binary.LittleEndian.AppendUint32(list, uint32(s.Len))
	}
	runs, norms := be.table(list), be.scratch(8*tokens)
	l := be.start("lamina_token_norms")
	l.ptr(norms.Ptr)
	l.tensor(a.X)
	l.u32(d)
	l.launch(tokens, rowThreads(d))

	l = be.start("lamina_sample_norms")
	l.tensor(a.Norms)
	l.ptr(norms.Ptr)
	l.ptr(runs.Ptr)
	l.launch(samples, 32)

	l = be.start("lamina_pool")
	l.tensor(a.Y)
	l.tensor(a.X)
	if a.Scaled {
		l.ptr(norms.Ptr)
	} else {
		l.ptr(0)
	}
	l.ptr(runs.Ptr)
	l.u32(d)
	l.u32(int(a.Kind))
	l.u32(a.Skip)
	l.launch3([3]int{samples, ceilDiv(d, columnThreads), 1}, [3]int{columnThreads, 1, 1}, 0)
	norms.free()
	runs.free()
}

// gramMatrix implements [kernels.Gram].
func (be *Backend) gramMatrix(a kernels.GramArgs) {
	const tile, threads = 32, 256 // of similarity.cu
	n, d := a.X.Rows(), a.X.Cols()
	means, tiles := be.scratch(8*d), ceilDiv(n, tile)
	l := be.start("lamina_feature_means")
	l.ptr(means.Ptr)
	l.tensor(a.X)
	l.u32(n)
	l.u32(d)
	l.launch(ceilDiv(d, columnThreads), columnThreads)

	l = be.start("lamina_gram")
	l.tensor(a.K)
	l.tensor(a.X)
	l.ptr(means.Ptr)
	l.u32(n)
	l.u32(d)
	l.launch3([3]int{tiles, tiles, 1}, [3]int{threads, 1, 1}, 0)
	means.free()
}
