package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"

	"lamina/crash/crashtest"
	"lamina/crash/events"
	"lamina/crash/train"
	"lamina/kernels/ref"
	"lamina/nn/optim"
)

// A training tells of itself in JSON lines.
func Example() {
	be := ref.New()
	decoder := crashtest.Small(be, "opt")
	rows, err := train.NewNextToken(decoder, crashtest.Pairs(4))
	if err != nil {
		log.Fatal(err)
	}
	t := &train.Trainer{Backend: be, Params: decoder.Params(), Train: rows,
		Settings: train.Settings{LR: 1e-3, Steps: 1, Batch: 4, Schedule: optim.Constant, Clip: 1, Seed: 42}}
	defer t.Close()
	var lines bytes.Buffer
	s := &events.Stream{Run: "ab12", Sinks: []events.Sink{events.NewLinesTo(&lines)}}
	defer s.Close()
	s.Attach(t, "", "")
	s.End(t.Run(context.Background()))
	for line := range bytes.Lines(lines.Bytes()) {
		var e struct {
			Event, Run string
			Step       int
			Loss       float64
		}
		if err := json.Unmarshal(line, &e); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s of %s, step %d, loss %.1f\n", e.Event, e.Run, e.Step, e.Loss)
	}
	// Output:
	// begin of ab12, step 0, loss 0.0
	// step of ab12, step 1, loss 3.8
	// end of ab12, step 1, loss 0.0
}
