package simd

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"lamina/tensor"
)

// call is one call of an exported function: the lengths of its operands, and how
// they are handed over. Slices are no longer than the function may touch. What
// run returns are results beside the operands.
type call struct {
	at     string // sizes, for messages
	floats []int
	ints   []int32
	bytes  int
	clean  func(x [][]float32, src []byte) // makes operands of random numbers valid
	noTwin bool                            // the Go twin takes other operands, or shows NaN elsewhere
	run    func(x [][]float32, src []byte, ids []int32) []float64
}

// operands are those of a call in the memory of the test, or the allocator's.
type operands struct {
	x   [][]float32
	src []byte
	ids []int32
}

// results are the bits a call leaves behind, one word for all NaN.
func (o *operands) results(returned []float64) []uint64 {
	var words []uint64
	for _, x := range o.x {
		for _, v := range x {
			words = append(words, wordOf(float64(v)))
		}
	}
	for _, v := range returned {
		words = append(words, wordOf(v))
	}
	return words
}

func wordOf(v float64) uint64 {
	if v != v {
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(v)
}

// classes are results with one word for all finite numbers: what levels share.
func classes(words []uint64) []uint64 {
	kinds := make([]uint64, len(words))
	for i, w := range words {
		if v := math.Float64frombits(w); v != v || math.IsInf(v, 0) {
			kinds[i] = w
		}
	}
	return kinds
}

// fill writes the call's inputs: numbers in (-1, 1), with NaN and infinities among
// them if sick.
func (c *call) fill(o *operands, sick bool) {
	r := noise(len(c.at))
	strange := [3]float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	for k, x := range o.x {
		for i := range x {
			x[i] = r.next()
			if sick && (i+k)%11 == 5 {
				x[i] = strange[(i/11+k)%3]
			}
		}
	}
	for i := range o.src {
		o.src[i] = byte(math.Float32bits(r.next()) >> 8)
	}
	copy(o.ids, c.ints)
	if c.clean != nil {
		c.clean(o.x, o.src)
	}
}

// ordinary returns operands in Go's memory.
func (c *call) ordinary() *operands {
	o := &operands{src: make([]byte, c.bytes), ids: make([]int32, len(c.ints))}
	for _, n := range c.floats {
		o.x = append(o.x, make([]float32, n))
	}
	return o
}

// pages holds memory for the operands of any call, a piece for each.
type pages [][]byte

// fencedOperands returns operands that end, or begin, where no memory is.
func (p pages) fencedOperands(c *call, atEnd bool) *operands {
	place := func(k, n int) unsafe.Pointer {
		if n == 0 {
			return nil
		}
		if atEnd {
			return unsafe.Pointer(&p[k][len(p[k])-n])
		}
		return unsafe.Pointer(&p[k][0])
	}
	o := &operands{}
	k := 0
	for _, n := range c.floats {
		o.x = append(o.x, unsafe.Slice((*float32)(place(k, 4*n)), n))
		k++
	}
	o.src = unsafe.Slice((*byte)(place(k, c.bytes)), c.bytes)
	o.ids = unsafe.Slice((*int32)(place(k+1, 4*len(c.ints))), len(c.ints))
	return o
}

// try runs the call and returns what it leaves, or what went wrong.
func (c *call) try(o *operands, sick bool) (words []uint64, fault any) {
	defer func() { fault = recover() }()
	c.fill(o, sick)
	return o.results(c.run(o.x, o.src, o.ids)), nil
}

// TestNothingOutsideIsTouched runs every exported function, at every level, on
// operands that end, and begin, at memory nobody may touch. Results have the bits
// that they have elsewhere, and are NaN or infinite where the Go twin's are.
func TestNothingOutsideIsTouched(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer Set(Active())
	var memory pages
	for range 12 {
		memory = append(memory, fenced(t, 1<<16))
	}
	for _, row := range guardRows {
		t.Run(row.name, func(t *testing.T) {
			for _, l := range Levels() {
				Set(l) // the shapes of Gemm depend on it
				for _, c := range row.calls() {
					if err := guardCall(memory, &c, l); err != "" {
						t.Fatalf("%v, %s: %s", l, c.at, err)
					}
				}
			}
		})
	}
}

func guardCall(memory pages, c *call, l Level) string {
	for _, sick := range []bool{false, true} {
		want, fault := c.try(c.ordinary(), sick)
		if fault != nil {
			return fmt.Sprint(fault)
		}
		for _, atEnd := range []bool{true, false} {
			got, fault := c.try(memory.fencedOperands(c, atEnd), sick)
			if fault != nil {
				return fmt.Sprintf("operands at the end of memory %v: %v", atEnd, fault)
			}
			if !slices.Equal(got, want) {
				return fmt.Sprintf("other bits at the edge of memory, at its end %v", atEnd)
			}
		}
		if c.noTwin {
			continue
		}
		Set(Generic)
		twin, fault := c.try(c.ordinary(), sick)
		Set(l)
		if fault != nil {
			return fmt.Sprint("twin: ", fault)
		}
		if !slices.Equal(classes(twin), classes(want)) {
			return fmt.Sprintf("NaN and Inf are not those of the twin, NaN among inputs: %v", sick)
		}
	}
	return ""
}

// TestFencesStand reads beside the memory that the others rely on.
func TestFencesStand(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	m := fenced(t, 1)
	first := unsafe.Pointer(unsafe.SliceData(m))
	for _, at := range []int{-1, len(m)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("byte %d of %d can be read", at, len(m))
				}
			}()
			m[0] += *(*byte)(unsafe.Add(first, at))
		}()
	}
}

// TestEveryFunctionIsGuarded reads the package for functions without a row.
func TestEveryFunctionIsGuarded(t *testing.T) {
	takeNoMemory := []string{"Active", "FastBF16", "GemmTile", "Has", "HasBF16", "HasDotRows", "HasLanes", "Levels", "NoTiles", "Packed", "Peak", "PeakOf", "Set", "Without"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the package's source is not here")
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || slices.Contains(takeNoMemory, f.Name.Name) {
				continue
			}
			if !slices.ContainsFunc(guardRows, func(r guardRow) bool { return r.name == f.Name.Name }) {
				t.Errorf("%s: %s has no row in guardRows", name, f.Name.Name)
			}
		}
	}
}

// guardRow is an exported function and the calls that find its edges. calls is
// run at the level under test.
type guardRow struct {
	name  string
	calls func() []call
}

// guardLengths covers twice the longest unrolled loop and three more.
const guardLengths = 2*32 + 4

// each calls f with operands of one length.
func each(operands int, f func(x [][]float32) []float64) func() []call {
	return func() []call {
		var calls []call
		for n := range guardLengths {
			calls = append(calls, call{
				at: fmt.Sprintf("n=%d", n), floats: slices.Repeat([]int{n}, operands),
				run: func(x [][]float32, _ []byte, _ []int32) []float64 { return f(x) },
			})
		}
		return calls
	}
}

// plain is each for functions that return nothing.
func plain(operands int, f func(x [][]float32)) func() []call {
	return each(operands, func(x [][]float32) []float64 { f(x); return nil })
}

// ofOne and ofTwo are plain for the usual signatures.
func ofOne(f func(dst, x []float32)) func() []call {
	return plain(2, func(x [][]float32) { f(x[0], x[1]) })
}

func ofTwo(f func(dst, x, y []float32)) func() []call {
	return plain(3, func(x [][]float32) { f(x[0], x[1], x[2]) })
}

// span is the length of rows rows of n, a stride apart.
func span(rows, n, stride int) int {
	if rows == 0 {
		return 0
	}
	return (rows-1)*stride + n
}

func strided(f func(c *call, rows, n, stride int)) func() []call {
	return func() []call {
		var calls []call
		for n := range guardLengths {
			for _, rows := range []int{0, 1, 2, 3, 4, 5, 8, 9} {
				for _, pad := range []int{0, 3} {
					c := call{at: fmt.Sprintf("rows=%d n=%d stride=%d", rows, n, n+pad)}
					f(&c, rows, n, n+pad)
					calls = append(calls, c)
				}
			}
		}
		return calls
	}
}

// halves makes every float a pair of BF16, so that none is a denormal or NaN by
// accident.
func halves(x [][]float32, _ []byte) {
	for _, operand := range x[1:] {
		for i, v := range operand {
			h := uint32(tensor.F32ToBF16(v))
			operand[i] = math.Float32frombits(h<<16 | h)
		}
	}
}
