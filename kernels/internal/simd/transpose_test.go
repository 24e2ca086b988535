package simd

import "testing"

func TestTransposeAtEveryEdge(t *testing.T) {
	defer Set(Active())
	for _, l := range Levels() {
		Set(l)
		for rows := range 20 {
			for cols := range 20 {
				for pad := range 2 {
					src, dst := wave(rows*(cols+pad)+1, 0.7), wave(cols*(rows+pad)+1, 1.3)
					before := append([]float32(nil), dst...)
					if rows > 0 && cols > 0 { // src ends with its last element
						src = src[:(rows-1)*(cols+pad)+cols]
					}
					Transpose(dst, rows+pad, src, cols+pad, rows, cols)
					for j := range cols {
						for i := range rows {
							place := j*(rows+pad) + i
							if dst[place] != src[i*(cols+pad)+j] {
								t.Fatalf("%v %dx%d: [%d %d] = %v, want %v", l, rows, cols, j, i, dst[place], src[i*(cols+pad)+j])
							}
							before[place] = dst[place]
						}
					}
					for i, v := range before {
						if dst[i] != v {
							t.Fatalf("%v %dx%d: wrote between rows at %d", l, rows, cols, i)
						}
					}
				}
			}
		}
	}
}
