// Command demomodel trains the model of `lamina demo` from its seed and writes
// the file that package crash/demo embeds.
//
//	go run ./cmd/demomodel                # writes crash/demo/model.safetensors
//	go run ./cmd/demomodel -out FILE      # elsewhere
//
// It ends with the SHA-256 of the file and whether it is the recorded one, which it was on
// the instruction set and at the commit that package crash/demo names.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"lamina/crash/demo"
	"lamina/kernels/cpu"
)

func main() {
	out := flag.String("out", "crash/demo/model.safetensors", "file to write")
	threads := flag.Int("threads", 0, "goroutines that compute at once; 0: one per processor (the result does not depend on it)")
	flag.Parse()
	if err := run(*out, *threads); err != nil {
		fmt.Fprintln(os.Stderr, "demomodel:", err)
		os.Exit(1)
	}
}

func run(out string, threads int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	be := cpu.New(cpu.Options{Threads: threads})
	defer be.Close()
	begin, sum := time.Now(), 0.0
	err := demo.Rebuild(ctx, be, out, func(step, total int, loss float64) {
		const every = 100
		sum += loss
		if step%every == 0 {
			fmt.Fprintf(os.Stderr, "step %d of %d, loss %.3f, %.0f s\n", step, total, sum/every, time.Since(begin).Seconds())
			sum = 0
		}
	})
	if err != nil {
		return err
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	digest := fmt.Sprintf("%x", sha256.Sum256(data))
	fmt.Printf("%s  %s\n", digest, out)
	if digest == demo.WeightsSHA256 {
		fmt.Println("the same bits as recorded")
	} else {
		fmt.Printf("not the recorded bits (%s), on %s\n", demo.WeightsSHA256, be.Name())
	}
	return nil
}
