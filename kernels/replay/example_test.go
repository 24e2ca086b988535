package replay_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/kernels/replay"
	"lamina/tensor"
)

// Of a hundred equal products one is made and measured. The clock here says what a test can
// know: a millisecond a look.
func Example() {
	r := replay.NewRecorder()
	of := func(shape ...int) tensor.Tensor { return tensor.NoMemory(nil, tensor.F32, shape...) }
	for range 100 {
		r.MatMul(kernels.MatMulArgs{C: of(64, 32), A: of(64, 48), B: of(48, 32)})
	}
	for _, k := range r.Work() {
		fmt.Println(k.Count, k.Method)
	}
	var now time.Duration
	clock := func() time.Duration { now += time.Millisecond; return now }
	seconds, err := replay.Meter{Backend: ref.New(), Clock: clock}.Seconds(context.Background(), r.Work())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f s\n", seconds[0])
	// Output:
	// 100 MatMul
	// 0.1 s
}
