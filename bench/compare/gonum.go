package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// gonumVersion is that of go.mod.
const gonumVersion = "0.17.0"

// serveGonum answers requests for products with gonum's, which are Go: they take as many
// threads as the scheduler has.
func serveGonum(threads int) error {
	runtime.GOMAXPROCS(threads)
	var key string
	var call func()
	return reply("gonum "+gonumVersion, func(f []string) (answer, error) {
		switch {
		case f[0] == "hello":
			return answer{}, nil
		case f[0] != "gemm" || len(f) != 9 || f[7] != "f32":
			return answer{}, fmt.Errorf("%.100q is no request", strings.Join(f, " "))
		}
		seconds, err := strconv.ParseFloat(f[8], 64)
		if err != nil {
			return answer{}, err
		}
		if k := strings.Join(f[:8], "\t"); k != key {
			if call, err = gonumProduct(f[1:]); err != nil {
				return answer{}, err
			}
			key = k
		}
		return answer{Seconds: medianWithin(seconds, call)}, nil
	})
}

// gonumProduct returns the product that a request names.
func gonumProduct(f []string) (func(), error) {
	p, err := parseProduct(f)
	if err != nil {
		return nil, err
	}
	values := func(rows, cols int) []float32 {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = float32(i%17) / 16
		}
		return v
	}
	trans, strides := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}, [2]int{p.K, p.N}
	if p.TransA {
		strides[0] = p.M
	}
	if p.TransB {
		strides[1] = p.K
	}
	var a, b, c [][]float32
	for range p.Batch {
		a, b, c = append(a, values(p.M, p.K)), append(b, values(p.K, p.N)), append(c, values(p.M, p.N))
	}
	return func() {
		for i := range a {
			gonum.Implementation{}.Sgemm(trans[p.TransA], trans[p.TransB], p.M, p.N, p.K, 1, a[i], strides[0], b[i], strides[1], 0, c[i], p.N)
		}
	}, nil
}
