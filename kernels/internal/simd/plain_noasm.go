//go:build noasm || (!amd64 && !arm64)

package simd

func dotVector(x, y []float32) float32        { return dotGeneric(x, y) }
func axpyVector(dst, x []float32, a float32)  { axpyGeneric(dst, x, a) }
func scaleVector(dst, x []float32, a float32) { scaleGeneric(dst, x, a) }
func addVector(dst, x, y []float32)           { addGeneric(dst, x, y) }
func subVector(dst, x, y []float32)           { subGeneric(dst, x, y) }
func mulVector(dst, x, y []float32)           { mulGeneric(dst, x, y) }
func sumVector(x []float32) float32           { return sumGeneric(x) }
