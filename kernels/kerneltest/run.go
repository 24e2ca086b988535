package kerneltest

import (
	"reflect"
	"testing"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// Options says what a backend promises beyond the interface.
type Options struct {
	// Same are backends that must give the same bits, such as the same one with
	// other numbers of workers.
	Same []kernels.Backend
	// F64 says that the backend computes in float64 too.
	F64 bool
}

// Run holds be against the contracts of package kernels. Every method of the
// Backend interface has a row; the last subtest fails if one was never called.
func Run(t *testing.T, be kernels.Backend, opts Options) {
	s := newSuite(be, opts)
	for _, row := range []struct {
		name string
		run  func(*suite, *testing.T)
	}{
		{"MatMul", (*suite).matMul},
		{"MatMulLarge", (*suite).matMulLarge},
		{"MatVec", (*suite).matVec},
		{"Unary", (*suite).unary},
		{"Gated", (*suite).gated},
		{"Binary", (*suite).binary},
		{"AddScaled", (*suite).addScaled},
		{"Reduce", (*suite).reduce},
		{"FillConvert", (*suite).fillConvert},
		{"Transpose", (*suite).transpose},
		{"CopyAxis", (*suite).copyAxis},
		{"GatherScatter", (*suite).gatherScatter},
		{"IDsOutOfRange", (*suite).idsOutOfRange},
		{"Dropout", (*suite).dropout},
		{"Softmax", (*suite).softmax},
		{"CrossEntropy", (*suite).crossEntropy},
		{"ArgMax", (*suite).argMax},
		{"LayerNorm", (*suite).layerNorm},
		{"RMSNorm", (*suite).rmsNorm},
		{"RoPE", (*suite).rope},
		{"Attention", (*suite).attention},
		{"AttentionSegments", (*suite).attentionSegments},
		{"AttentionPrefix", (*suite).attentionPrefix},
		{"AttentionDecode", (*suite).attentionDecode},
		{"AttentionBackward", (*suite).attentionBackward},
		{"SumSquares", (*suite).sumSquares},
		{"ClipCoefficient", (*suite).clipCoefficient},
		{"AdamW", (*suite).adamW},
		{"RandomShapes", (*suite).randomShapes},
		{"EveryMethod", (*suite).everyMethod},
	} {
		t.Run(row.name, func(t *testing.T) { row.run(s, t) })
	}
}

func newSuite(be kernels.Backend, opts Options) *suite {
	s := &suite{be: NewCounting(be), same: opts.Same, oracle: ref.New(), types: []tensor.DType{tensor.F32}}
	if opts.F64 {
		s.types = append(s.types, tensor.F64)
	}
	return s
}

// everyMethod fails if a method of the interface that is not a Device's was
// never called.
func (s *suite) everyMethod(t *testing.T) {
	iface := reflect.TypeFor[kernels.Backend]()
	device := reflect.TypeFor[tensor.Device]()
	for i := range iface.NumMethod() {
		name := iface.Method(i).Name
		if _, memory := device.MethodByName(name); !memory && s.be.Calls(name) == 0 {
			t.Errorf("no row calls %s", name)
		}
	}
}
