package cuda

import "lamina/kernels"

const (
	dropoutThreads = 256
	dropoutCols    = 4 // that share a counter
)

// Dropout implements kernels.Backend.
func (be *Backend) Dropout(a kernels.DropoutArgs) {
	mustF32("Dropout", a.Y)
	rows, cols := a.Y.Rows(), a.Y.Cols()
	quads := ceilDiv(cols, dropoutCols)
	l := be.start("lamina_dropout")
	l.tensor(a.Y)
	l.tensor(a.X)
	l.tensor(a.Rows)
	l.u64(uint64(rows))
	l.u32(cols)
	l.u32(quads)
	l.u64(a.Seed)
	l.u64(a.Stream)
	l.u64(a.Threshold())
	l.f32(float32(1 / (1 - a.P)))
	l.launch(ceilDiv(rows*quads, dropoutThreads), dropoutThreads)
}
