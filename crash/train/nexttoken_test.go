package train_test

import (
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/kernels/ref"
)

// The last token of a target is never read by the decoder, only predicted: it is
// checked all the same.
func TestNextTokenRefuses(t *testing.T) {
	d := crashtest.Small(ref.New(), "opt")
	for want, spoil := range map[string]func(*task.Pair){
		"example 3: context of 10 and target of 0 tokens": func(p *task.Pair) { p.Target = nil },
		"example 3: context of 0 ":                        func(p *task.Pair) { p.Context = nil },
		"example 3: target, token 1: id 61":               func(p *task.Pair) { p.Target = []int32{2, 61} },
		"example 3: context, token 0: id -1":              func(p *task.Pair) { p.Context = []int32{-1} },
		"example 3: ":                                     func(p *task.Pair) { p.Context = make([]int32, 65) },
	} {
		pairs := crashtest.Pairs(6)
		spoil(&pairs[3])
		if _, err := train.NewNextToken(d, pairs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
