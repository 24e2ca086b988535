package cuda

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"lamina/kernels"
	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/lt"
	"lamina/kernels/cuda/internal/sys"
)

// products is what computes a device's matrix products: cuBLASLt, and where that is not to
// be had or refuses, the kernel of product.cu.
type products struct {
	precision kernels.Precision
	lt        *lt.Library // nil: none
	why       string      // why there is none

	askReLU sync.Once
	relu    bool // the library's ReLU keeps NaN

	mu    sync.Mutex
	notes []string
	noted map[string]bool
}

// workspaceOf is how many bytes of workspace a product of the library may have.
func workspaceOf(i drv.Info) int64 {
	if i.Major >= 9 {
		return 32 << 20
	}
	return 4 << 20
}

// newProducts makes use of the library; none is nil, with the reason. It does not fail:
// without the library there is a kernel.
func newProducts(s *drv.Stream, i drv.Info, lib sys.Library, none error, precision kernels.Precision) *products {
	p := &products{precision: precision, noted: map[string]bool{}}
	if lib == nil {
		p.why = "cuBLASLt was not looked for"
		if none != nil {
			p.why = none.Error()
		}
		return p
	}
	l, err := lt.Open(lib, s, workspaceOf(i))
	if err != nil {
		p.why = err.Error()
		return p
	}
	p.lt = l
	return p
}

// String says what computes products: "cuBLASLt 12.8.4 (/usr/lib/libcublasLt.so.12), f32".
func (p *products) String() string {
	if p.lt == nil {
		return fmt.Sprintf("a kernel of our own, slow (%s), %v", p.why, p.precision)
	}
	return fmt.Sprintf("cuBLASLt %s (%s), %v", p.lt.Version(), p.lt.Path(), p.precision)
}

// close gives the library's handle back.
func (p *products) close(s *drv.Stream) error {
	if p == nil || p.lt == nil {
		return nil
	}
	return p.lt.Close(s)
}

// note keeps a choice that a reader of the log should know of, once.
func (p *products) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	const most = 100
	if !p.noted[text] && len(p.notes) < most {
		p.noted[text] = true
		p.notes = append(p.notes, text)
	}
}

// Products says what computes the matrix products, of which version, from where, and in
// which precision.
func (be *Backend) Products() string { return be.dev.products.String() }

// ProductNotes are the products so far that the library refused, or does not finish by
// itself, each once.
func (be *Backend) ProductNotes() []string {
	p := be.dev.products
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.notes...)
}

// Note is a line for whoever opens the backend, "" if there is nothing to say.
func (be *Backend) Note() string {
	if be.dev.products.lt != nil {
		return ""
	}
	return "matrix products: " + be.Products()
}

// fused returns the epilogue of the library that is exactly f, if there is one. GELUTanh
// is, but in how exact its tanh is: it is taken where operands are rounded anyway. ReLU is
// if it keeps NaN, which the library's documentation leaves open: it is asked, once.
func (be *Backend) fused(f kernels.Func) (lt.Epilogue, bool) {
	p := be.dev.products
	switch f {
	case kernels.GELUTanh:
		return lt.GELU, p.precision != kernels.PrecisionF32
	case kernels.ReLU:
		p.askReLU.Do(func() {
			kept, err := be.reluKeepsNaN()
			if p.relu = kept && err == nil; !p.relu {
				p.note("cuBLASLt's ReLU is not used: NaN kept %v, error %v", kept, err)
			}
		})
		return lt.ReLU, p.relu
	}
	return lt.Default, false
}

// reluKeepsNaN computes ReLU of a product of NaN by the library, and waits for it.
func (be *Backend) reluKeepsNaN() (kept bool, err error) {
	const side, bytes = 16, 4 * 16 * 16
	p := be.dev.products
	q := lt.Product{M: side, N: side, K: side, LDA: side, LDB: side, LDC: side, Epilogue: lt.ReLU.With(lt.Bias)}
	q.Operands, q.Compute = p.arithmetic()
	need, err := p.lt.Prepare(be.stream, q)
	if err != nil {
		return false, err
	}
	s := be.scratch(3*bytes + int(need))
	defer s.free()
	host, err := be.dev.pin(4)
	if err != nil {
		return false, err
	}
	be.call("reading cuBLASLt's ReLU", func() error {
		const nan, ones = 0x7FC07FC0, 0x3F803F80 // as F32 and as pairs of BF16
		err = errors.Join(
			be.stream.Fill32(s.Ptr, nan, bytes/4), be.stream.Fill32(s.Ptr+bytes, ones, bytes/4), be.stream.Fill32(s.Ptr+2*bytes, 0, bytes/4))
		if err != nil {
			return nil
		}
		d := s.Ptr + 2*bytes
		err = p.lt.Run(be.stream, q, lt.Operands{A: s.Ptr, B: s.Ptr + bytes, C: d, D: d, Bias: s.Ptr + bytes, Workspace: s.Ptr + 3*bytes, Bytes: need})
		if err == nil {
			err = errors.Join(be.stream.CopyOut(host, 0, d, 4), be.stream.Sync())
		}
		return nil
	})
	if err == nil {
		kept = math.IsNaN(float64(math.Float32frombits(binary.LittleEndian.Uint32(host.Bytes()))))
	}
	return kept, errors.Join(err, host.Free())
}

// arithmetic returns what the library is asked for.
func (p *products) arithmetic() (lt.Type, lt.Compute) {
	switch p.precision {
	case kernels.PrecisionTF32:
		return lt.F32, lt.ComputeTF32
	case kernels.PrecisionBF16:
		return lt.BF16, lt.ComputeF32
	}
	return lt.F32, lt.ComputeF32
}
