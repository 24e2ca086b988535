package kerneltest

import (
	"runtime/debug"
	"slices"
	"testing"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// Options says what a backend promises beyond the interface.
type Options struct {
	// Same are backends that must give the same bits, such as the same one with
	// other numbers of workers. Where there are more than some cases of a kind, each of
	// the rest is run on one of them, in turn.
	Same []kernels.Backend
	// F64 says that the backend computes in float64 too.
	F64 bool
	// Only, if not nil, names the rows that run: for a device so slow that one
	// process cannot run them all.
	Only []string
	// Every checks each Every-th of the thousands of products only; 0 means all.
	Every int
	// Thin checks each Thin-th case of one name, after those of Every, the first among
	// them; 0 means all.
	Thin int
}

func (o Options) has(row string) bool { return o.Only == nil || slices.Contains(o.Only, row) }

// row is a subtest. Each family of operations lists its rows in its own file.
type row struct {
	name string
	run  func(*suite, *testing.T)
}

// commonRows are about all operations; the last one counts the calls of the others.
var commonRows = []row{
	{"RandomShapes", (*suite).randomShapes},
	{"Concurrent", (*suite).concurrent},
	{"EveryMethod", (*suite).everyMethod},
}

// Run holds be against the contracts of package kernels. Every method of the
// Backend interface has a row; the last subtest fails if one was never called.
func Run(t *testing.T, be kernels.Backend, opts Options) {
	defer lessCollection()()
	s := newSuite(be, opts)
	for _, r := range slices.Concat(
		productRows, elementwiseRows, movementRows, lossRows, normRows,
		attentionRows, attentionBackwardRows, updateRows, customRows, similarityRows, extremeRows, commonRows,
	) {
		if opts.has(r.name) {
			t.Run(r.name, func(t *testing.T) { r.run(s, t) })
		}
	}
}

// lessCollection has garbage collected less often until the function is called that it returns:
// the operands of thousands of calls, which a third of the time goes to otherwise.
func lessCollection() (restore func()) {
	was := debug.SetGCPercent(300)
	return func() { debug.SetGCPercent(was) }
}

func newSuite(be kernels.Backend, opts Options) *suite {
	s := &suite{be: NewCounting(be), inner: be, same: opts.Same, oracle: ref.New(), types: []tensor.DType{tensor.F32}, kinds: map[string]int{}, thin: max(opts.Thin, 1), every: stride * max(opts.Every, 1)}
	if opts.F64 {
		s.types = append(s.types, tensor.F64)
	}
	return s
}

// concurrent runs several passes at once on the one backend: each gets the bits
// that it gets alone.
func (s *suite) concurrent(t *testing.T) {
	w := heads{4, 2, 16}
	cases := []testCase{
		s.matMulCase(newSource(1), productShape{m: 70, p: 130, n: 90, transB: true, b: tensor.Q8_0}.fit()),
		s.matMulCase(newSource(2), productShape{m: 33, p: 300, n: 64, transA: true, accumulate: true}),
		attentionCase("Attention", w, ragged(newSource(3), w, 1, 70, 5), kernels.Attention),
		attentionBackwardCase(w, ragged(newSource(4), w, 1, 30, 5), newSource(5)),
		newNormRow(newSource(6), 40, 65, true, 0, 1, tensor.BF16, true, true).backward(newSource(7)),
		reduceCase(kernels.Sum, []int{1, 129}, []int{200, 129}, newSource(8).normal(200*129, 1), exactly),
	}
	want := make([][][]byte, len(cases))
	for i, c := range cases {
		want[i] = c.execute(t, s.be, tensor.F32, aligned)
	}
	for i, c := range cases {
		for range 2 {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				for range 5 {
					c.wantBits(t, "beside other calls", tensor.F32, want[i], c.execute(t, s.be, tensor.F32, aligned))
				}
			})
		}
	}
}

// withoutBadRows are methods whose results are not rows that a bad one could reach, or
// which are compared bit by bit on numbers with NaN and infinities among them.
var withoutBadRows = []string{
	"ArgMax", "ClipCoefficient", "Convert", "CopyAxis", "Custom", "Dropout", "Fill", "Gather", "SumSquares", "Transpose",
}

// everyMethod fails if a method of the interface that computes was never called, or
// never with a bad row.
func (s *suite) everyMethod(t *testing.T) {
	for _, name := range intercept.Methods() {
		if s.be.Times(name) == 0 {
			t.Errorf("no row calls %s", name)
		}
		if !slices.Contains(withoutBadRows, name) && !slices.Contains(s.poisoned, name) {
			t.Errorf("no row calls %s with NaN and infinities in one place", name)
		}
	}
}
